// Text from the best model of a run on disk. Knows the run's folder; knows nothing of training.

import type { Architecture } from "../architecture/architecture.ts";
import { keptNumbers } from "../architecture/decode.ts";
import type { Machine, Store } from "../backend/machine.ts";
import type { Tokenizer } from "../data/tokenizer.ts";
import { RequestError } from "../errors.ts";
import { type DamageListener, openModel, requireTokenizer } from "./model.ts";
import { createTextSampler, type SamplingOptions } from "./sample.ts";
import { createStopText } from "./stopText.ts";
import { createTextStream } from "./textStream.ts";

/** Which model writes, and how. */
export interface RunSamplingOptions extends Omit<SamplingOptions, "prompt" | "first" | "vocabulary"> {
  readonly machine: Machine;
  /** The folder of a run. */
  readonly folder: string;
  /** Told of a damaged checkpoint while an earlier one is used; without it, damage is an error. */
  readonly onDamaged?: DamageListener | undefined;
  /** Text to continue, not repeated in the result. Default: a line end, or the first token where there is none. */
  readonly prompt?: string;
  /** Texts that end the sample where one of them begins; it is left out. */
  readonly stop?: readonly string[];
}

/** A part of one of several samples. */
export interface SamplePiece {
  /** Number of the sample, from 0. */
  readonly sample: number;
  readonly text: string;
  /** In a sample's last piece, what ended it; null before, and where a signal did. */
  readonly ending: "tokens" | "stop" | null;
}

/** Samples that are written side by side: more gain little speed, and memory grows with them. */
const MOST_AT_ONCE = 32;
const MOST_BYTES = 2 ** 30;
/** So many samples have random numbers of their own. */
const MOST = 1_000_000;
/** Characters named in an error. */
const MOST_SHOWN = 10;

/**
 * Pieces of new text as they are drawn, from the checkpoint with the lowest validation loss.
 * Errors: RequestError for a folder without a run or checkpoint and for a prompt that the tokenizer cannot spell,
 * WorkError for damaged files.
 */
export async function* sampleRun(options: RunSamplingOptions): AsyncGenerator<string, void, undefined> {
  for await (const { text } of sampleTexts(options)) if (text !== "") yield text;
}

/**
 * Several samples of one prompt (`count`, default 1) in pieces as they are drawn, some side by side. Sample n of a seed
 * has the same random numbers for any count. Errors: as for `sampleRun`.
 */
export async function* sampleTexts(
  options: RunSamplingOptions & { readonly count?: number },
): AsyncGenerator<SamplePiece, void, undefined> {
  const { count = 1, stop = [], signal } = options;
  if (!Number.isInteger(count) || count < 1 || count > MOST) {
    throw new RequestError(`sample: count is ${count}; expected a whole number from 1 to ${MOST}`);
  }
  if (stop.includes("")) throw new RequestError("sample: a stop text is empty; give at least one character");
  const model = openModel(options.machine, options.folder, "best", options.onDamaged);
  const { architecture, store } = model;
  try {
    const tokenizer = requireTokenizer(model, options.folder);
    const prompt = encodePrompt(tokenizer, options.prompt);
    const bytes = 4 * (keptNumbers(architecture) + architecture.vocabulary);
    const batch = Math.max(1, Math.min(MOST_AT_ONCE, Math.floor(MOST_BYTES / bytes)));
    for (let first = 0; first < count && !signal?.aborted; first += batch) {
      yield* sampleBatch(
        { architecture, tokenizer, store },
        { ...options, prompt, first, vocabulary: tokenizer.vocabulary },
        Math.min(batch, count - first),
      );
    }
  } finally {
    for (const name of store.names()) store.release(name);
  }
}

type BatchOptions = SamplingOptions &
  Pick<RunSamplingOptions, "machine" | "stop"> & { readonly first: number };

interface Writer {
  readonly architecture: Architecture;
  readonly tokenizer: Tokenizer;
  readonly store: Store;
}

/** `count` samples side by side, from number `first` on. */
async function* sampleBatch(
  { architecture, tokenizer, store }: Writer,
  options: BatchOptions,
  count: number,
): AsyncGenerator<SamplePiece, void, undefined> {
  let going = Array.from({ length: count }, (_, place) => ({
    place,
    sample: options.first + place,
    stream: createTextStream((tokens) => tokenizer.decode(tokens)),
    stop: createStopText(options.stop ?? []),
  }));
  let drawn = 0;
  const sampler = createTextSampler(options.machine, architecture, store, count);
  try {
    for await (const tokens of sampler.sample(options)) {
      drawn++;
      const still = [];
      for (const text of going) {
        const { text: piece, found } = text.stop.push(text.stream.push(tokens[text.place]!));
        if (piece !== "" || found) {
          yield { sample: text.sample, text: piece, ending: found ? "stop" : null };
        }
        if (!found) still.push(text);
      }
      going = still;
      if (going.length === 0) return;
    }
  } finally {
    sampler.dispose();
  }
  for (const { sample, stream, stop } of going) {
    const { text, found } = stop.push(stream.end());
    const ending = found ? "stop" : drawn === options.tokens ? "tokens" : null;
    yield { sample, text: text + stop.end(), ending };
  }
}

function encodePrompt(tokenizer: Tokenizer, prompt: string | undefined): ArrayLike<number> {
  if (prompt === undefined) return tokenizer.unseen("\n").count === 0 ? tokenizer.encode("\n") : [0];
  if (prompt === "") throw new RequestError("sample: the prompt is empty; give some text or leave it out");
  const unseen = tokenizer.unseen(prompt);
  if (unseen.count > 0) {
    const shown = unseen.characters.slice(0, MOST_SHOWN).map((character) => JSON.stringify(character));
    if (unseen.characters.length > MOST_SHOWN) shown.push("...");
    throw new RequestError(
      `sample: the prompt has what the model has never seen${shown.length === 0 ? "" : ` (${shown.join(" ")})`}; ` +
        "expected text like that it was trained on",
    );
  }
  return tokenizer.encode(prompt);
}
