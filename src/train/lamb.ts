// LAMB: Adam's direction with each parameter's step scaled to its norm. You et al. 2020, algorithm 2, with φ the identity.
import { z } from "zod";
import { numberBetween, positiveNumber } from "../strict.ts";
import {
  add,
  and,
  divide,
  less,
  multiply,
  select,
  sqrt,
  square,
  subtract,
} from "../tensor/ops/elementwise.ts";
import { sum } from "../tensor/ops/reduce.ts";
import type { Optimizer } from "./optimizer.ts";

export const lambSettings = z.object({
  name: z.literal("lamb"),
  beta1: numberBetween(0, 1).default(0.9),
  beta2: numberBetween(0, 1).default(0.999),
  epsilon: positiveNumber().default(1e-6),
  weightDecay: numberBetween(0, 1e9).default(0.01),
});

/** r = m̂/(√v̂ + ε) + λp, p ← p - η·(‖p‖/‖r‖)·r; where a norm is zero the ratio is 1. m and v as in Adam. */
export function lamb(settings: z.infer<typeof lambSettings>): Optimizer {
  const { beta1, beta2, epsilon, weightDecay } = settings;
  return {
    settings,
    states: () => ["momentum", "variance"],
    powers: { momentum: 1, variance: 2 },
    scalars: (update, rate) => ({
      rate,
      momentumScale: 1 / (1 - beta1 ** update),
      varianceScale: 1 / Math.sqrt(1 - beta2 ** update),
    }),
    update: ({ decays }, value, gradient, states, scalars) => {
      const momentum = add(multiply(states.momentum!, beta1), multiply(gradient, 1 - beta1));
      const variance = add(multiply(states.variance!, beta2), multiply(square(gradient), 1 - beta2));
      const divisor = add(multiply(sqrt(variance), scalars.varianceScale!), epsilon);
      const adam = divide(multiply(momentum, scalars.momentumScale!), divisor);
      const direction = decays && weightDecay > 0 ? add(adam, multiply(value, weightDecay)) : adam;
      const [valueNorm, directionNorm] = [value, direction].map((x) => sqrt(sum(square(x))));
      const bothPositive = and(less(0, valueNorm!), less(0, directionNorm!));
      const ratio = select(bothPositive, divide(valueNorm!, select(bothPositive, directionNorm!, 1)), 1);
      const step = multiply(direction, multiply(ratio, scalars.rate!));
      return { value: subtract(value, step), states: { momentum, variance } };
    },
  };
}
