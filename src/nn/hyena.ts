// Hyena: gates and implicitly parametrised convolutions as long as the sequence. Poli et al. 2023, "Hyena Hierarchy".

import type { Tensor } from "../tensor/tensor.ts";
import { growingOutput } from "./growth.ts";
import {
  growingOperator,
  operate,
  operateStep,
  operatorSettings,
  operatorState,
  refuseOperator,
  resolveOperator,
  stateAfter,
} from "./hyena/operator.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { hyenaInPyTorch } from "./pytorch/hyena.ts";
import type { Scope } from "./scope.ts";

export const hyena = definePrimitive({
  name: "hyena",
  settings: operatorSettings,
  resolve: resolveOperator,
  causal: () => true,
  apply: (settings, surroundings, scope, x) =>
    projectOut(settings, surroundings, scope, operate(settings, surroundings, scope, x).mixed),
  decoding: {
    // Each filter stands for a state as large as its network is wide.
    mad: ({ expand, filterWidth }, { width }) => expand * width * filterWidth,
    state: operatorState,
    step(settings, surroundings, scope, x, before, position) {
      const { mixed, state } = operateStep(settings, surroundings, scope, x, before, position);
      return { y: projectOut(settings, surroundings, scope, mixed), state };
    },
    prefill(settings, surroundings, scope, x, capacity) {
      const operated = operate(settings, surroundings, scope, x);
      const y = projectOut(settings, surroundings, scope, operated.mixed);
      return { y, state: stateAfter(operated, settings, capacity) };
    },
  },
  pytorch: hyenaInPyTorch,
  growth: {
    settings: ["expand", "filterWidth"],
    declare(settings, surroundings) {
      const { parameters, ...operator } = growingOperator(settings, surroundings);
      return { ...operator, parameters: { ...parameters, ...growingOutput("inner", settings.bias) } };
    },
    refuse: refuseOperator,
  },
});

/** [..., E] → [..., D]. */
function projectOut(
  { bias }: { readonly bias: boolean },
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  mixed: Tensor,
): Tensor {
  return linearMap(scope.within("output"), mixed, { width, bias, standardDeviation });
}
