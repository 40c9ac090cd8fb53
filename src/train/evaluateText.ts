// How good a model is on some text, with intervals. Knows no run and no file. b rows of a batch, T length.
import type { Architecture } from "../architecture/architecture.ts";
import type { Machine, Store } from "../backend/machine.ts";
import type { EvaluationText } from "../data/evaluationText.ts";
import type { Estimate } from "../data/language.ts";
import { type Window, windowBatches, windowCount } from "../data/windows.ts";
import { RequestError, WorkError } from "../errors.ts";
import { type Measure, ratioMeasure, transformed } from "./interval.ts";
import { createObjective } from "./objectives/objectives.ts";
import { createScorer, type Scores } from "./score.ts";

/** How a text is scored. */
export interface ScoringOptions {
  /** Tokens from one window to the next, 1 … T. Default T; less gives every token at least T - stride before it. */
  readonly stride?: number | undefined;
  /** Windows at a time; results do not depend on it but in their last bits. */
  readonly batch?: number | undefined;
  /** Most tokens to score, from the beginning. Default: all. */
  readonly limit?: number | undefined;
  /** Abort: what is scored so far is the result. */
  readonly signal?: AbortSignal | undefined;
}

/** How good a model is on a text. */
export interface TextEvaluation {
  readonly data: string;
  readonly part: EvaluationText["part"];
  /** False where the signal has ended it early: the figures are those of the beginning of the text. */
  readonly complete: boolean;
  /** Tokens scored. */
  readonly tokens: number;
  /** Bytes of the text that these tokens stand for. */
  readonly bytes: number;
  readonly bytesExact: boolean;
  /** T, of the model. */
  readonly length: number;
  readonly stride: number;
  /** Mean cross-entropy, nats a token. */
  readonly loss: Measure;
  /** exp(loss). */
  readonly perplexity: Measure;
  /** Comparable between tokenizers. */
  readonly bitsPerByte: Measure;
  /** Share of tokens that were the model's first guess. */
  readonly accuracy: Measure;
  readonly interval: IntervalDescription;
  /** Lowest expected loss of any predictor on these windows, where the data know it; else null. */
  readonly optimum: Estimate | null;
}

/** How the intervals were made and what they mean. */
export interface IntervalDescription {
  readonly method: string;
  readonly level: number;
  /** Blocks of text that are taken as independent. */
  readonly items: number;
  readonly tokensPerItem: number;
  readonly meaning: string;
}

/** Text and model fit; scoring begins. */
export interface ScoringStart {
  readonly kind: "start";
  readonly data: string;
  readonly part: EvaluationText["part"];
  /** To be scored. */
  readonly tokens: number;
  readonly length: number;
  readonly stride: number;
  readonly notes: readonly string[];
}

/** A part of the text has been scored. */
export interface ScoringProgress {
  readonly kind: "progress";
  /** Scored so far. */
  readonly tokens: number;
  readonly of: number;
  /** Of these, nats a token. */
  readonly loss: number;
}

/** All is scored, or the signal came. */
export interface ScoringEnd<Result = TextEvaluation> {
  readonly kind: "end";
  /** Null where the signal came before anything was scored. */
  readonly result: Result | null;
}

const LEVEL = 0.95;
/** Few enough that a block is long against what neighbours share, enough that the interval is hardly wider for it. */
const MOST_ITEMS = 30;
const DEFAULT_BATCH = 32;

/**
 * Scores every token of a text but the first; the last event holds the result.
 *
 * The model is fixed and the evaluation deterministic, so an interval says what other text would give that resembles this
 * one as its blocks resemble each other; it cannot tell of books of another author.
 * Tokens of one window depend on each other, and so do neighbouring windows: the items are at most 30 blocks of
 * consecutive windows (batch means: Law, "Simulation Modeling and Analysis", section 9.5.3), with Student's t.
 *
 * Errors: RequestError for text that is too short and sizes out of range, WorkError for losses that are not finite.
 */
