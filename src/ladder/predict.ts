// The largest rung of a ladder as the smaller ones predict it, and what became of the prediction. Trains nothing.
import type { Diagnostic } from "../scaling/diagnose.ts";
import { type Fitted, fitLaw, predictFitted } from "../scaling/fit.ts";
import type { Estimate } from "../scaling/intervals.ts";
import { valleyOf } from "../scaling/isoflop.ts";
import { chinchilla } from "../scaling/laws/chinchilla.ts";
import { type LinePoint, predictOnLine, studentReach } from "../scaling/line.ts";
import { lowestOf, type Measured, type Progress, type Rung } from "./progress.ts";
import type { LadderRequest } from "./request.ts";
import type { LadderRun } from "./runs.ts";

/** What is predicted of a rung. Intervals are 95 % and hold the noise of single runs; null from too few runs. */
export interface RungPrediction {
  readonly rung: string;
  readonly budget: number;
  /** Where its minimum will lie: parameters, or layers; null in ladders of state, and where smaller rungs have no two minima. */
  readonly best: Estimate | null;
  /** Loss there, nats; where that is null, the lowest of the rung's runs. */
  readonly loss: Estimate;
  /** Of each run that will begin the rung; empty where nothing is said of single runs. */
  readonly runs: readonly { readonly run: string; readonly loss: Estimate }[];
}

/** A prediction, as it is kept in `prediction.json` before what it predicts is run. */
export interface Prediction {
  readonly rungs: readonly RungPrediction[];
  /** The laws it is made by, in words. */
  readonly laws: readonly string[];
  readonly doubts: readonly Diagnostic[];
  /** Whether none of the predicted runs had ended when it was made. */
  readonly isBefore: boolean;
  /** The runs it rests on. */
  readonly from: readonly { readonly run: string; readonly loss: number | null }[];
}

/** Null where too little is known: neither runs for a law of loss, nor two smaller rungs with a minimum or a loss. */
export async function predictRungs(request: LadderRequest, progress: Progress): Promise<Prediction | null> {
  const known = progress.rungs.filter((rung) => !progress.isPredicted(rung));
  const ahead = progress.rungs.filter(progress.isPredicted);
  const made =
    request.kind === "state"
      ? stateRungs(request.families, known, ahead)
      : await valleyRung(request.kind, known, ahead);
  if (made === null) return null;
  return {
    ...made,
    rungs: made.rungs.map(({ best, loss, runs, ...about }) => ({
      ...about,
      best: best === null ? null : bounded(best),
      loss: bounded(loss),
      runs: runs.map((one) => ({ ...one, loss: bounded(one.loss) })),
    })),
    isBefore: ahead.every(({ runs }) => runs.every(({ hasEnded }) => !hasEnded)),
    from: known.flatMap(({ runs }) => runs.map(({ run, loss }) => ({ run: run.run, loss }))),
  };
}

/** Without an interval that reaches beyond every number: runs that determine nothing make one. */
function bounded({ value, standardError, interval }: Estimate): Estimate {
  const isBounded = interval !== null && [...interval, standardError].every(Number.isFinite);
  return isBounded ? { value, standardError, interval } : { value, standardError: null, interval: null };
}

type Made = Pick<Prediction, "rungs" | "laws" | "doubts">;

async function valleyRung(
  kind: "isoflop" | "shape",
  known: readonly Rung[],
  [rung]: readonly Rung[],
): Promise<Made | null> {
  if (rung === undefined) return null;
  const vertices = known.flatMap(({ valley }) => (valley?.inside === true ? [valley.vertex!] : []));
  const x = Math.log(rung.budget);
  const best =
    vertices.length < 2
      ? null
      : exponential(
          predictOnLine(
            vertices.map(({ flops, parameters }) => ({ x: Math.log(flops), y: Math.log(parameters) })),
            x,
          ),
        );
  const about = { rung: rung.name, budget: rung.budget, best };
  const name = kind === "shape" ? "depth" : "N";
  const way = best === null ? [] : [`${name} = k·C^a through ${vertices.length} minima`];
  const fitted = kind === "isoflop" ? await fitRuns(known.flatMap(({ runs }) => runs)) : null;
  if (fitted !== null) {
    const { constants, diagnostics, points } = fitted.fit;
    const values = Object.entries(constants).map(([key, { value }]) => `${key} ${value.toPrecision(4)}`);
    const runs = rung.runs.map(({ run }) => ({
      run: run.run,
      loss: predictRun(fitted, [run.parameters, run.tokens]),
    }));
    const lowest = runs.reduce((least, one) => (one.loss.value < least.loss.value ? one : least));
    const loss =
      best === null
        ? lowest.loss
        : asMeasured(predictRun(fitted, [best.value, tokensAt(rung, best.value)]), rung, runs);
    return {
      rungs: [{ ...about, loss, runs }],
      laws: [...way, `${chinchilla.formula} through ${points} runs: ${values.join(", ")}`],
      doubts: diagnostics,
    };
  }
  if (best === null) return null;
  const losses = vertices.map(({ flops, loss }) => ({ x: Math.log(flops), y: Math.log(loss) }));
  return {
    rungs: [{ ...about, loss: exponential(predictOnLine(losses, x)), runs: [] }],
    laws: [...way, `loss = k·C^c through ${vertices.length} minima`],
    doubts: [],
  };
}

