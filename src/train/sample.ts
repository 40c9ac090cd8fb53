// Token ids from a model, one after the other, several texts at once. Knows no tokenizer and no training. V vocabulary.
import type { Architecture } from "../architecture/architecture.ts";
import type { Machine, Store } from "../backend/machine.ts";
import { createRandom } from "../data/random.ts";
import { RequestError } from "../errors.ts";
import { createDecoder } from "./decoder.ts";
import { type Draw, drawToken } from "./draw.ts";

/** How tokens are drawn. */
export interface SamplingOptions {
  /** Tokens to begin with, from one to as many as the model sees at once. */
  readonly prompt: ArrayLike<number>;
  /** Tokens to add. */
  readonly tokens: number;
  /** Divides the logits; 0 takes the most likely token. Default 1. */
  readonly temperature?: number;
  /** Only the k most likely tokens are drawn from. Default: all. */
  readonly topK?: number;
  /** Above 0, at most 1: of those, only the fewest that have this share of their probability. Default 1. */
  readonly topP?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Number of the first text; text n of a seed has the same random numbers, whichever are drawn beside it. Default 0. */
  readonly first?: number;
  /** Only tokens below it are drawn: a model may have more than its tokenizer. Default: V. */
  readonly vocabulary?: number;
  /** Stops between two tokens. */
  readonly signal?: AbortSignal;
}

/** A model ready to write. */
export interface Sampler {
  /** The next token of each text, again and again. Errors: RequestError for impossible options. */
  sample(options: SamplingOptions): AsyncGenerator<number[], void, undefined>;
  /** Gives back what it holds of the machine. */
  dispose(): void;
}

/** The stream of random numbers that samples draw from. */
const STREAM = 3;
/** Random numbers from one text to the next. */
const TEXT = 2 ** 32;

/**
 * A sampler of `count` texts at a time on the parameters in `store`, one sampler at a time for each store.
 * Errors: RequestError for an architecture that is not causal.
 */
export function createTextSampler(
  machine: Machine,
  architecture: Architecture,
  store: Store,
  count = 1,
): Sampler {
  const decoder = createDecoder(machine, architecture, store, count);
  return {
    async *sample(options) {
      const draw = checkOptions(options, architecture);
      const { tokens, signal, first = 0, vocabulary = architecture.vocabulary } = options;
      const random = createRandom(options.seed ?? 0, STREAM);
      const prompt = Array.from(options.prompt);
      let drawn: number[] = [];
      for (let i = 0; i < tokens && !signal?.aborted; i++) {
        const logits = await (i === 0
          ? decoder.begin(Array.from({ length: count }, () => prompt))
          : decoder.next(drawn));
        drawn = Array.from({ length: count }, (_, text) => {
          const start = text * architecture.vocabulary;
          const row = logits.subarray(start, start + vocabulary);
          return drawToken(row, draw, random.uniform((first + text) * TEXT + i));
        });
        yield drawn;
      }
    },
    dispose: () => decoder.dispose(),
  };
}

function checkOptions(options: SamplingOptions, { vocabulary, length }: Architecture): Draw {
  const { prompt, tokens, temperature = 1, topK = vocabulary, topP = 1 } = options;
  if (prompt.length === 0) throw new RequestError("sample: the prompt is empty; expected at least one token");
  if (prompt.length > length) {
    throw new RequestError(
      `sample: the prompt has ${prompt.length} tokens, and the model sees ${length} at once; expected at most so many, ` +
        "give the end of the prompt alone",
    );
  }
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
  if (!(Number.isInteger(topK) && topK >= 1)) {
    throw new RequestError(`sample: topK is ${topK}; expected a whole number of at least 1`);
  }
  if (!(topP > 0 && topP <= 1)) {
    throw new RequestError(`sample: topP is ${topP}; expected a number above 0 and at most 1`);
  }
  return { temperature, topK, topP };
}
