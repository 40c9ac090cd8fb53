// How far a ladder is: what its runs brought back, rung by rung, and which runs are needed next. A pure function of both, so that a
// ladder that goes on makes the same decisions. Trains nothing.
import { RequestError } from "../errors.ts";
import { LEAST_RUNS, type Valley, valleyOf } from "../scaling/isoflop.ts";
import { lineThrough } from "../scaling/line.ts";
import type { Losses } from "../transfer/progress.ts";
import {
  budgetName,
  guessOf,
  type IsoflopRequest,
  isoflopRun,
  isoflopRuns,
  type LadderRequest,
  LEAST_STEPS,
  type ShapeRequest,
  type StateRequest,
  shapeRun,
  stateRuns,
  wider,
} from "./request.ts";
import type { LadderRun } from "./runs.ts";

/** A run and its loss; null: out of bounds, failed, or not yet ended. */
export interface Measured {
  readonly run: LadderRun;
  /** Validation loss at its end, nats. */
  readonly loss: number | null;
  readonly hasEnded: boolean;
}

/** The runs that are compared with each other: of one budget, or of one architecture in ladders of state. */
export interface Rung {
  /** A budget, or an architecture's name. */
  readonly name: string;
  readonly budget: number;
  readonly runs: readonly Measured[];
  readonly isComplete: boolean;
  /** The parabola through losses over ln parameters or, in ladders of shape, over ln depth; null from fewer than four losses. */
  readonly valley: Valley | null;
}

/** Where a ladder stands. */
export interface Progress {
  /** Those that have begun, the smallest first. */
  readonly rungs: readonly Rung[];
  /** Needed next; none: the ladder is done. */
  readonly jobs: readonly LadderRun[];
  /** Rungs that are to be predicted before they are run. */
  readonly isPredicted: (rung: Rung) => boolean;
  /** Whether the next jobs are the first of such a rung. */
  readonly isPredictionDue: boolean;
}

export function progressOf(request: LadderRequest, losses: Losses): Progress {
  switch (request.kind) {
    case "isoflop":
    case "shape":
      return valleysProgress(request, losses);
    case "state":
      return stateProgress(request, losses);
  }
}

/** Runs that are added where a minimum lies outside of what was run; further away it is not looked for. */
const MOST_ADDED = 4;

function valleysProgress(request: IsoflopRequest | ShapeRequest, losses: Losses): Progress {
  const rungs: Rung[] = [];
  const last = request.budgets.at(-1)!;
  const isPredicted = ({ budget }: Rung) => budget === last;
  for (const budget of request.budgets) {
    let runs =
      request.kind === "isoflop"
        ? isoflopRuns(request, budget, centreOf(request, budget, rungs))
        : request.depths.map((depth) => shapeRun(request, budget, depth));
    const first = runs.length;
    for (;;) {
      const rung = rungOf(budgetName(budget), budget, runs, losses, request.kind);
      if (!rung.isComplete) {
        const isPredictionDue = isPredicted(rung) && runs.length === first;
        return { rungs: [...rungs, rung], jobs: runs, isPredicted, isPredictionDue };
      }
      const more = runs.length < first + MOST_ADDED ? addedRun(request, rung) : undefined;
      // A run of a few steps neither spends its budget nor learns.
      if (more === undefined || more.steps < LEAST_STEPS) {
        rungs.push(rung);
        break;
      }
      runs = [...runs, more];
    }
  }
  return { rungs, jobs: [], isPredicted, isPredictionDue: false };
}

/** The size that smaller budgets predict; of none the guess, of one the guess that agrees with it. */
function centreOf(request: IsoflopRequest, budget: number, rungs: readonly Rung[]): number {
  const vertices = rungs.flatMap(({ valley }) => (valley?.inside === true ? [valley.vertex!] : []));
  const guess = guessOf(request, budget);
  if (vertices.length === 0) return guess;
  const logs = vertices.map(({ flops, parameters }) => ({
    x: Math.log(flops),
    y: Math.log(parameters / guessOf(request, flops)),
  }));
  // Of two budgets the exponent is noise.
  const { slope, intercept } =
    vertices.length > 2
      ? lineThrough(logs)
      : { slope: 0, intercept: logs.reduce((sum, { y }) => sum + y, 0) / logs.length };
  return guess * Math.exp(intercept + slope * Math.log(budget));
}

