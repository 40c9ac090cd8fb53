// Text from the best model of a run on disk. Knows the run's folder; knows nothing of training.

import type { Machine } from "../backend/machine.ts";
import type { Tokenizer } from "../data/tokenizer.ts";
import { RequestError } from "../errors.ts";
import { openModel } from "./model.ts";
import { createTextSampler, type SamplingOptions } from "./sample.ts";

export interface RunSamplingOptions extends Omit<SamplingOptions, "prompt"> {
  readonly machine: Machine;
  /** The folder of a run. */
  readonly folder: string;
  /** Text to continue, not repeated in the result. Default: a line end, or the first token where there is none. */
  readonly prompt?: string;
}

/**
 * Pieces of new text as they are drawn, from the checkpoint with the lowest validation loss.
 * Errors: RequestError for a folder without a run or checkpoint and for a prompt that the tokenizer cannot spell,
 * WorkError for damaged files.
 */
export async function* sampleRun(options: RunSamplingOptions): AsyncGenerator<string, void, undefined> {
  const { machine, folder } = options;
  const { architecture, tokenizer, store } = openModel(machine, folder);
  const prompt = encodePrompt(tokenizer, options.prompt);
  const sampler = createTextSampler(machine, architecture, store);
  try {
    const tokens: number[] = [];
    let written = 0;
    for await (const token of sampler.sample({ ...options, prompt })) {
      tokens.push(token);
      const text = tokenizer.decode(tokens);
      // Bytes that do not make a whole character yet wait for those that do.
      const whole = tokens.length === options.tokens ? text.length : text.replace(/\ufffd+$/, "").length;
      if (whole > written) yield text.slice(written, whole);
      written = Math.max(written, whole);
    }
  } finally {
    sampler.dispose();
    for (const name of store.names()) store.release(name);
  }
}

function encodePrompt(tokenizer: Tokenizer, prompt: string | undefined): ArrayLike<number> {
  if (prompt === undefined) return tokenizer.unseen("\n").count === 0 ? tokenizer.encode("\n") : [0];
  if (prompt === "") throw new RequestError("sample: the prompt is empty; give some text or leave it out");
  const unseen = tokenizer.unseen(prompt);
  if (unseen.count > 0) {
    const which = unseen.characters.map((character) => JSON.stringify(character)).join(" ");
    throw new RequestError(
      `sample: the prompt has what the model has never seen${which === "" ? "" : ` (${which})`}; expected text ` +
        "like that it was trained on",
    );
  }
  return tokenizer.encode(prompt);
}
