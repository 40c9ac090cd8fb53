// What a ladder came to: its rungs, the laws through them, and the prediction beside its outcome. Trains nothing.
import { RequestError, WorkError } from "../errors.ts";
import type { Diagnostic } from "../scaling/diagnose.ts";
import { type Fit, fitLaw } from "../scaling/fit.ts";
import {
  approach2Bias,
  fitIsoflop,
  fitOptima,
  type IsoflopFit,
  type OptimaFit,
  type Valley,
} from "../scaling/isoflop.ts";
import { chinchilla } from "../scaling/laws/chinchilla.ts";
import { stateOptimal } from "../scaling/laws/state.ts";
import type { Known } from "../study/job.ts";
import { outcomesOf, type RungOutcome } from "./outcome.ts";
import { fitRuns, type Prediction, statePoint } from "./predict.ts";
import type { Progress, Rung } from "./progress.ts";
import type { LadderRequest } from "./request.ts";
import type { LadderRun } from "./runs.ts";

/** A run as it is told; its settings stay in the study. */
export type ToldRun = Omit<LadderRun, "spec"> & {
  /** Validation loss, nats; null: out of bounds, failed, or not run. */
  readonly loss: number | null;
};

/** All that is known of a ladder. */
export interface LadderResult {
  readonly kind: LadderRequest["kind"];
  /** What counts as what. */
  readonly convention: string;
  readonly rungs: readonly {
    readonly name: string;
    readonly budget: number;
    readonly runs: readonly ToldRun[];
    readonly valley: Valley | null;
  }[];
  /** Where minima lie by budget: parameters in IsoFLOP ladders, layers in ladders of shape; null from fewer than two. */
  readonly frontier: IsoflopFit | OptimaFit | null;
  /** IsoFLOP ladders: loss from parameters and tokens, by all runs. */
  readonly law: Fit | null;
  /** Ladders of state: P = k·M^c by group, and of all. */
  readonly states: readonly { readonly group: string; readonly fit: Fit }[];
  readonly prediction: Prediction | null;
  readonly outcomes: readonly RungOutcome[];
  readonly failures: Known["failures"];
}

const convention =
  "FLOPs are counted off the graph, forward and backward, without the optimiser; parameters are all there are; " +
  "state by the MAD paper's convention; losses are nats a token of validation text";

export async function ladderResult(
  request: LadderRequest,
  { rungs }: Progress,
  prediction: Prediction | null,
  failures: Known["failures"],
): Promise<LadderResult> {
  const complete = rungs.filter(({ isComplete }) => isComplete);
  const law = request.kind === "isoflop" ? await lawOf(complete) : null;
  return {
    ...{ kind: request.kind, convention },
    rungs: rungs.map(({ name, budget, runs, valley }) => ({
      ...{ name, budget, valley },
      runs: runs.map(({ run: { spec: _, ...run }, loss }) => ({ ...run, loss })),
    })),
    frontier: request.kind === "state" ? null : frontierOf(request.kind, complete, law),
    law,
    states: request.kind === "state" ? await statesOf(request.families, complete) : [],
    prediction,
    outcomes: prediction === null ? [] : outcomesOf(request, prediction, complete),
    failures,
  };
}

/** Errors: WorkError where runs were made and none of them came to a loss. */
export function requireLosses({ rungs, failures }: Pick<LadderResult, "rungs" | "failures">): void {
  const runs = rungs.flatMap((rung) => rung.runs);
  const [first] = failures;
  if (runs.length === 0 || runs.some(({ loss }) => loss !== null)) return;
  const why =
    first === undefined ? "all went out of bounds: lower the rate" : `${first.run}: ${first.reason}`;
  throw new WorkError(`ladder: none of ${runs.length} runs came to a loss; ${why}`);
}

async function lawOf(rungs: readonly Rung[]): Promise<Fit | null> {
  const fitted = await fitRuns(rungs.flatMap(({ runs }) => runs));
  return fitted === null
    ? null
    : { ...fitted.fit, convention: `${convention}; the derived a and G are for C = 6·N·D` };
}

/** Too few minima for a law are no error of a ladder that is still going on. */
function frontierOf(
  kind: "isoflop" | "shape",
  rungs: readonly Rung[],
  law: Fit | null,
): IsoflopFit | OptimaFit | null {
  const runs = rungs.flatMap((rung) => rung.valley?.runs ?? []);
  try {
    if (kind === "shape") return fitOptima(runs, {}, "layers");
    const fit = fitIsoflop(runs);
    return { ...fit, convention, diagnostics: withOwnBias(fit, law) };
  } catch (error) {
    if (error instanceof RequestError) return null;
    throw error;
  }
}

/** Three runs for each constant of the law: fewer say nothing of exponents. */
const LEAST_FOR_BIAS = 3 * chinchilla.constants.length;

/**
 * A fit of valleys alone knows no tokens, and weighs the bias of its parabolas by a law through D = C/(6·N). A ladder knows them, so it
 * is weighed by the one law of losses that is told.
 */
function withOwnBias({ diagnostics, valleys }: IsoflopFit, law: Fit | null): readonly Diagnostic[] {
  const others = diagnostics.filter(({ kind }) => kind !== "biased parabolas");
  if (law === null || law.points < LEAST_FOR_BIAS) return others;
  const constants = chinchilla.constants.map((name) => law.constants[name]!.value);
  const grid = valleys.map(({ runs }) => runs);
  const own = approach2Bias(constants, grid).map(({ kind, text }) => ({
    kind,
    text: `were the law of losses through all ${law.points} runs the truth, and C = 6·N·D: ${text}`,
  }));
  return [...others, ...own];
}

async function statesOf(
  families: readonly { readonly name: string; readonly group?: string | undefined }[],
  rungs: readonly Rung[],
): Promise<{ group: string; fit: Fit }[]> {
  const groupOf = (rung: Rung) => families.find(({ name }) => name === rung.name)?.group;
  const groups = [...new Set(rungs.map(groupOf))];
  const sets = [
    ...groups.flatMap((group) =>
      group === undefined ? [] : [{ group, rungs: rungs.filter((rung) => groupOf(rung) === group) }],
    ),
    { group: "all", rungs },
  ];
  const found: { group: string; fit: Fit }[] = [];
  for (const { group, rungs: own } of sets) {
    const points = own.flatMap(statePoint);
    if (new Set(points.map(({ x }) => x)).size < 2) continue;
    const runs = {
      inputs: points.map(({ x }) => [Math.exp(x)]),
      outputs: points.map(({ y }) => Math.exp(y)),
    };
    const { fit } = await fitLaw(stateOptimal, runs, { bootstraps: 0 });
    found.push({ group, fit: { ...fit, convention } });
  }
  return found;
}
