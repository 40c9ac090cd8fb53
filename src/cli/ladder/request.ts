// From a command line to the request of a ladder: families, rates, and budgets where they are not given. Trains nothing.

import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { defineArchitecture } from "../../architecture/architecture.ts";
import { readArchitectureInput } from "../../architecture/read.ts";
import type { Dataset } from "../../data/dataset.ts";
import { RequestError } from "../../errors.ts";
import { isObject } from "../../json.ts";
import { decoderFamily, familyOf, type LadderFamily } from "../../ladder/family.ts";
import { type RateRule, ratesOf } from "../../ladder/rates.ts";
import { defineLadder, type Ladder, type LadderRequest } from "../../ladder/request.ts";
import { processSeconds, type Speed } from "../../ladder/time.ts";
import { type Budget, readBudget } from "../../study/budget.ts";
import { readStudy } from "../../study/store.ts";
import { withBase } from "../../transfer/request.ts";
import { readRatesFile } from "../ratesFile.ts";
import type { LadderCommandOptions, LadderKind } from "./command.ts";

const DEFAULT_LAYERS = 4;
const EVALUATION_TOKENS = 65_536;
/** Six within a factor of 4 of the best. */
const SIZES = [0.25, 0.44, 0.76, 1.32, 2.3, 4];

/** Everything but the budgets. */
export function requestOf(
  kind: LadderKind,
  architectures: readonly string[],
  options: LadderCommandOptions,
  dataset: Dataset,
): (budgets: readonly number[]) => LadderRequest {
  const { batch, seed, data, backend, parameters, depths } = options;
  const { vocabulary } = dataset.tokenizer;
  const rates = readRates(options);
  const found = architectures.map((name) => familyOfName(name, options, vocabulary, rates));
  if (kind !== "state" && found.length > 1) {
    throw new RequestError(`ladder: ${found.length} architectures; expected one, or none, for ${kind}`);
  }
  const own = { family: decoderFamily(options.length, rates), layers: DEFAULT_LAYERS };
  const { family, layers } = found[0] ?? own;
  const common = {
    ...{ batch, seed, data, backend, vocabulary, parameters, evaluationTokens: EVALUATION_TOKENS },
    trainingTokens: dataset.training.length,
  };
  return (budgets) => {
    switch (kind) {
      case "isoflop":
        return {
          ...{ ...common, kind, budgets, family, layers: options.layers ?? layers },
          sizes: options.sizes ?? SIZES,
        };
      case "shape":
        return { ...common, kind, budgets, family, depths };
      case "state":
        return {
          ...{ ...common, kind, budgets, families: found.map((one) => one.family) },
          layers: options.layers ?? layers,
          sizes: options.sizes ?? [1],
        };
    }
  };
}

/** What may be spent; undefined: as much as `--budgets` take. */
export function readAmount({ budget, budgets }: LadderCommandOptions): Budget | undefined {
  const text = budget ?? (budgets === undefined ? "10m" : undefined);
  if (text === undefined) return undefined;
  const amount = readBudget(text);
  if (amount.unit !== "steps") return amount;
  throw new RequestError(
    `--budget ${text.slice(0, 40)}: expected time or FLOPs, such as 30m or 3e13flops; runs of a ladder have different steps`,
  );
}

/** Budgets of a ladder that is in the folder already; undefined where there is none. */
export function budgetsIn(folder: string): readonly number[] | undefined {
  if (!existsSync(join(folder, "study.json"))) return undefined;
  const request: unknown = readStudy(folder);
  const budgets = isObject(request) ? request.budgets : undefined;
  return Array.isArray(budgets) && budgets.every((one) => typeof one === "number") ? budgets : undefined;
}

/** Between one budget and the next. */
const STEP = 3;
/** Of the whole; the rest is for sizes that are added where a minimum lies outside. */
const SHARE = 0.8;
const ROUNDS = 5;

/** The ladder that takes a share of what may be spent. Errors: RequestError where that is too little for models to learn. */
export function fitting(
  requestAt: (budgets: readonly number[]) => LadderRequest,
  rungs: number,
  amount: Budget,
  processes: number,
  speed: Speed | undefined,
): Ladder {
  const wanted = SHARE * amount.value * (amount.unit === "seconds" ? processes : 1);
  const costOf = (ladder: Ladder) =>
    amount.unit === "seconds" && speed !== undefined ? processSeconds(ladder, speed) : ladder.flops;
  let found = smallest(requestAt, rungs);
  let budget = found.request.budgets.at(-1)!;
  for (let round = 0; round < ROUNDS; round++) {
    budget *= wanted / costOf(found);
    found = ladderAt(requestAt, rungs, budget);
  }
  return found;
}

/** Largest budgets that are tried: from one with which models are hardly more than a vocabulary to one that nobody has. */
const [FIRST_BUDGET, LAST_BUDGET] = [1e10, 1e22];

/**
 * A ladder of about the smallest budgets with which models learn.
 * Errors: RequestError, that of the largest budgets, where no budgets do.
 */
export function smallest(requestAt: (budgets: readonly number[]) => LadderRequest, rungs: number): Ladder {
  for (let budget = FIRST_BUDGET; budget < LAST_BUDGET; budget *= STEP) {
    try {
      return ladderAt(requestAt, rungs, budget);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
    }
  }
  return ladderAt(requestAt, rungs, LAST_BUDGET);
}

/** Budgets a factor of `STEP` apart. */
function ladderAt(
  requestAt: (budgets: readonly number[]) => LadderRequest,
  rungs: number,
  largestBudget: number,
): Ladder {
  const budgets = Array.from({ length: rungs }, (_, i) => largestBudget / STEP ** (rungs - 1 - i));
  return defineLadder(requestAt(budgets.map((budget) => Number(budget.toPrecision(2)))));
}

function familyOfName(
  name: string,
  { length, layers }: LadderCommandOptions,
  vocabulary: number,
  rates: RateRule,
): { family: LadderFamily; layers: number } {
  const { repeat: _, layers: __, ...settings } = readArchitectureInput(name);
  const own = readArchitectureInput(name);
  const repeat = layers ?? (own.repeat as number | undefined) ?? (own.layers as number | undefined);
  const architecture = defineArchitecture({ ...settings, repeat, vocabulary, length });
  const label = basename(name).replace(/\.(json|ya?ml)$/i, "");
  return { family: familyOf(label, architecture, rates), layers: architecture.repeat };
}

function readRates({ rates, rate, baseWidth }: LadderCommandOptions): RateRule {
  if (rates === undefined) {
    return { kind: "parametrised", parametrisation: withBase("mup", baseWidth, 1), rate };
  }
  return ratesOf(readRatesFile(rates), `--rates ${rates}`);
}
