// Long short-term memory. Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000, whose bias begins at 1
// (Jozefowicz et al. 2015). B batch, T length, D width, H hidden width; gates in the order input, forget, cell, output.

import { wholeNumber } from "../strict.ts";
import { linear, matmul } from "../tensor/ops/contract.ts";
import { add, multiply, sigmoid, tanh } from "../tensor/ops/elementwise.ts";
import { fill } from "../tensor/ops/leaf.ts";
import { split, transpose } from "../tensor/ops/movement.ts";
import { scan } from "../tensor/ops/scan.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { growingLinear, growingOutput, refuseStatesAsOutput, statesAsOutput } from "./growth.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { lstmInPyTorch } from "./pytorch/gatedRecurrences.ts";
import type { Scope } from "./scope.ts";

export const lstm = definePrimitive({
  name: "lstm",
  settings: {
    /** H; default: the width. Any other H is followed by a map back to the width (Sak et al. 2014). */
    hidden: wholeNumber().optional(),
  },
  resolve: (settings, { width }) => ({ hidden: settings.hidden ?? width }),
  causal: () => true,
  apply: (settings, surroundings, scope, x) => run(settings, surroundings, scope, x).y,
  decoding: {
    state: ({ hidden }, _, batch) => {
      const type = { shape: [batch, hidden!], dtype: "f32", initial: 0 } as const;
      return { hidden: type, cell: type };
    },
    step(settings, surroundings, scope, x, before) {
      const { input, recurrent } = weights(settings, scope, x.shape.at(-1)!);
      const next = advance(add(linear(x, input.weight), input.bias), before.hidden!, before.cell!, recurrent);
      return { y: projectOut(settings, surroundings, scope, next.hidden), state: next };
    },
    prefill: run,
  },
  pytorch: lstmInPyTorch,
  growth: {
    settings: ["hidden"],
    declare: ({ hidden }, { width }) => ({
      sizes: { hidden: hidden!, from: hidden! },
      same: [["hidden", "from"]],
      parameters: {
        ...growingLinear("input", ["width", "4 hidden"], { bias: true }),
        "recurrent.weight": { axes: "from, 4 hidden", added: { from: "zero" } },
        ...growingOutput("hidden", false),
      },
      ...statesAsOutput(hidden!, width),
    }),
    refuse: refuseStatesAsOutput,
  },
});

type Settings = Readonly<{ hidden?: number | undefined }>;

/** x [B, T, D] → y [B, T, D] and the state after the last token. */
function run(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const [batch, length, width] = x.shape as [number, number, number];
  const { input, recurrent } = weights(settings, scope, width);
  const driven = add(linear(transpose(x, [1, 0, 2]), input.weight), input.bias); // [T, B, 4H]
  const zeros = fill(0, [batch, settings.hidden!]);
  const result = scan(
    { length, carries: [zeros, zeros], sequences: [driven], constants: [recurrent] },
    ([h, c], [element], [weight]) => {
      const { hidden, cell } = advance(element!, h!, c!, weight!);
      return { carries: [hidden, cell], outputs: [hidden] };
    },
  );
  const [hidden, cell] = result.carries as [Tensor, Tensor];
  const states = scope.observe("states", transpose(result.outputs[0]!, [1, 0, 2]));
  return { y: projectOut(settings, surroundings, scope, states), state: { hidden, cell } };
}

/** Input [D, 4H] with its bias [4H], and recurrent [H, 4H]: from ±1/√H, as PyTorch's, but for the forget gate's bias. */
function weights({ hidden }: Settings, scope: Scope, width: number) {
  const wide = hidden!;
  const bound = 1 / Math.sqrt(wide);
  const matrix = (of: Scope, from: number) =>
    of.parameter("weight", {
      shape: [from, 4 * wide],
      initializer: { kind: "uniform", low: -bound, high: bound },
      role: "hidden",
    });
  const input = scope.within("input");
  const bias = input.parameter("bias", {
    shape: [4 * wide],
    initializer: { kind: "values", at: (place) => (Math.floor(place / wide) === 1 ? 1 : 0) },
    role: "bias",
  });
  return {
    input: { weight: matrix(input, width), bias },
    recurrent: matrix(scope.within("recurrent"), wide),
  };
}

/** One token: what its input drives the gates with [B, 4H], h and c [B, H]. */
function advance(driven: Tensor, h: Tensor, c: Tensor, recurrent: Tensor) {
  const wide = h.shape[1]!;
  const gates = split(add(driven, matmul(h, recurrent)), [wide, wide, wide, wide], 1);
  const [input, forget, proposed, output] = gates as [Tensor, Tensor, Tensor, Tensor];
  const cell = add(multiply(sigmoid(forget), c), multiply(sigmoid(input), tanh(proposed)));
  return { hidden: multiply(sigmoid(output), tanh(cell)), cell };
}

function projectOut({ hidden }: Settings, surroundings: Surroundings, scope: Scope, states: Tensor): Tensor {
  const { width, standardDeviation } = surroundings;
  if (hidden === width) return states;
  return linearMap(scope.within("output"), states, { width, bias: false, standardDeviation });
}
