// An activation function alone, without parameters: what stands between the maps of a plain perceptron.
import { oneOf } from "../strict.ts";
import { gelu, geluTanh, relu, silu, squaredRelu } from "../tensor/composites/activation.ts";
import { sigmoid, tanh } from "../tensor/ops/elementwise.ts";
import { definePrimitive } from "./primitive.ts";
import { nonlinearityInPyTorch } from "./pytorch/feedforward.ts";

const functions = { relu, squaredRelu, gelu: geluTanh, geluExact: gelu, silu, sigmoid, tanh };

type FunctionName = keyof typeof functions;
const names = Object.keys(functions) as [FunctionName, ...FunctionName[]];

/** x [B, T, D] → f(x), element by element. */
export const nonlinearity = definePrimitive({
  name: "nonlinearity",
  settings: { function: oneOf(names).default("relu") },
  resolve: (settings) => settings,
  causal: () => true,
  apply: (settings, _, __, x) => functions[settings.function](x),
  pytorch: nonlinearityInPyTorch,
  growth: {
    settings: [],
    declare: () => ({
      sizes: {},
      parameters: {},
      nonlinearOutput: true,
      cannotBegin: "it has no parameters",
    }),
    refuse: ({ settings }) =>
      settings.function === "sigmoid" ? "its sigmoid makes something of features that are 0" : undefined,
  },
});
