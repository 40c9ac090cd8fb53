// AdamW: Adam with decoupled weight decay. Loshchilov and Hutter 2019, algorithm 2, in the form PyTorch computes.
import { z } from "zod";
import { numberBetween, positiveNumber } from "../strict.ts";
import { add, divide, multiply, sqrt, square, subtract } from "../tensor/ops/elementwise.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Optimizer } from "./optimizer.ts";

export const adamwSettings = z.object({
  name: z.literal("adamw").default("adamw"),
  /** Decay of the mean gradient. */
  beta1: numberBetween(0, 1).default(0.9),
  /** Decay of the mean squared gradient. */
  beta2: numberBetween(0, 1).default(0.999),
  epsilon: positiveNumber().default(1e-8),
  /** Share of a parameter taken off per update and unit of learning rate. */
  weightDecay: numberBetween(0, 1e9).default(0.1),
});

/** m ← β₁m + (1-β₁)g, v ← β₂v + (1-β₂)g², p ← (1-ηλ)p - η·m̂/(√v̂ + ε) with m̂ = m/(1-β₁ᵗ), v̂ = v/(1-β₂ᵗ). */
export function adamw(settings: z.infer<typeof adamwSettings>): Optimizer {
  const { beta1, beta2, epsilon, weightDecay } = settings;
  return {
    settings,
    states: () => ["momentum", "variance"],
    powers: { momentum: 1, variance: 2 },
    scalars: (update, rate) => ({
      rate,
      // η / (1-β₁ᵗ) and 1 / √(1-β₂ᵗ), in float64 here because 1-βᵗ cancels.
      stepSize: rate / (1 - beta1 ** update),
      varianceScale: 1 / Math.sqrt(1 - beta2 ** update),
    }),
    update: ({ decays, factors }, value, gradient, states, scalars) => {
      const times = (setting: Tensor, factor = 1) => (factor === 1 ? setting : multiply(setting, factor));
      const rate = times(scalars.rate!, factors?.rate);
      const ownDecay = weightDecay * (factors?.weightDecay ?? 1);
      const momentum = add(multiply(states.momentum!, beta1), multiply(gradient, 1 - beta1));
      const variance = add(multiply(states.variance!, beta2), multiply(square(gradient), 1 - beta2));
      const divisor = add(
        multiply(sqrt(variance), scalars.varianceScale!),
        epsilon * (factors?.epsilon ?? 1),
      );
      const kept = decays && weightDecay > 0 ? multiply(value, subtract(1, multiply(rate, ownDecay))) : value;
      const step = divide(multiply(momentum, times(scalars.stepSize!, factors?.rate)), divisor);
      return { value: subtract(kept, step), states: { momentum, variance } };
    },
  };
}
