// A design, complete: candidates, the rungs of its search with every run they could make, and what the winner is left. Trains
// nothing.
import { RequestError } from "../errors.ts";
import { canonicalHash } from "../study/canonical.ts";
import type { Json } from "../study/job.ts";
import { updateSeconds } from "../study/usual.ts";
import { defineTrial, type Trial, type TrialData } from "../trial/define.ts";
import { showDown } from "./amount.ts";
import { type ContextFor, FINAL_SHARE, finalOf, requireEnough, searchOf, sizesOf } from "./enough.ts";
import type { DesignSettings } from "./input.ts";
import type { RungSize } from "./rungs.ts";
import type { Screen, Screened } from "./screen.ts";
import type { Candidate, LeftOut } from "./sizes.ts";
import { asDesign } from "./words.ts";

/** One rung of the search. */
export interface DesignRung extends RungSize {
  /** A study of all candidates at this length; the search makes some of its runs. */
  readonly trial: Trial;
}

/** A design, complete. */
export interface Design {
  readonly settings: DesignSettings;
  readonly data: TrialData;
  readonly candidates: readonly Candidate[];
  readonly leftOut: readonly LeftOut[];
  /** What chose the size of candidates; null: it was given. */
  readonly sizedBy: string | null;
  /** To be made before the search; null: none is asked for, or it is made. */
  readonly screen: Screen | null;
  readonly screened: Screened | null;
  readonly rungs: readonly DesignRung[];
  /** What the search may take and what is planned for the winner's run, in the budget's unit. */
  readonly search: number;
  readonly final: number;
  /** Of an update of each candidate, on one thread; null where the budget is in FLOPs. */
  readonly secondsPerStep: readonly number[] | null;
  readonly processes: number;
  /** Of the runs; undefined: the fastest that is there. */
  readonly backend?: string | undefined;
  /** What tells one design from another, as its folder keeps it. */
  readonly json: Json;
}

/** What is known besides the settings. */
export interface DesignContext
  extends Pick<Design, "candidates" | "leftOut" | "sizedBy" | "data" | "screen" | "screened"> {
  readonly secondsPerStep?: readonly number[] | undefined;
  /** What the search may take, where that is decided; default: what the winner's run and synthetic tasks leave. */
  readonly search?: number | undefined;
  readonly processes: number;
  readonly backend?: string | undefined;
}

/** A look at the loss is at so many tokens: one in fifty of the shortest run's, since there are twelve. */
const [LOOK_SHARE, LEAST_LOOK, MOST_LOOK] = [1 / 50, 4096, 16_384];

/**
 * @param at the context of other budgets, for the least that is enough; default: this one
 * Errors: RequestError, one line, for everything that can be known to be wrong before training.
 */
export function defineDesign(settings: DesignSettings, context: DesignContext, at?: ContextFor): Design {
  const { budget, seeds } = settings;
  const { candidates, secondsPerStep = null } = context;
  const final = finalOf(settings);
  const search = searchOf(settings, context);
  requireEnough(settings, context, at);
  const sizes = sizesOf(settings, context);
  requireText(settings, context, final);
  const rungs = sizes.map((size) => ({ ...size, trial: trialOf(settings, context, size.amount) }));
  const json: Json = {
    kind: "design",
    budget: `${budget.value} ${budget.unit}`,
    final: settings.final,
    candidates: candidates.map(({ name }) => name),
    seeds: Array.from({ length: seeds }, (_, i) => settings.firstSeed + i),
    rungs: rungs.map(({ trial }) => canonicalHash(trial.json)),
  };
  return { ...context, ...{ settings, rungs, search, final, json, secondsPerStep } };
}

