// The bias of step sizes Δ = softplus(· + bias) of state space models. Gu and Dao 2023, section 3.6. Knows no mixer.
import type { Tensor } from "../tensor/tensor.ts";
import type { Scope } from "./scope.ts";

/** Step sizes at the start: evenly on a logarithmic scale between the first two, none below the third. */
const [SHORTEST_STEP, LONGEST_STEP, LEAST_STEP] = [1e-3, 0.1, 1e-4];

/** The parameter `bias` of a scope, [count]. */
export function stepBias(scope: Scope, count: number): Tensor {
  return scope.parameter("bias", {
    shape: [count],
    initializer: {
      kind: "uniform",
      low: Math.log(SHORTEST_STEP),
      high: Math.log(LONGEST_STEP),
      transform: (drawn) => inverseSoftplus(Math.max(Math.exp(drawn), LEAST_STEP)),
    },
    role: "bias",
  });
}

function inverseSoftplus(y: number): number {
  return y + Math.log(-Math.expm1(-y));
}
