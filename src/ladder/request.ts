// What a ladder is asked for, checked before anything is trained. Trains nothing.
import { RequestError } from "../errors.ts";
import { planLawOf } from "../scaling/plan/planLaw.ts";
import { type Json, toJson } from "../study/job.ts";
import { type LadderFamily, modelOf, nearestModel, type Sized } from "./family.ts";
import { checkRates } from "./rates.ts";
import { type LadderRun, type RunSettings, runOf } from "./runs.ts";

/** What all ladders are asked for. */
export interface LadderCommon extends RunSettings {
  /** Token ids of the data. */
  readonly vocabulary: number;
  /** Parameters of the model that sizes are centred on at the smallest budget; default: what Besiroglu's refit of Chinchilla holds for best. */
  readonly parameters?: number | undefined;
  /** Training tokens that there are, to say how often the longest runs see them; default: not said. */
  readonly trainingTokens?: number | undefined;
}

/** Sizes at equal FLOPs for several budgets: which size is best, and how it grows. */
export interface IsoflopRequest extends LadderCommon {
  readonly kind: "isoflop";
  readonly family: LadderFamily;
  readonly layers: number;
  /** FLOPs of a run, rising. */
  readonly budgets: readonly number[];
  /** Sizes in multiples of the centre, rising; at every budget but the first the centre is what smaller budgets predict. */
  readonly sizes: readonly number[];
}

/** Depths at equal FLOPs and equal parameters for several budgets: which depth is best, and how it grows. */
export interface ShapeRequest extends LadderCommon {
  readonly kind: "shape";
  readonly family: LadderFamily;
  readonly budgets: readonly number[];
  /** Layers, rising. */
  readonly depths: readonly number[];
}

/** Architectures of different total state at equal FLOPs and about equal parameters: perplexity against state. */
export interface StateRequest extends LadderCommon {
  readonly kind: "state";
  readonly families: readonly LadderFamily[];
  readonly layers: number;
  readonly budgets: readonly number[];
  /** As above; of each architecture the size with the lowest loss counts. */
  readonly sizes: readonly number[];
}

/** A ladder of one of three kinds. */
export type LadderRequest = IsoflopRequest | ShapeRequest | StateRequest;

/** A request, complete. */
export interface Ladder {
  readonly request: LadderRequest;
  /** What would be run if every minimum lay where it is guessed to; the smallest budget first. */
  readonly planned: readonly LadderRun[];
  /** Their FLOPs together. */
  readonly flops: number;
  /** What the reader must know beforehand, a line each. */
  readonly notes: readonly string[];
  /** What tells one ladder from another, as the study keeps it. */
  readonly json: Json;
}

const LEAST_SIZES = 5;
/** Models of one ladder of shapes differ in parameters by less than this from what is wanted; widths go in steps. */
const MOST_UNEQUAL = 1.4;
/** Steps that a run needs, and to spend its budget to 2.5 %. */
export const LEAST_STEPS = 20;

/** Errors: RequestError, one line, for everything that can be known to be wrong before training. */
export function defineLadder(request: LadderRequest): Ladder {
  const { kind, budgets, batch, seed, evaluationTokens, parameters } = request;
  requireRising("budgets", budgets, 1, "FLOPs such as 1e12");
  requireWhole("batch", batch, 1);
  requireWhole("seed", seed, 0);
  requireWhole("evaluation tokens", evaluationTokens, 1);
  if (parameters !== undefined && !(parameters >= 1)) {
    throw new RequestError(`ladder: parameters are ${parameters}; expected 1 or more`);
  }
  switch (kind) {
    case "isoflop":
      requireRising("sizes", request.sizes, LEAST_SIZES, "multiples of the best size such as 0.25");
      requireLadder(budgets, kind);
      checkRates(request.family.rates);
      break;
    case "shape":
      requireRising("depths", request.depths, LEAST_SIZES, "layers");
      for (const depth of request.depths) requireWhole("a depth", depth, 1);
      requireLadder(budgets, kind);
      checkRates(request.family.rates);
      break;
    case "state":
      requireRising("sizes", request.sizes, 1, "multiples of the size such as 1");
      requireStates(request);
      break;
  }
  const planned = plannedRuns(request);
  const short = planned.find(({ steps }) => steps < LEAST_STEPS);
  if (short !== undefined) {
    throw new RequestError(
      `ladder: ${budgetName(short.budget)} are ${short.steps} steps for ${short.family} of ${short.parameters} parameters; expected ${LEAST_STEPS} or more: raise the budget, or lower the batch or the parameters`,
    );
  }
  return {
    request,
    planned,
    flops: planned.reduce((sum, { flops }) => sum + flops, 0),
    notes: notesOf(request, planned),
    json: toJson({
      ...request,
      // Functions are left out; the runs say what they make.
      runs: planned.map(({ run, spec }) => ({ run, spec })),
    }),
  };
}