/** Beyond the end that the parabola falls towards; undefined where it has its minimum inside, or none at all. */
function addedRun(
  request: IsoflopRequest | ShapeRequest,
  { budget, runs, valley }: Rung,
): LadderRun | undefined {
  if (valley === null || valley.inside) return undefined;
  const ordered = runs
    .map(({ run }) => run)
    .sort((a, b) => positionOf(request.kind, a) - positionOf(request.kind, b));
  const [least, most] = [ordered[0]!, ordered.at(-1)!];
  const lowest = lowestOf(runs)!.run;
  const side =
    valley.vertex === null
      ? lowest === least
        ? "smaller"
        : lowest === most
          ? "larger"
          : undefined
      : valley.vertex.parameters <= positionOf(request.kind, least)
        ? "smaller"
        : "larger";
  if (side === undefined) return undefined;
  if (request.kind === "shape") {
    const depth = side === "larger" ? 2 * most.layers : Math.floor(least.layers / 2);
    return depth < 1 ? undefined : possibleShape(request, budget, depth);
  }
  const ratio = request.sizes.at(-1)! / request.sizes.at(-2)!;
  if (side === "larger") {
    const wanted = isoflopRun(request, budget, ratio * most.parameters);
    return wanted.width > most.width ? wanted : wider(request, most, 1);
  }
  const wanted = isoflopRun(request, budget, least.parameters / ratio);
  return wanted.width < least.width ? wanted : wider(request, least, -1);
}

/** Undefined where widths are too coarse for models of that depth. */
function possibleShape(request: ShapeRequest, budget: number, depth: number): LadderRun | undefined {
  try {
    return shapeRun(request, budget, depth);
  } catch (error) {
    if (error instanceof RequestError) return undefined;
    throw error;
  }
}

function stateProgress(request: StateRequest, losses: Losses): Progress {
  const budget = request.budgets[0]!;
  const all = request.families.map((family) => ({ family, runs: stateRuns(request, family, budget) }));
  const stateOf = ({ runs }: (typeof all)[number]) => Math.max(...runs.map(({ state }) => state));
  all.sort((a, b) => stateOf(a) - stateOf(b));
  const groupOf = ({ family }: (typeof all)[number]) => family.group ?? "all";
  const groups = [...new Set(all.map(groupOf))].map((group) => all.filter((one) => groupOf(one) === group));
  const held = new Set(
    groups.filter(({ length }) => length >= LEAST_STATES).map((group) => group.at(-1)!.family.name),
  );
  const rungs = all.map(({ family, runs }) => rungOf(family.name, budget, runs, losses, "state"));
  const isPredicted = ({ name }: Rung) => held.has(name);
  const smaller = rungs.filter((rung) => !isPredicted(rung));
  const isSmallerDone = smaller.every(({ isComplete }) => isComplete);
  const open = (isSmallerDone ? rungs : smaller).filter(({ isComplete }) => !isComplete);
  return {
    rungs: isSmallerDone ? rungs : smaller,
    jobs: open.flatMap(({ runs }) => runs.map(({ run }) => run)),
    isPredicted,
    isPredictionDue: isSmallerDone && open.length === held.size && held.size > 0,
  };
}

/** Three states below the largest make a line with an interval. */
const LEAST_STATES = 4;

function rungOf(
  name: string,
  budget: number,
  runs: readonly LadderRun[],
  losses: Losses,
  kind: LadderRequest["kind"],
): Rung {
  const measured = runs.map((run) => ({
    run,
    loss: losses.get(run.run) ?? null,
    hasEnded: losses.has(run.run),
  }));
  const points = measured.flatMap(({ run, loss }) =>
    loss === null ? [] : [{ parameters: positionOf(kind, run), flops: budget, loss }],
  );
  return {
    ...{ name, budget, runs: measured },
    isComplete: runs.every(({ run }) => losses.has(run)),
    valley: kind !== "state" && points.length >= LEAST_RUNS ? valleyOf(points) : null,
  };
}

/** Where a run lies in its valley. */
function positionOf(kind: LadderRequest["kind"], { parameters, layers }: LadderRun): number {
  return kind === "shape" ? layers : parameters;
}

/** The run with the lowest loss; undefined where there is no loss. */
export function lowestOf<Run extends { readonly loss: number | null }>(
  runs: readonly Run[],
): (Run & { readonly loss: number }) | undefined {
  const known = runs.flatMap((run) => (run.loss === null ? [] : [{ ...run, loss: run.loss }]));
  return known.length === 0 ? undefined : known.reduce((best, one) => (one.loss < best.loss ? one : best));
}
