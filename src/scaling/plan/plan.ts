// A budget becomes a plan: allocation, loss, cost, shape, recipe and the alternatives beside it. Knows no command.

import { RequestError } from "../../errors.ts";
import { valueOfEpochs } from "../laws/dataConstrained.ts";
import { allocate, flopsOf, type Goal } from "./allocate.ts";
import { flopsPerHour, usualUtilisation } from "./hardware.ts";
import type { Allocation, PlanLaw } from "./planLaw.ts";
import { type MeasuredRate, type ModelRecipe, memoryFor, type Parametrisation, recipeFor } from "./recipe.ts";
import { type Shape, shapeFor } from "./shape.ts";

/** What is asked of a plan. */
export interface PlanRequest extends Goal {
  /** In place of FLOPs: hours of one device. */
  readonly gpuHours?: number | undefined;
  /** Default h100. */
  readonly hardware?: string | undefined;
  /** Share of its peak; default 0.4. */
  readonly utilisation?: number | undefined;
  /** Tokens that differ; the rest are seen again. */
  readonly uniqueTokens?: number | undefined;
  /** Bytes for the state of one sequence. */
  readonly stateBytes?: number | undefined;
  readonly vocabulary?: number | undefined;
  readonly length?: number | undefined;
  readonly parametrisation?: Parametrisation | undefined;
  /** Under that parametrisation; default: the recipe says how to measure it. */
  readonly measuredRate?: MeasuredRate | undefined;
  /** Plan even beyond a thousand times the range of the law. */
  readonly extrapolate?: boolean | undefined;
}

/** One allocation beside the plan. */
export interface Alternative extends Allocation {
  readonly flops: number;
  readonly loss: number | null;
  /** Loss above the plan's, as a share. */
  readonly excess: number | null;
}

/** A plan, as `scantling plan --json` prints it. */
export interface ModelPlan extends Allocation {
  readonly law: string;
  readonly formula: string;
  readonly source: string;
  readonly convention: string;
  readonly warnings: readonly string[];
  /** Where the optimum lies by one more valley, of laws through optima alone; null where it is not known. */
  readonly parametersInterval: readonly [number, number] | null;
  readonly tokensPerParameter: number;
  /** Of training. */
  readonly flops: number;
  readonly inferenceFlops: number;
  readonly loss: number | null;
  readonly lossInterval: readonly [number, number] | null;
  readonly epochs: number | null;
  readonly effectiveTokens: number | null;
  readonly cost: {
    readonly hardware: string;
    readonly utilisation: number;
    /** Of training, as are petaflop/s-days. */
    readonly hours: number;
    readonly petaflopDays: number;
    readonly inferenceHours: number;
  };
  readonly memory: { readonly trainingBytes: number; readonly inferenceBytes: number };
  /** Null where a model is too small for its vocabulary. */
  readonly shape: Shape | null;
  readonly recipe: ModelRecipe;
  readonly alternatives: readonly Alternative[];
}

/** Beyond this many times the range of the fitted runs a plan says so, */
const FAR = 10;
/** and beyond this many it needs to be asked for. */
const TOO_FAR = 1000;
/** The optimum is flat: these sizes cost little. */
const beside = [1 / 4, 1 / 2, Math.SQRT1_2, 1, Math.SQRT2, 2, 4];

/**
 * Plans a model. Errors: RequestError for a goal that is no goal or that nothing meets, and for a budget more than a thousand times
 * outside the range of the law's runs.
 */
