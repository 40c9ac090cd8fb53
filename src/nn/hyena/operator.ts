// The Hyena operator without its way out: gates and long convolutions in turn. Poli et al. 2023, definition 3.1.
// B batch, T length, D width, E inner width, N order: N - 1 convolutions between N gates, S slots of a decoder.
import { z } from "zod";
import { RequestError } from "../../errors.ts";
import { wholeNumber } from "../../strict.ts";
import { longConvolution } from "../../tensor/composites/longConvolution.ts";
import { add, equal, multiply, select } from "../../tensor/ops/elementwise.ts";
import { iota } from "../../tensor/ops/leaf.ts";
import { reshape, slice } from "../../tensor/ops/movement.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type Grown, type Growth, growingConvolution, growingLinear } from "../growth.ts";
import type { State, StateTypes, Surroundings } from "../primitive.ts";
import type { Scope } from "../scope.ts";
import { convolutionTail, tailOf } from "../shortConvolution.ts";
import {
  decayLabels,
  filterAt,
  filterSettings,
  growingFilter,
  refuseFilters,
  requireLength,
  resolveFilter,
} from "./filter.ts";
import {
  extend,
  filterType,
  historyType,
  intoFilter,
  intoHistory,
  lagged,
  recall,
  remember,
} from "./history.ts";
import { type ProjectionOptions, project, projectStep } from "./projection.ts";

export const operatorSettings = {
  /** N. */
  order: wholeNumber(2, 100).default(2),
  /** E / D. */
  expand: wholeNumber().default(1),
  /** Tokens the short convolution sees. */
  taps: wholeNumber(2).default(3),
  /** The projections are one product of 1 / projectionGroups of their features, repeated. */
  projectionGroups: wholeNumber().default(1),
  /** Of the projections in and out. */
  bias: z.boolean("expected true or false").default(true),
  ...filterSettings,
};

export type OperatorSettings = z.infer<z.ZodObject<typeof operatorSettings>>;

/** Errors: RequestError for numbers that do not fit each other. */
export function resolveOperator<Settings extends OperatorSettings>(
  settings: Settings,
  surroundings: Surroundings,
  what: string,
): Settings {
  const { order, expand, projectionGroups } = settings;
  const features = (order + 1) * expand * surroundings.width;
  if (features % projectionGroups !== 0) {
    throw new RequestError(
      `${what}: the ${features} features of all projections are not divisible by projectionGroups ` +
        `${projectionGroups}; expected a divisor`,
    );
  }
  return resolveFilter(settings, surroundings, what);
}

function projectionOf(settings: OperatorSettings, { width }: Surroundings): ProjectionOptions {
  const { order, expand, projectionGroups: groups, taps, bias } = settings;
  return { features: (order + 1) * expand * width, parts: order + 1, groups, taps, bias };
}

/** x [B, T, D] → mixed [B, T, E], and what decoding goes on from. */
export function operate(settings: OperatorSettings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const length = x.shape[1]!;
  requireLength(settings, length);
  const wide = settings.expand * surroundings.width;
  const { projections, entered } = project(projectionOf(settings, surroundings), surroundings, scope, x);
  const filters = filterAt(settings, scope.within("filter"), iota([length], 0), filterCount(settings, wide));
  const inputs: Tensor[] = [];
  const mixed = gatesInTurn(settings, scope, projections, (gated, turn, skip) => {
    inputs.push(gated);
    // What passes without delay is the filter's value there.
    const isFirst = equal(reshape(iota([length], 0), [length, 1]), 0);
    return longConvolution(gated, add(filterOf(settings, filters, turn), select(isFirst, skip, 0)));
  });
  return { mixed, entered, inputs, filters };
}

/** What decoding carries: the short convolution's tail, the filters so far, the inputs of every long convolution. */
export function operatorState(
  settings: OperatorSettings,
  surroundings: Surroundings,
  batch: number,
  capacity: number,
): StateTypes {
  requireLength(settings, capacity);
  const wide = settings.expand * surroundings.width;
  const turns = Array.from({ length: settings.order - 1 }, (_, turn) => turn);
  const { features, taps } = projectionOf(settings, surroundings);
  return {
    tail: convolutionTail(batch, features, taps),
    filters: filterType(capacity, filterCount(settings, wide)),
    ...Object.fromEntries(turns.map((turn) => [historyName(turn), historyType(batch, capacity, wide)])),
  };
}

