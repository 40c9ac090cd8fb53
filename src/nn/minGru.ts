// A minimal gated recurrent unit: gate and candidate see the token alone, so that time is one linear recurrence.
// Feng et al. 2024, "Were RNNs all we needed?", section 3.1; its positive candidate: appendix B. B batch, T length, D
// width, H hidden width.

import { z } from "zod";
import { oneOf, wholeNumber } from "../strict.ts";
import { add, less, maximum, multiply, negate, select, sigmoid } from "../tensor/ops/elementwise.ts";
import { fill } from "../tensor/ops/leaf.ts";
import { split } from "../tensor/ops/movement.ts";
import { linearRecurrence } from "../tensor/ops/recurrence.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { growingLinear, growingOutput, refuseStatesAsOutput, statesAsOutput } from "./growth.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { minGruInPyTorch } from "./pytorch/gatedRecurrences.ts";
import type { Scope } from "./scope.ts";
import { lastToken } from "./tokenShift.ts";

export const minGru = definePrimitive({
  name: "min-gru",
  settings: {
    /** H; default: the width. Any other H is followed by a map back to the width. */
    hidden: wholeNumber().optional(),
    /** positive: x + ½ for x ≥ 0, else σ(x); linear: x. */
    candidate: oneOf(["positive", "linear"]).default("positive"),
    bias: z.boolean("expected true or false").default(true),
  },
  resolve: (settings, { width }) => ({ ...settings, hidden: settings.hidden ?? width }),
  causal: () => true,
  apply: (settings, surroundings, scope, x) => run(settings, surroundings, scope, x).y,
  decoding: {
    state: ({ hidden }, _, batch) => ({ state: { shape: [batch, hidden!], dtype: "f32", initial: 0 } }),
    step(settings, surroundings, scope, x, before) {
      const { keep, fed } = gates(settings, surroundings, scope, x);
      const state = add(multiply(keep, before.state!), fed);
      return { y: projectOut(settings, surroundings, scope, state), state: { state } };
    },
    prefill(settings, surroundings, scope, x) {
      const { y, states } = run(settings, surroundings, scope, x);
      return { y, state: { state: lastToken(states) } };
    },
  },
  pytorch: minGruInPyTorch,
  growth: {
    settings: ["hidden"],
    declare: ({ hidden, bias }, { width }) => ({
      sizes: { hidden: hidden! },
      parameters: {
        ...growingLinear("input", ["width", "2 hidden"], { bias }),
        ...growingOutput("hidden", bias),
      },
      ...statesAsOutput(hidden!, width),
    }),
    refuse: refuseStatesAsOutput,
  },
});

type Settings = Readonly<{
  hidden?: number | undefined;
  candidate: "positive" | "linear";
  bias: boolean;
}>;

/** x [B, T, D] → y [B, T, D] and all states [B, T, H]. */
function run(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const { keep, fed } = gates(settings, surroundings, scope, x);
  const states = scope.observe(
    "states",
    linearRecurrence(keep, fed, fill(0, [x.shape[0]!, settings.hidden!])),
  );
  return { y: projectOut(settings, surroundings, scope, states), states };
}

/** x [..., D] → 1 - z and z·h̃, [..., H]. */
function gates(
  { hidden, candidate, bias }: Settings,
  { standardDeviation }: Surroundings,
  scope: Scope,
  x: Tensor,
) {
  const both = linearMap(scope.within("input"), x, { width: 2 * hidden!, bias, standardDeviation });
  const [gate, value] = split(both, [hidden!, hidden!], -1) as [Tensor, Tensor];
  const proposed = candidate === "linear" ? value : positive(value);
  return { keep: sigmoid(negate(gate)), fed: multiply(sigmoid(gate), proposed) };
}

/** g of the paper's appendix B. */
function positive(x: Tensor): Tensor {
  return select(less(x, 0), sigmoid(x), add(maximum(x, 0), 0.5));
}

function projectOut(
  { hidden, bias }: Settings,
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  states: Tensor,
): Tensor {
  if (hidden === width) return states;
  return linearMap(scope.within("output"), states, { width, bias, standardDeviation });
}
