// Text from a model, one token after the other. Knows no tokenizer and no training. T length, V vocabulary.
import type { Architecture } from "../architecture/architecture.ts";
import { forward } from "../architecture/forward.ts";
import type { Machine, Store } from "../backend/machine.ts";
import { createRandom } from "../data/random.ts";
import { RequestError } from "../errors.ts";
import { inputSource } from "../nn/parameters.ts";
import { input } from "../tensor/ops/leaf.ts";
import { reshape } from "../tensor/ops/movement.ts";
import { program, programInputs } from "../tensor/program.ts";

export interface SamplingOptions {
  /** Tokens to begin with, at least one. */
  readonly prompt: ArrayLike<number>;
  /** Tokens to add. */
  readonly tokens: number;
  /** Divides the logits; 0 takes the most likely token. Default 1. */
  readonly temperature?: number;
  /** Only the k most likely tokens are drawn from. Default: all. */
  readonly topK?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Stops between two tokens. */
  readonly signal?: AbortSignal;
}

export interface Sampler {
  /** New tokens one by one. Errors: RequestError for impossible options. */
  sample(options: SamplingOptions): AsyncGenerator<number, void, undefined>;
  dispose(): void;
}

const names = { tokens: "sample/tokens", last: "sample/last", logits: "sample/logits" } as const;

/** The stream of random numbers that samples draw from. */
const STREAM = 3;

/** A sampler on the parameters in `store`, which see the last T tokens of a text. */
export function createTextSampler(machine: Machine, architecture: Architecture, store: Store): Sampler {
  const { length, vocabulary } = architecture;
  const last = input(names.last, [], "i32");
  const tokens = input(names.tokens, [1, length], "i32");
  const logits = reshape(forward(architecture, inputSource(), tokens, { position: last }), [vocabulary]);
  const sampling = program({ [names.logits]: logits });
  for (const [name, type] of programInputs(sampling)) store.allocate(name, type);
  const executable = machine.load(sampling);
  const next = async (text: readonly number[]): Promise<ArrayLike<number>> => {
    const seen = text.slice(-length);
    const padded = new Int32Array(length);
    padded.set(seen);
    store.write(names.tokens, padded);
    store.write(names.last, [seen.length - 1]);
    await executable.run(store);
    return store.read(names.logits);
  };
  return {
    async *sample(options) {
      const { temperature, topK } = checkOptions(options, vocabulary);
      const random = createRandom(options.seed ?? 0, STREAM);
      const text = Array.from(options.prompt);
      for (let i = 0; i < options.tokens && !options.signal?.aborted; i++) {
        const token = drawToken(await next(text), temperature, topK, random.uniform(i));
        text.push(token);
        yield token;
      }
    },
    dispose() {
      executable.dispose();
      for (const name of Object.values(names)) store.release(name);
    },
  };
}

function checkOptions({ prompt, tokens, temperature = 1, topK }: SamplingOptions, vocabulary: number) {
  if (prompt.length === 0) throw new RequestError("sample: the prompt is empty; expected at least one token");
  const foreign = Array.from(prompt).find((token) => !(token >= 0 && token < vocabulary));
  if (foreign !== undefined) {
    throw new RequestError(`sample: the prompt has token ${foreign}; expected 0 to ${vocabulary - 1}`);
  }
  if (!Number.isInteger(tokens) || tokens < 0) {
    throw new RequestError(`sample: tokens is ${tokens}; expected a whole number of at least 0`);
  }
  if (!(temperature >= 0 && temperature < Number.POSITIVE_INFINITY)) {
    throw new RequestError(`sample: temperature is ${temperature}; expected a number of at least 0`);
  }
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) {
    throw new RequestError(`sample: topK is ${topK}; expected a whole number of at least 1`);
  }
  return { temperature, topK: Math.min(topK ?? vocabulary, vocabulary) };
}

/** A token from softmax(logits / temperature) over the k largest, given a uniform number in [0, 1). */
export function drawToken(
  logits: ArrayLike<number>,
  temperature: number,
  topK: number,
  uniform: number,
): number {
  const order = Array.from(logits, (_, token) => token).sort((a, b) => logits[b]! - logits[a]! || a - b);
  const best = order[0]!;
  if (temperature === 0) return best;
  const kept = order.slice(0, topK);
  const weights = kept.map((token) => Math.exp((logits[token]! - logits[best]!) / temperature));
  let left = uniform * weights.reduce((total, weight) => total + weight, 0);
  for (const [i, token] of kept.entries()) {
    left -= weights[i]!;
    if (left < 0) return token;
  }
  return kept.at(-1)!;
}