/** The state that the tokens of `operate` leave. */
export function stateAfter(
  { entered, inputs, filters }: ReturnType<typeof operate>,
  { taps }: OperatorSettings,
  capacity: number,
): State {
  return {
    tail: tailOf(entered, taps),
    filters: intoFilter(filters, capacity),
    ...Object.fromEntries(inputs.map((gated, turn) => [historyName(turn), intoHistory(gated, capacity)])),
  };
}

/** One token x [B, D] at `position` → mixed [B, E] and the next state. */
export function operateStep(
  settings: OperatorSettings,
  surroundings: Surroundings,
  scope: Scope,
  x: Tensor,
  before: State,
  position: Tensor,
): { mixed: Tensor; state: State } {
  const options = projectionOf(settings, surroundings);
  const { projections, tail } = projectStep(options, surroundings, scope, x, before.tail!);
  const count = before.filters!.shape[1]!;
  const row = filterAt(settings, scope.within("filter"), reshape(position, [1]), count);
  const filters = extend(before.filters!, row, position);
  const rows = lagged(filters, position);
  const histories: Record<string, Tensor> = {};
  const mixed = gatesInTurn(settings, scope, projections, (gated, turn, skip) => {
    const name = historyName(turn);
    const history = remember(before[name]!, gated, position);
    histories[name] = history;
    return add(recall(history, filterOf(settings, rows, turn)), multiply(gated, skip));
  });
  return { mixed, state: { tail, filters, ...histories } };
}

/** N + 1 projections [..., E] → [..., E]; `convolution` stands for the filter of a turn with its skip [E]. */
function gatesInTurn(
  { order }: OperatorSettings,
  scope: Scope,
  projections: readonly Tensor[],
  convolution: (gated: Tensor, turn: number, skip: Tensor) => Tensor,
): Tensor {
  const wide = projections[0]!.shape.at(-1)!;
  const skips = scope.parameter("skip", {
    shape: [order - 1, wide],
    initializer: { kind: "normal", standardDeviation: 1 },
    role: "scale",
  });
  let value = projections[order]!;
  for (let turn = 0; turn < order - 1; turn++) {
    const gated = scope.observe(`gated${turn}`, multiply(value, projections[order - 1 - turn]!));
    const skip = reshape(slice(skips, { 0: [turn, turn + 1] }), [wide]);
    value = convolution(gated, turn, skip);
  }
  return scope.observe("mixed", multiply(value, projections[0]!));
}

const historyName = (turn: number): string => `history${turn}`;

function filterCount({ order }: OperatorSettings, wide: number): number {
  return wide * (order - 1);
}

/** The filters of one turn, [P, E], of all [P, E·(N - 1)]; neighbours belong to different turns. */
function filterOf({ order }: OperatorSettings, filters: Tensor, turn: number): Tensor {
  const [places, count] = filters.shape as [number, number];
  const byTurn = reshape(filters, [places, count / (order - 1), order - 1]);
  return reshape(slice(byTurn, { 2: [turn, turn + 1] }), [places, count / (order - 1)]);
}

/** How the operator grows, all but the map behind it. */
export function growingOperator(settings: OperatorSettings, { width }: Surroundings): Growth {
  const { order, expand, taps, bias, filterWidth } = settings;
  const inner = expand * width;
  return {
    sizes: { inner, sines: filterWidth, waves: filterWidth },
    labels: { inner: decayLabels(inner, order - 1) },
    same: [["sines", "waves"]],
    parameters: {
      ...growingLinear("input", ["width", `${order + 1} inner`], { bias }),
      ...growingConvolution("convolution", taps, `${order + 1} inner`, { bias: true }),
      ...growingFilter("filter", settings, `inner ${order - 1}`),
      skip: { axes: `${order - 1}, inner` },
    },
  };
}

/** Why it cannot grow so; undefined: it can. */
export function refuseOperator(
  before: Grown<OperatorSettings>,
  after: Grown<OperatorSettings>,
): string | undefined {
  const { expand, order, projectionGroups } = before.settings;
  const [old, now] = [expand * before.surroundings.width, after.settings.expand * after.surroundings.width];
  if (old !== now && projectionGroups > 1) {
    return "its projections repeat one product; expected as many inner features as before";
  }
  return refuseFilters(old, now, order - 1);
}
