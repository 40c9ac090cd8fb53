// Multi-head Hyena: outer products of keys and values under one long convolution for each head, read by queries. Massaroli
// et al. 2023, "Laughing Hyena Distillery", section 4. B batch, T length, D width, H heads of width w, S slots of a decoder.

import { z } from "zod";
import { RequestError } from "../errors.ts";
import { wholeNumber } from "../strict.ts";
import { headConvolution } from "../tensor/composites/headConvolution.ts";
import { add, equal, multiply, select } from "../tensor/ops/elementwise.ts";
import { iota } from "../tensor/ops/leaf.ts";
import { reshape } from "../tensor/ops/movement.ts";
import { sum } from "../tensor/ops/reduce.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { growingConvolution, growingLinear, growingOutput } from "./growth.ts";
import { requireHeads } from "./heads.ts";
import {
  decayLabels,
  type FilterSettings,
  filterAt,
  filterSettings,
  growingFilter,
  refuseFilters,
  requireLength,
  resolveFilter,
} from "./hyena/filter.ts";
import {
  extend,
  filterType,
  historyType,
  intoFilter,
  intoHistory,
  lagged,
  remember,
} from "./hyena/history.ts";
import { type ProjectionOptions, project, projectStep } from "./hyena/projection.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { multiHeadHyenaInPyTorch } from "./pytorch/hyena.ts";
import type { Scope } from "./scope.ts";
import { convolutionTail, tailOf } from "./shortConvolution.ts";

export const multiHeadHyena = definePrimitive({
  name: "mh-hyena",
  settings: {
    /** H, a divisor of the width. */
    heads: wholeNumber().default(8),
    /** Tokens the short convolution sees. */
    taps: wholeNumber(2).default(3),
    /** The projections are one product of 1 / projectionGroups of their features, repeated. */
    projectionGroups: wholeNumber().default(1),
    /** Of the projections in and out. */
    bias: z.boolean("expected true or false").default(true),
    ...filterSettings,
  },
  resolve(settings, surroundings, what) {
    const { width } = surroundings;
    const { heads, projectionGroups } = settings;
    requireHeads(what, "width", width, heads);
    if ((3 * width) % projectionGroups !== 0) {
      throw new RequestError(
        `${what}: the ${3 * width} features of all projections are not divisible by projectionGroups ` +
          `${projectionGroups}; expected a divisor`,
      );
    }
    return resolveFilter(settings, surroundings, what);
  },
  causal: () => true,
  apply: (settings, surroundings, scope, x) => run(settings, surroundings, scope, x).y,
  decoding: {
    // Each filter stands for a state as large as its network is wide.
    mad: ({ heads, filterWidth }, { width }) => width * (width / heads) * filterWidth,
    state(settings, surroundings, batch, capacity) {
      requireLength(settings, capacity);
      const { width } = surroundings;
      return {
        tail: convolutionTail(batch, 3 * width, settings.taps),
        filters: filterType(capacity, settings.heads),
        keys: historyType(batch, capacity, width),
        values: historyType(batch, capacity, width),
      };
    },
    step(settings, surroundings, scope, x, before, position) {
      const [batch, width] = x.shape as [number, number];
      const { heads } = settings;
      const options = projectionOf(settings, width);
      const { projections, tail } = projectStep(options, surroundings, scope, x, before.tail!);
      const [query, key, value] = projections as [Tensor, Tensor, Tensor];
      const row = filterAt(settings, scope.within("filter"), reshape(position, [1]), heads);
      const filters = extend(before.filters!, row, position);
      const keys = remember(before.keys!, key, position);
      const values = remember(before.values!, value, position);
      const capacity = filters.shape[0]!;
      const perHead = (of: Tensor) => reshape(of, [batch, -1, heads, width / heads]);
      // The query meets every value at once, so that no outer product is made.
      const met = sum(multiply(perHead(values), perHead(query)), [-1]); // [B, S, H]
      const isNow = equal(reshape(iota([capacity], 0), [capacity, 1]), position);
      const rows = add(lagged(filters, position), select(isNow, skipOf(scope, heads), 0));
      const weights = reshape(multiply(met, rows), [batch, capacity, heads, 1]);
      const mixed = reshape(sum(multiply(perHead(keys), weights), [1]), [batch, width]);
      const y = projectOut(settings, surroundings, scope, mixed);
      return { y, state: { tail, filters, keys, values } };
    },
    prefill(settings, surroundings, scope, x, capacity) {
      const { y, entered, filters, key, value } = run(settings, surroundings, scope, x);
      return {
        y,
        state: {
          tail: tailOf(entered, settings.taps),
          filters: intoFilter(filters, capacity),
          keys: intoHistory(key, capacity),
          values: intoHistory(value, capacity),
        },
      };
    },
  },
  pytorch: multiHeadHyenaInPyTorch,
  growth: {
    settings: ["heads", "filterWidth"],
    declare(settings, { width }) {
      const { heads, taps, bias, filterWidth } = settings;
      const inner = width / heads;
      const parts = "heads queries + heads keys + heads values";
      return {
        sizes: { heads, queries: inner, keys: inner, values: inner, sines: filterWidth, waves: filterWidth },
        labels: { heads: decayLabels(heads, 1) },
        same: [
          ["sines", "waves"],
          ["queries", "values"],
        ],
        parameters: {
          // New values meet no query yet.
          ...growingLinear("input", ["width", parts], { bias, added: { values: "zero" } }),
          ...growingConvolution("convolution", taps, parts, { bias: true, added: { values: "zero" } }),
          ...growingFilter("filter", settings, "heads"),
          skip: { axes: "heads" },
          ...growingOutput("heads keys", bias),
        },
      };
    },
    refuse({ settings: before }, { settings: after }) {
      if (before.projectionGroups > 1)
        return "its projections repeat one product; expected one projection group";
      return refuseFilters(before.heads, after.heads, 1);
    },
  },
});

type Settings = FilterSettings &
  Readonly<{ heads: number; taps: number; projectionGroups: number; bias: boolean }>;

function projectionOf({ taps, projectionGroups: groups, bias }: Settings, width: number): ProjectionOptions {
  return { features: 3 * width, parts: 3, groups, taps, bias };
}

/** x [B, T, D] → y [B, T, D], and what decoding goes on from. */
function run(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const [, length, width] = x.shape as [number, number, number];
  const { heads } = settings;
  requireLength(settings, length);
  const { projections, entered } = project(projectionOf(settings, width), surroundings, scope, x);
  const [query, key, value] = projections as [Tensor, Tensor, Tensor];
  const filters = filterAt(settings, scope.within("filter"), iota([length], 0), heads);
  // What passes without delay is the filter's value there.
  const isFirst = equal(reshape(iota([length], 0), [length, 1]), 0);
  const kernels = add(filters, select(isFirst, skipOf(scope, heads), 0));
  const mixed = scope.observe("mixed", headConvolution(query, key, value, kernels));
  return { y: projectOut(settings, surroundings, scope, mixed), entered, filters, key, value };
}

/** What a head's outer products add without delay, [H]. */
function skipOf(scope: Scope, heads: number): Tensor {
  const initializer = { kind: "normal", standardDeviation: 1 } as const;
  return scope.parameter("skip", { shape: [heads], initializer, role: "scale" });
}

/** [..., D] → [..., D]. */
function projectOut(
  { bias }: Settings,
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  mixed: Tensor,
): Tensor {
  return linearMap(scope.within("output"), mixed, { width, bias, standardDeviation });
}
