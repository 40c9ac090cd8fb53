// A generated language of known entropy: generator, exact optimal predictor, entropy rate. Knows nothing of models.
//
// The optimum is meant for what a model sees: a window cut at a random position of an endless stream. So the stream
// starts in stationarity, and the predictor starts a window from the stationary distribution over hidden states. It
// is then the Bayes predictor of the window: on average over windows no model can have a lower loss.

import { RequestError } from "../errors.ts";
import { buildChain, type Chain } from "./chain.ts";
import { type Filter, filtersOf } from "./filter.ts";
import type { LanguageGrammar } from "./grammar.ts";
import { createRandom } from "./random.ts";
import { storyLanguage } from "./story.ts";

/** A language whose lowest possible loss is known. */
export interface Language {
  /** The characters, sorted by code point; a token is an index into it. */
  alphabet: readonly string[];
  /**
   * Entropy per character in nat of the endless stream: what the optimal predictor loses with unlimited context.
   * Computed from the chain (Cover and Thomas, "Elements of Information Theory", theorem 4.2.4). Exact where every
   * document can be derived from the grammar in one way only, as in the built-in language; else an upper bound.
   */
  entropyRate: number;
  /** One continuous stream of `length` tokens that starts at a random position. Equal arguments, equal stream. */
  generate(seed: number, length: number): Uint16Array;
  /** The exact optimal predictor, at the start of a window. */
  createFilter(): Filter;
  /** Tokens as text. */
  decode(tokens: ArrayLike<number>): string;
  /**
   * Nat per token of one window under the optimal predictor, which knows nothing before its first token.
   * Infinity where the language cannot continue so.
   */
  negativeLogLikelihood(tokens: ArrayLike<number>): Float64Array;
  /**
   * Lowest expected loss, in nat per target, of any predictor that sees what a model sees: tokens cut into windows
   * of `length` inputs as `evaluationBatches` does, the first input of a window given and never a target.
   */
  optimalLoss(tokens: ArrayLike<number>, length: number): Estimate;
  /** The entropy rate measured by filtering one generated stream, to check `entropyRate` by. */
  estimateEntropyRate(seed: number, length: number): Estimate;
}

/** A mean in nat and its standard error, from the means of consecutive blocks. */
export interface Estimate {
  value: number;
  standardError: number;
}

/** The built-in language of short stories, or the language of another grammar. */
export function createLanguage(options: { grammar?: LanguageGrammar } = {}): Language {
  const chain = buildChain(options.grammar ?? storyLanguage());
  const { alphabet } = chain;
  const createFilter = filtersOf(chain);

  const negativeLogLikelihood = (tokens: ArrayLike<number>): Float64Array => {
    const filter = createFilter();
    return Float64Array.from(tokens, (token) => -filter.observe(token));
  };
  const generateStream = (seed: number, length: number): Uint16Array => generate(chain, seed, length);
  return {
    alphabet,
    entropyRate: entropyRate(chain),
    generate: generateStream,
    createFilter,
    decode: (tokens) => Array.from(tokens, (token) => alphabet[token] ?? "\ufffd").join(""),
    negativeLogLikelihood,
    optimalLoss: (tokens, length) => optimalLoss(createFilter(), tokens, length),
    estimateEntropyRate: (seed, length) =>
      // The first characters still learn where the window is.
      blockEstimate(
        negativeLogLikelihood(generateStream(seed, length)).subarray(Math.min(1000, length >> 1)),
      ),
  };
}

function generate(chain: Chain, seed: number, length: number): Uint16Array {
  if (!Number.isInteger(length) || length < 1) {
    throw new RequestError(`language: length must be a positive integer, got ${length}; ask for at least 1`);
  }
  const { states, symbols, offsets, targets, probabilities, stationary } = chain;
  const random = createRandom(seed, 0);
  let draws = 0;
  const tokens = new Uint16Array(length);
  let state = pick(stationary, 0, states, random.uniform(draws++));
  for (let i = 0; i < length; i++) {
    tokens[i] = symbols[state]!;
    const from = offsets[state]!;
    const to = offsets[state + 1]!;
    state = targets[to - from === 1 ? from : pick(probabilities, from, to, random.uniform(draws++))]!;
  }
  return tokens;
}

/** The index in [from, to) that `uniform` falls on when the probabilities there are laid end to end. */
function pick(probabilities: Float64Array, from: number, to: number, uniform: number): number {
  let left = uniform;
  for (let index = from; index < to - 1; index++) {
    left -= probabilities[index]!;
    if (left < 0) return index;
  }
  return to - 1;
}

function entropyRate(chain: Chain): number {
  let sum = 0;
  for (let state = 0; state < chain.states; state++) {
    for (let edge = chain.offsets[state]!; edge < chain.offsets[state + 1]!; edge++) {
      const probability = chain.probabilities[edge]!;
      sum -= chain.stationary[state]! * probability * Math.log(probability);
    }
  }
  return sum;
}

function optimalLoss(filter: Filter, tokens: ArrayLike<number>, length: number): Estimate {
  if (!Number.isInteger(length) || length < 1 || tokens.length < 2) {
    throw new RequestError(
      `optimal loss: needs at least 2 tokens and a window of at least 1, got ${tokens.length} and ${length}`,
    );
  }
  const losses = new Float64Array(tokens.length - 1);
  for (let target = 1; target < tokens.length; target++) {
    if ((target - 1) % length === 0) {
      filter.reset();
      filter.observe(tokens[target - 1]!);
    }
    losses[target - 1] = -filter.observe(tokens[target]!);
  }
  return blockEstimate(losses);
}

/** Batch means: 30 blocks or as many as there are values, since neighbours depend on each other. */
function blockEstimate(values: Float64Array): Estimate {
  const blocks = Math.min(30, values.length);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let squares = 0;
  for (let block = 0; block < blocks; block++) {
    const from = Math.floor((block * values.length) / blocks);
    const to = Math.floor(((block + 1) * values.length) / blocks);
    const blockMean = values.subarray(from, to).reduce((sum, value) => sum + value, 0) / (to - from);
    squares += (blockMean - mean) ** 2;
  }
  return {
    value: mean,
    standardError: blocks > 1 ? Math.sqrt(squares / (blocks - 1) / blocks) : Number.POSITIVE_INFINITY,
  };
}