/** The design that goes on with what a screening left. */
export function afterScreen(
  design: Design,
  { candidates, leftOut, screened }: Pick<Design, "candidates" | "leftOut"> & { readonly screened: Screened },
): Design {
  const { settings, data, sizedBy, processes, backend, secondsPerStep } = design;
  const { budget, final } = settings;
  // Where the tasks took longer than was reckoned, the winner's run is shorter, and only then the search.
  const left = budget.value - screened.cost.clock;
  const search = Math.min(design.search, (1 - FINAL_SHARE) * left);
  const kept = candidates.map((candidate) => design.candidates.indexOf(candidate));
  const goingOn = (asked: DesignSettings, isShort: boolean): Design =>
    defineDesign(asked, {
      ...{ data, sizedBy, processes, backend, candidates, screened, screen: null },
      search: isShort ? search : undefined,
      leftOut: [...design.leftOut, ...leftOut],
      secondsPerStep: secondsPerStep === null ? undefined : kept.map((place) => secondsPerStep[place]!),
    });
  if (budget.unit === "flops") return goingOn(settings, false);
  if (final === null) return goingOn(settings, true);
  try {
    return goingOn(settings, false);
  } catch (error) {
    // What was asked for the winner's run is held as long as it leaves a search.
    if (!(error instanceof RequestError) || left <= 0) throw error;
    return goingOn({ ...settings, final: left - search }, true);
  }
}

/** Text that is read so often teaches nothing more (Muennighoff et al. 2023: repeats lose their worth by about 15 of them). */
const MOST_EPOCHS = 60;

/** Errors: RequestError where even the most expensive candidate would read the text too often. */
function requireText(settings: DesignSettings, context: DesignContext, final: number): void {
  const { batch, length, budget } = settings;
  const { candidates, data } = context;
  const steps = candidates.map((_, place) => stepsFor(final, place, settings, context));
  const epochs = (Math.min(...steps) * batch * length) / data.trainingTokens;
  if (epochs <= MOST_EPOCHS) return;
  const most = { unit: budget.unit, value: (budget.value * MOST_EPOCHS) / epochs };
  throw new RequestError(
    `design: the winner's run would read the ${data.trainingTokens.toLocaleString("en-US")} tokens of ${data.name} ` +
      `${Math.round(epochs).toLocaleString("en-US")} times or more, and past ${MOST_EPOCHS} it learns nothing; expected more text, more ` +
      `parameters, or a budget up to ${showDown(most)}`,
  );
}

/** Updates that an amount pays for. */
function stepsFor(amount: number, place: number, settings: DesignSettings, context: DesignContext): number {
  const { budget, batch, length } = settings;
  if (budget.unit === "flops") return amount / (context.candidates[place]!.flopsPerToken * batch * length);
  return updateSeconds(amount) / context.secondsPerStep![place]!;
}

function trialOf(settings: DesignSettings, context: DesignContext, amount: number): Trial {
  const { candidates, data, backend, processes, secondsPerStep } = context;
  const { length, batch, rates, seeds, firstSeed, margin, training, budget } = settings;
  const shortest = Math.min(...candidates.map((_, place) => stepsFor(amount, place, settings, context)));
  const look = Math.round(LOOK_SHARE * shortest * batch * length);
  const arms = candidates.map(({ name, architecture, parametrisation, rates: own }) => [
    name,
    {
      architecture,
      ...(parametrisation === undefined ? {} : { parametrisation }),
      ...(own === undefined ? {} : { rates: own }),
    },
  ]);
  const input = {
    ...{
      name: "design",
      arms: Object.fromEntries(arms),
      length,
      batch,
      rates,
      seeds,
      firstSeed,
      margin,
      training,
    },
    ...(settings.data === undefined ? {} : { data: settings.data }),
    ...(settings.tokenizer === undefined ? {} : { tokenizer: settings.tokenizer }),
    train: budget.unit === "flops" ? { flops: amount } : { seconds: updateSeconds(amount) },
    stop: "full",
    evaluationTokens: Math.max(length, Math.min(MOST_LOOK, Math.max(LEAST_LOOK, look))),
  };
  return asDesign(() => defineTrial(input, { data, backend, processes, secondsPerStep }));
}