export async function* evaluateText(
  machine: Machine,
  architecture: Architecture,
  store: Store,
  text: EvaluationText,
  options: ScoringOptions = {},
): AsyncGenerator<ScoringStart | ScoringProgress | ScoringEnd, void, undefined> {
  createObjective("next-token").check(architecture);
  const { length } = architecture;
  const { stride = length, batch = DEFAULT_BATCH, signal } = options;
  const tokens = text.tokens.subarray(0, limitOf(options) + 1);
  const windows = windowCount(tokens.length, { length, stride });
  const rows = Math.min(batch, windows);
  const batches = windowBatches(tokens, { length, stride, batch: rows });
  // Finds texts and sizes that cannot be before the program is planned.
  let current = batches.next();
  const described = { data: text.name, part: text.part, length, stride };
  const of = tokens.length - 1;
  yield { kind: "start", ...described, tokens: of, notes: text.notes };
  const scorer = createScorer(machine, architecture, store, rows);
  try {
    const tally = createTally(text, windows);
    for (; !current.done && !signal?.aborted; current = batches.next()) {
      tally.add(current.value.windows, await scorer.score(current.value), length);
      yield { kind: "progress", tokens: tally.tokens(), of, loss: tally.loss() };
    }
    if (tally.tokens() === 0) return yield { kind: "end", result: null };
    const complete = tally.tokens() === of;
    // The optimum is known for windows side by side.
    const comparable = complete && stride === length;
    const optimum = comparable ? (text.language?.optimalLoss(tokens, length) ?? null) : null;
    yield { kind: "end", result: { ...described, complete, ...tally.result(), optimum } };
  } finally {
    scorer.dispose();
  }
}

function limitOf({ limit = Number.POSITIVE_INFINITY }: ScoringOptions): number {
  if (limit === Number.POSITIVE_INFINITY || (Number.isSafeInteger(limit) && limit >= 1)) return limit;
  throw new RequestError(`evaluate: limit is ${limit}; expected a whole number of tokens, at least 1`);
}

/** Sums over blocks of consecutive windows. */
function createTally(text: EvaluationText, windowsInAll: number) {
  const items = Math.min(MOST_ITEMS, windowsInAll);
  const sums = () => new Float64Array(items);
  const [losses, hits, scored, bytes] = [sums(), sums(), sums(), sums()];
  let windowsDone = 0;
  return {
    tokens: () => total(scored),
    loss: () => total(losses) / total(scored),
    add(windows: readonly Window[], scores: Scores, length: number): void {
      windows.forEach(({ start, from, to }, row) => {
        const item = Math.floor((windowsDone++ * items) / windowsInAll);
        for (let t = from; t < to; t++) {
          const loss = scores.losses[row * length + t]!;
          const target = start + t + 1;
          if (!Number.isFinite(loss)) {
            throw new WorkError(
              `evaluate: the loss of token ${target} of ${text.name} is ${loss}; the model's numbers have run out of ` +
                "range, take an earlier checkpoint",
            );
          }
          losses[item]! += loss;
          hits[item]! += scores.hits[row * length + t]!;
          bytes[item]! += text.bytes.of(target);
        }
        scored[item]! += to - from;
      });
    },
    result() {
      // After an interruption the last blocks are empty.
      const begun = scored.indexOf(0);
      const used = (values: Float64Array) => (begun < 0 ? values : values.subarray(0, begun));
      const measure = (top: Float64Array, bottom: Float64Array) =>
        ratioMeasure(used(top), used(bottom), LEVEL);
      const loss = measure(losses, scored);
      const within = (x: number) => Math.min(1, Math.max(0, x));
      return {
        tokens: total(scored),
        bytes: Math.round(total(bytes)),
        bytesExact: text.bytes.exact,
        loss,
        perplexity: transformed(loss, Math.exp),
        bitsPerByte: transformed(measure(losses, bytes), (nats) => nats / Math.LN2),
        accuracy: transformed(measure(hits, scored), within),
        interval: describeInterval(used(scored)),
      };
    },
  };
}

function describeInterval(scored: Float64Array): IntervalDescription {
  return {
    method: "Student's t over the means of blocks of consecutive windows",
    level: LEVEL,
    items: scored.length,
    tokensPerItem: Math.round(total(scored) / scored.length),
    meaning:
      "what other text would give with this model if it resembles this one as its blocks resemble each other; " +
      "training another seed is not in it",
  };
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