export function planModel(law: PlanLaw, request: PlanRequest): ModelPlan {
  const { hardware = "h100", utilisation = usualUtilisation, inferenceTokens = 0 } = request;
  const anHour = flopsPerHour(hardware, utilisation);
  if (request.gpuHours !== undefined && request.flops !== undefined) {
    throw new RequestError("FLOPs and hours of a device are both given; expected one of them");
  }
  const flops = request.gpuHours === undefined ? request.flops : request.gpuHours * anHour;
  const found = allocate(law, goalOf({ ...request, flops }));
  if (!(found.parameters >= 1 && found.tokens >= 1)) {
    throw new RequestError(
      `the plan has ${found.parameters.toPrecision(2)} parameters and ${found.tokens.toPrecision(2)} tokens, which is no model; raise the budget`,
    );
  }
  // Kaplan's fits of N and D do not multiply to the budget; it is the budget that is spent.
  const optimal = flops !== undefined && request.parameters === undefined && request.tokens === undefined;
  const spent = optimal && inferenceTokens === 0 ? flops : flopsOf(found);
  const warnings = [...(law.doubts ?? []), ...rangeWarnings(law, spent, request.extrapolate ?? false, found)];
  const isOptimum = law.loss === null && optimal;
  const loss = law.loss?.(found) ?? (isOptimum ? (law.optimalLoss?.(spent) ?? null) : null);
  const { uniqueTokens } = request;
  const epochs = uniqueTokens === undefined ? null : Math.max(1, found.tokens / uniqueTokens);
  const counting = law.name === "kaplan" ? "nonEmbedding" : "total";
  const { vocabulary = 32_000, length = 2048, stateBytes, parametrisation = "standard" } = request;
  const sized = { parameters: found.parameters, counting, vocabulary, length, stateBytes } as const;
  const shape = shapeOrNull(sized, warnings);
  return {
    ...{ law: law.name, formula: law.formula, source: law.source, convention: law.convention, warnings },
    ...found,
    parametersInterval: optimal && inferenceTokens === 0 ? (law.optimumInterval?.(spent) ?? null) : null,
    tokensPerParameter: found.tokens / found.parameters,
    flops: spent,
    inferenceFlops: 2 * found.parameters * inferenceTokens,
    loss,
    lossInterval: law.interval?.(found) ?? null,
    epochs,
    effectiveTokens: epochs === null ? null : found.tokens * valueOfEpochs(epochs, law.repetition),
    cost: {
      ...{ hardware, utilisation, hours: spent / anHour, petaflopDays: spent / 8.64e19 },
      inferenceHours: (2 * found.parameters * inferenceTokens) / anHour,
    },
    memory: memoryFor(found.parameters),
    shape,
    recipe: recipeFor(found, loss, parametrisation, request.measuredRate, shape),
    alternatives: alternativesOf(law, found, inferenceTokens),
  };
}

/** Unique tokens alone are a goal, too: the model that is best for reading them once. */
function goalOf(request: PlanRequest): Goal {
  const { flops, parameters, tokens, loss, uniqueTokens } = request;
  const isGiven = [flops, parameters, tokens, loss].some((value) => value !== undefined);
  return isGiven ? request : { ...request, tokens: uniqueTokens };
}

/**
 * What must be said of a budget beyond the runs of a law and, where the budget lies within them, of a size or a length that does not.
 * Errors: RequestError a thousand times beyond them, unless it is asked for.
 */
export function rangeWarnings(law: PlanLaw, flops: number, extrapolate: boolean, at?: Allocation): string[] {
  const told = beyond(law.name, flops, law.fitted, "FLOP", extrapolate);
  if (told.length > 0 || at === undefined) return told;
  const { parameters, tokens } = law.sizes ?? {};
  return [
    ...beyond(law.name, at.parameters, parameters, "parameters", extrapolate),
    ...beyond(law.name, at.tokens, tokens, "tokens", extrapolate),
  ];
}

function beyond(
  law: string,
  value: number,
  range: readonly [low: number, high: number] | undefined,
  unit: string,
  extrapolate: boolean,
): string[] {
  if (range === undefined) return [];
  const [low, high] = range;
  const factor = Math.max(value / high, low / value);
  if (factor <= FAR) return [];
  const text =
    `${value.toPrecision(3)} ${unit} are ${factor.toPrecision(2)} times ${value > high ? "above" : "below"} the runs that law ` +
    `${law} was fitted to (${low.toPrecision(2)} to ${high.toPrecision(2)} ${unit})`;
  if (factor > TOO_FAR && !extrapolate) {
    throw new RequestError(`${text}, where nothing is known; give --extrapolate to see what it says anyway`);
  }
  return [`EXTRAPOLATION: ${text}`];
}

function shapeOrNull(request: Parameters<typeof shapeFor>[0], warnings: string[]): Shape | null {
  // What was bounded must be met; a shape that nobody asked for may be missing.
  if (request.stateBytes !== undefined) return shapeFor(request);
  try {
    return shapeFor(request);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    warnings.push(`no shape: ${error.message}`);
    return null;
  }
}

function alternativesOf(law: PlanLaw, plan: Allocation, inferenceTokens: number): Alternative[] {
  const budget = flopsOf(plan, inferenceTokens);
  const best = law.loss?.(plan) ?? null;
  return beside.flatMap((factor) => {
    const parameters = factor * plan.parameters;
    const tokens = (budget / parameters - 2 * inferenceTokens) / 6;
    if (!(tokens >= 1)) return [];
    const loss = law.loss?.({ parameters, tokens }) ?? null;
    const excess = loss === null || best === null ? null : loss / best - 1;
    return [{ parameters, tokens, flops: flopsOf({ parameters, tokens }), loss, excess }];
  });
}
