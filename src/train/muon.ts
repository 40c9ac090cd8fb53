// Muon: momentum made orthogonal, for matrices between features; AdamW for everything else. Jordan et al. 2024,
// "Muon: an optimizer for hidden layers in neural networks", kellerjordan.github.io/posts/muon.
import { z } from "zod";
import { numberBetween, positiveNumber } from "../strict.ts";
import { matmul, swapLast } from "../tensor/ops/contract.ts";
import { add, divide, multiply, sqrt, square, subtract } from "../tensor/ops/elementwise.ts";
import { sum } from "../tensor/ops/reduce.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { adamw, adamwSettings } from "./adamw.ts";
import type { OptimizedParameter, Optimizer } from "./optimizer.ts";

export const muonSettings = z.object({
  name: z.literal("muon"),
  momentum: numberBetween(0, 1).default(0.95),
  nesterov: z.boolean("expected true or false").default(true),
  weightDecay: numberBetween(0, 1e9).default(0.1),
  /** Learning rate of AdamW for the rest, as a share of Muon's; 0.015 of Muon's usual 0.02 is 3e-4. */
  restRate: positiveNumber().default(0.015),
  beta1: numberBetween(0, 1).default(0.9),
  beta2: numberBetween(0, 1).default(0.95),
  epsilon: positiveNumber().default(1e-8),
});

/** Coefficients of the quintic iteration, from the same page: steep at 0 so that five steps are enough. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const STEPS = 5;

/** m ← μm + g, u = orthogonal(g + μm), p ← (1-ηλ)p - η·√max(1, outputs/inputs)·u for matrices [inputs, outputs]. */
export function muon(settings: z.infer<typeof muonSettings>): Optimizer {
  const { momentum: mu, nesterov, weightDecay, restRate, beta1, beta2, epsilon } = settings;
  const rest = adamw(adamwSettings.parse({ beta1, beta2, epsilon, weightDecay }));
  const isMatrix = ({ role, shape }: OptimizedParameter) => role === "hidden" && shape.length === 2;
  return {
    settings,
    states: (parameter) => (isMatrix(parameter) ? ["momentum"] : rest.states(parameter)),
    powers: rest.powers,
    scalars: (update, rate) => {
      const { rate: adamRate, ...others } = rest.scalars(update, rate * restRate);
      return { rate, adamRate: adamRate!, ...others };
    },
    update: (parameter, value, gradient, states, scalars) => {
      if (!isMatrix(parameter)) {
        return rest.update(parameter, value, gradient, states, { ...scalars, rate: scalars.adamRate! });
      }
      const momentum = add(multiply(states.momentum!, mu), gradient);
      const direction = nesterov ? add(gradient, multiply(momentum, mu)) : momentum;
      const [inputs, outputs] = parameter.shape as [number, number];
      const stretch = Math.sqrt(Math.max(1, outputs / inputs));
      const step = multiply(orthogonalize(direction), multiply(scalars.rate!, stretch));
      const kept =
        parameter.decays && weightDecay > 0
          ? multiply(value, subtract(1, multiply(scalars.rate!, weightDecay)))
          : value;
      return { value: subtract(kept, step), states: { momentum } };
    },
  };
}

/** Nearly the orthogonal factor of a matrix [N, M]: singular values go to about 1 by five Newton-Schulz steps. */
export function orthogonalize(matrix: Tensor): Tensor {
  const [rows, columns] = matrix.shape as [number, number];
  const isTall = rows > columns;
  const wide = isTall ? swapLast(matrix) : matrix;
  let x = divide(wide, add(sqrt(sum(square(wide))), 1e-7));
  for (let step = 0; step < STEPS; step++) {
    const gram = matmul(x, swapLast(x));
    const polynomial = add(multiply(gram, B), multiply(matmul(gram, gram), C));
    x = add(multiply(x, A), matmul(polynomial, x));
  }
  return isTall ? swapLast(x) : x;
}
