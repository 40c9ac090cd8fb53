// Stochastic gradient descent with momentum, heavy-ball or Nesterov's in the form of Sutskever et al. 2013 that PyTorch
// uses. Weight decay is added to the gradient.
import { z } from "zod";
import { numberBetween } from "../strict.ts";
import { add, multiply, subtract } from "../tensor/ops/elementwise.ts";
import type { Optimizer } from "./optimizer.ts";

export const sgdSettings = z.object({
  name: z.literal("sgd"),
  momentum: numberBetween(0, 1).default(0.9),
  nesterov: z.boolean("expected true or false").default(false),
  weightDecay: numberBetween(0, 1e9).default(0),
});

/** d = g + λp, m ← μm + d, p ← p - η·m; with Nesterov p ← p - η·(d + μm). */
export function sgd(settings: z.infer<typeof sgdSettings>): Optimizer {
  const { momentum: mu, nesterov, weightDecay } = settings;
  return {
    settings,
    states: () => (mu > 0 ? ["momentum"] : []),
    powers: { momentum: 1 },
    scalars: (_, rate) => ({ rate }),
    update: ({ decays, factors }, value, gradient, states, scalars) => {
      const rate =
        factors === undefined || factors.rate === 1 ? scalars.rate! : multiply(scalars.rate!, factors.rate);
      const decayed = decays && weightDecay > 0 ? add(gradient, multiply(value, weightDecay)) : gradient;
      if (mu === 0) return { value: subtract(value, multiply(decayed, rate)), states: {} };
      const momentum = add(multiply(states.momentum!, mu), decayed);
      const direction = nesterov ? add(decayed, multiply(momentum, mu)) : momentum;
      return { value: subtract(value, multiply(direction, rate)), states: { momentum } };
    },
  };
}
