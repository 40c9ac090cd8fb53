// What a design is asked for, checked key by key. Knows single settings only.

import { z } from "zod";
import { RequestError } from "../errors.ts";
import { isObject } from "../json.ts";
import { parseStrict, positiveNumber, show, wholeNumber } from "../strict.ts";
import { type Budget, readBudget } from "../study/budget.ts";
import type { TrainingInput } from "../train/settings.ts";
import { requireRising } from "../trial/armInput.ts";
import type { ArmInput } from "../trial/input.ts";
import { requireCandidates } from "./candidateInput.ts";

/** An architecture, and what is its own of how it is trained. */
export type CandidateInput = Omit<ArmInput, "training">;

/** What a design is asked for. */
export interface DesignInput {
  /** Of everything: `2h`, `30m`, `3e14flops`. */
  readonly budget: string;
  /** Of the winner's run, in the unit of `budget`; default: half of it, and what the search leaves. */
  readonly final?: string;
  /** Of each candidate, all of them; default: what the budget of the winner's run is best spent on. */
  readonly parameters?: number;
  /** Most numbers that decoding may carry for one sequence; default: any. */
  readonly state?: number;
  /** Architectures by name, as the arms of a study; default: `ideas`. */
  readonly candidates?: Readonly<Record<string, string | CandidateInput>>;
  /** Text, as for training; default: the built-in language. */
  readonly data?: string;
  readonly tokenizer?: string;
  /** Tokens of a sequence; default 128. */
  readonly length?: number;
  /** Sequences of an update; default 16. */
  readonly batch?: number;
  /** Learning rates, rising; default three a factor of 2.5 apart around 4e-3, which is for a width of 64 under muP. */
  readonly rates?: readonly number[];
  /** Of those that are left at the end; default 3. */
  readonly seeds?: number;
  /** The first of them; default 1. */
  readonly firstSeed?: number;
  /** A difference of loss that is surely smaller is a tie, nats; default 0.01. */
  readonly margin?: number;
  /** Synthetic tasks first, to leave out kinds of blocks that fail them; default: where they take 2 % of the budget at most. */
  readonly mad?: boolean;
  /** Other settings of training, the same for all; default: muP from a width of 64, text in epochs. */
  readonly training?: Omit<TrainingInput, "steps" | "batch" | "seed">;
}

/** With every default. */
export interface DesignSettings extends Omit<DesignInput, "budget" | "final"> {
  readonly budget: Budget;
  /** Null: what is left. */
  readonly final: number | null;
  readonly length: number;
  readonly batch: number;
  readonly rates: readonly number[];
  readonly seeds: number;
  readonly firstSeed: number;
  readonly margin: number;
  readonly training: Omit<TrainingInput, "steps" | "batch" | "seed">;
}

const text = z.string().max(4096);
const schema = z.object({
  budget: z.string("expected time or FLOPs, such as 2h or 3e14flops").max(100),
  final: z.string("expected time or FLOPs, such as 1h or 1e14flops").max(100).optional(),
  parameters: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  state: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
  candidates: z.unknown().optional(),
  data: text.optional(),
  tokenizer: text.optional(),
  length: wholeNumber(1, 2 ** 20).default(128),
  batch: wholeNumber(1, 2 ** 20).default(16),
  rates: z
    .array(positiveNumber(), "expected a list of learning rates")
    .min(1)
    .max(32)
    .default([1.6e-3, 4e-3, 1e-2]),
  seeds: wholeNumber(1, 100).default(3),
  firstSeed: wholeNumber(0).default(1),
  margin: z.number("expected a number of at least 0").min(0, "expected a number of at least 0").default(0.01),
  mad: z.boolean("expected true or false").optional(),
  training: z.unknown().optional(),
});

const usualTraining = {
  parametrisation: { kind: "mup", baseWidth: 64, zeroHead: true },
  order: "epochs",
} as const;

/** Errors: RequestError, one line, for the first key that is unknown, missing or wrong. */
export function readDesign(input: DesignInput | unknown): DesignSettings {
  const given = parseStrict("design", schema, input);
  const budget = inUnit(given.budget, "design: budget");
  const final = given.final === undefined ? null : inUnit(given.final, "design: final");
  if (final !== null && final.unit !== budget.unit) {
    throw new RequestError(
      `design: final is ${given.final} and budget ${given.budget}; expected both as time or both as FLOPs`,
    );
  }
  if (final !== null && final.value >= budget.value) {
    throw new RequestError(
      `design: final ${given.final} leaves nothing of budget ${given.budget} to search with; lower it`,
    );
  }
  requireRising("rates", given.rates, "design");
  if (given.candidates !== undefined) requireCandidates(given.candidates, given.rates);
  if (given.training !== undefined && !isObject(given.training)) {
    throw new RequestError(`design: training is ${show(given.training)}; expected settings`);
  }
  return {
    ...given,
    ...{ budget, final: final?.value ?? null },
    training: { ...usualTraining, ...given.training },
  } as DesignSettings;
}

function inUnit(text: string, what: string): Budget {
  const wrong = (why: string) =>
    new RequestError(`${what} ${text.slice(0, 40)}: ${why}expected time or FLOPs, such as 2h or 3e14flops`);
  let budget: Budget;
  try {
    budget = readBudget(text, what);
  } catch (error) {
    // It would name steps, too.
    throw error instanceof RequestError ? wrong("") : error;
  }
  if (budget.unit !== "steps") return budget;
  throw wrong("candidates differ in what a step costs; ");
}