/** P = k·M^c of each group, through its architectures but the one with the largest state. */
function stateRungs(
  families: readonly { readonly name: string; readonly group?: string | undefined }[],
  known: readonly Rung[],
  ahead: readonly Rung[],
): Made | null {
  const groupOf = (rung: Rung) => families.find(({ name }) => name === rung.name)?.group;
  const rungs = ahead.flatMap((rung): RungPrediction[] => {
    const smaller = known.filter((other) => groupOf(other) === groupOf(rung));
    const points = smaller.flatMap(statePoint);
    if (points.length < 2) return [];
    const { state } = likelyBest(rung, smaller);
    // ln P is the loss itself.
    const loss = predictOnLine(points, Math.log(state));
    return [{ rung: rung.name, budget: rung.budget, best: null, loss, runs: [] }];
  });
  if (rungs.length === 0) return null;
  return { rungs, laws: ["perplexity = k·M^c through the architectures of less state"], doubts: [] };
}

/** The run of the rung that is about as large as the best runs of the others: which size is its own best is not known yet. */
function likelyBest({ runs }: Rung, others: readonly Rung[]): LadderRun {
  const sizes = others.flatMap((other) => {
    const best = lowestOf(other.runs);
    return best === undefined ? [] : [Math.log(best.run.parameters)];
  });
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  const distance = ({ parameters }: LadderRun) => Math.abs(Math.log(parameters) - mean);
  return runs.map(({ run }) => run).reduce((near, run) => (distance(run) < distance(near) ? run : near));
}

/** ln state and loss of the best run of an architecture. */
export function statePoint({ runs }: Rung): LinePoint[] {
  const best = lowestOf(runs);
  return best === undefined ? [] : [{ x: Math.log(best.run.state), y: best.loss }];
}

/** Loss from parameters and tokens by all runs; null where there are not more runs than constants, or they determine none. */
export async function fitRuns(measured: readonly Measured[]): Promise<Fitted | null> {
  const runs = measured.flatMap(({ run, loss }) => (loss === null ? [] : [{ run, loss }]));
  if (runs.length <= chinchilla.constants.length) return null;
  const inputs = runs.map(({ run }) => [run.parameters, run.tokens]);
  const fitted = await fitLaw(
    chinchilla,
    { inputs, outputs: runs.map(({ loss }) => loss) },
    { bootstraps: 0 },
  );
  // A constant that runs drive beyond all numbers is no law.
  const predictions = inputs.map((input) => predictFitted(chinchilla, fitted, input).value);
  return predictions.every(Number.isFinite) ? fitted : null;
}

/** What a law says of a run that is still to be made: its own interval widened by what runs lie away from it. */
export function predictRun(fitted: Fitted, inputs: readonly number[]): Estimate {
  const { value, standardError, interval } = predictFitted(chinchilla, fitted, inputs);
  if (standardError === null || interval === null) return { value, standardError, interval };
  const { points, goodness } = fitted.fit;
  const freedom = points - chinchilla.constants.length;
  const noise = goodness.rootMeanSquare * Math.sqrt(points / freedom);
  const spread = Math.hypot(standardError / value, noise);
  const reach = Math.exp(studentReach(freedom) * spread);
  return { value, standardError: value * spread, interval: [value / reach, value * reach] };
}

/**
 * What will be measured is the minimum of a parabola, and valleys are not quite parabolas: so the loss is that of the parabola through
 * what the law says of the rung's runs, with the interval of the law in proportion.
 */
function asMeasured(loss: Estimate, rung: Rung, runs: RungPrediction["runs"]): Estimate {
  const points = rung.runs.map(({ run: { parameters } }, i) => ({
    ...{ parameters, flops: rung.budget, loss: runs[i]!.loss.value },
  }));
  const { vertex, inside } = valleyOf(points);
  if (!inside || vertex === null) return loss;
  const ratio = vertex.loss / loss.value;
  const { standardError, interval } = loss;
  return {
    value: vertex.loss,
    standardError: standardError === null ? null : ratio * standardError,
    interval: interval === null ? null : [ratio * interval[0], ratio * interval[1]],
  };
}

/** Tokens that the rung's budget pays a model of so many parameters: between those of its runs, in logarithms. */
function tokensAt({ runs }: Rung, parameters: number): number {
  const nearest = runs
    .map(({ run }) => run)
    .reduce((best, run) => (distance(run, parameters) < distance(best, parameters) ? run : best));
  return (nearest.tokens * nearest.parameters) / parameters;
}

function distance(run: LadderRun, parameters: number): number {
  return Math.abs(Math.log(run.parameters / parameters));
}

function exponential({ value, standardError, interval }: Estimate): Estimate {
  const [low, high] = interval ?? [];
  return {
    value: Math.exp(value),
    standardError: standardError === null ? null : Math.exp(value) * standardError,
    interval: low === undefined || high === undefined ? null : [Math.exp(low), Math.exp(high)],
  };
}