/** The runs of a budget around a centre, as many as there are sizes: where two have one width, the next wider one is taken. */
export function isoflopRuns(request: IsoflopRequest, budget: number, centre: number): LadderRun[] {
  const runs: LadderRun[] = [];
  for (const size of request.sizes) {
    const wanted = isoflopRun(request, budget, size * centre);
    const last = runs.at(-1);
    runs.push(last === undefined || wanted.width > last.width ? wanted : wider(request, last, 1)!);
  }
  return runs;
}

export function isoflopRun(request: IsoflopRequest, budget: number, parameters: number): LadderRun {
  const { family, vocabulary, layers } = request;
  return runOf(family, nearestModel(family, vocabulary, layers, parameters), budget, request);
}

/** The run of a model so many steps of width wider; undefined where there is none. */
export function wider(
  request: IsoflopRequest,
  { width, budget }: LadderRun,
  steps: number,
): LadderRun | undefined {
  const { family, vocabulary, layers } = request;
  const next = width + steps * family.step;
  if (next < (family.least ?? family.step)) return undefined;
  return runOf(family, modelOf(family, vocabulary, next, layers), budget, request);
}

/** Errors: RequestError where no width makes a model of that depth of about as many parameters as the others. */
export function shapeRun(request: ShapeRequest, budget: number, depth: number): LadderRun {
  const { family, vocabulary } = request;
  const wanted = guessOf(request, budget);
  const model = nearestModel(family, vocabulary, depth, wanted);
  if (Math.abs(Math.log(model.parameters / wanted)) > Math.log(MOST_UNEQUAL)) {
    throw new RequestError(
      `ladder: at ${budgetName(budget)} the nearest model of ${depth} layers has ${model.parameters} parameters, where ${Math.round(wanted)} are wanted of all depths; leave it out, or raise the budget or the parameters`,
    );
  }
  return runOf(family, model, budget, request);
}

/** Runs of one architecture of a ladder of state. */
export function stateRuns(request: StateRequest, family: LadderFamily, budget: number): LadderRun[] {
  const { vocabulary, layers, sizes } = request;
  const models = sizes.map((size) =>
    nearestModel(family, vocabulary, layers, size * guessOf(request, budget)),
  );
  const each = new Map<number, Sized>(models.map((model) => [model.width, model]));
  return [...each.values()].map((model) => runOf(family, model, budget, request));
}

/** Parameters that are likely to be best for a budget, before anything is known. */
export function guessOf(request: LadderRequest, budget: number): number {
  const law = planLawOf("besiroglu");
  const best = law.optimum(budget).parameters;
  const { parameters, budgets } = request;
  return parameters === undefined ? best : (parameters * best) / law.optimum(budgets[0]!).parameters;
}

function plannedRuns(request: LadderRequest): LadderRun[] {
  switch (request.kind) {
    case "isoflop":
      return request.budgets.flatMap((budget) => isoflopRuns(request, budget, guessOf(request, budget)));
    case "shape":
      return request.budgets.flatMap((budget) =>
        request.depths.map((depth) => shapeRun(request, budget, depth)),
      );
    case "state":
      return request.budgets.flatMap((budget) =>
        request.families.flatMap((family) => stateRuns(request, family, budget)),
      );
  }
}

function notesOf({ trainingTokens }: LadderRequest, planned: readonly LadderRun[]): string[] {
  const notes: string[] = [];
  const longest = Math.max(...planned.map(({ tokens }) => tokens));
  if (trainingTokens !== undefined && longest > trainingTokens) {
    notes.push(
      `the longest run sees the ${trainingTokens} training tokens ${(longest / trainingTokens).toFixed(1)} times; losses of repeated data are higher than the laws say`,
    );
  }
  return notes;
}

function requireLadder(budgets: readonly number[], kind: string): void {
  if (budgets.length < 2) {
    throw new RequestError(
      `ladder: one budget; expected two or more for ${kind}, and four to predict the last with an interval`,
    );
  }
  const same = budgets.find((budget, i) => i > 0 && budgetName(budget) === budgetName(budgets[i - 1]!));
  if (same === undefined) return;
  throw new RequestError(
    `ladder: two budgets are ${budgetName(same)}; expected budgets that differ in their first two digits`,
  );
}

/** What the rung of a budget is called. */
export function budgetName(budget: number): string {
  return `${budget.toExponential(1)} FLOP`;
}

function requireStates({ families, budgets }: StateRequest): void {
  if (budgets.length !== 1)
    throw new RequestError(
      `ladder: ${budgets.length} budgets; expected one for state, at which all are compared`,
    );
  if (families.length < 2)
    throw new RequestError("ladder: one architecture; expected two or more of different state");
  for (const { rates } of families) checkRates(rates);
  const names = families.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw new RequestError(`ladder: two architectures are called ${twice.slice(0, 60)}; rename one`);
}

function requireRising(name: string, values: readonly number[], least: number, such: string): void {
  const rises = values.every((value, i) => value > (values[i - 1] ?? 0) && Number.isFinite(value));
  if (values.length >= least && rises) return;
  throw new RequestError(
    `ladder: ${name} are ${values.slice(0, 20).join(", ") || "none"}; expected ${least} or more, ${such}, each larger than the one before`,
  );
}

function requireWhole(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new RequestError(`ladder: ${name} is ${value}; expected a whole number of at least ${least}`);
}
