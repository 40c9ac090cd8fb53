// The sum over runs of the Huber loss of residuals in ln output, with its gradient; residuals. Knows no particular law.

import type { Batch, Law, Numbers, Observations, Regression } from "./law.ts";
import type { Objective } from "./minimise.ts";

/** Runs as inputs in the order of `law.inputs`, and measured outputs. */
export interface Runs {
  readonly inputs: readonly (readonly number[])[];
  readonly outputs: readonly number[];
}

/** Runs as the formula needs them. */
export function observe({ regression }: Law, { inputs, outputs }: Runs): Observations {
  const rows = inputs.map((row) => regression.features(row));
  return {
    features: Float64Array.from(rows.flat()),
    width: rows[0]?.length ?? 0,
    targets: Float64Array.from(outputs, Math.log),
  };
}

/**
 * The sum over runs, never their mean: tolerances of minimisers are absolute in parts, and a mean of small losses meets them
 * long before the minimum (Besiroglu et al. 2024 on the published fit of Hoffmann et al.).
 * @param weights how often each run counts, for bootstraps
 */
export function summedObjective(
  { regression: { evaluate, batch, huber, compared = "log" } }: Law,
  { features, width, targets }: Observations,
  weights?: ArrayLike<number>,
): Objective {
  const count = targets.length;
  const runs = batch?.(features, width, count) ?? oneByOne(evaluate, features, width, count);
  const isLog = compared === "log";
  const measured = isLog ? targets : targets.map(Math.exp);
  const slopes = new Float64Array(count);
  return (free, gradient) => {
    const predicted = runs.predict(free);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const weight = weights === undefined ? 1 : weights[i]!;
      // Of outputs themselves, the derivative has the output for a factor.
      const factor = isLog ? 1 : Math.exp(predicted[i]!);
      const residual = (isLog ? predicted[i]! : factor) - measured[i]!;
      const size = Math.abs(residual);
      sum += weight * (size <= huber ? (residual * residual) / 2 : huber * (size - huber / 2));
      slopes[i] = weight * factor * Math.max(-huber, Math.min(huber, residual));
    }
    gradient.fill(0);
    runs.pull(slopes, gradient);
    return sum;
  };
}

function oneByOne(
  evaluate: Regression["evaluate"],
  features: Float64Array,
  width: number,
  count: number,
): Batch {
  const predicted = new Float64Array(count);
  let gradients: Float64Array[] = [];
  return {
    predict(free) {
      if (gradients[0]?.length !== free.length)
        gradients = Array.from({ length: count }, () => new Float64Array(free.length));
      for (let i = 0; i < count; i++) predicted[i] = evaluate(free, features, i * width, gradients[i]!);
      return predicted;
    },
    pull(slopes, gradient) {
      for (let i = 0; i < count; i++) {
        const [slope, own] = [slopes[i]!, gradients[i]!];
        for (let j = 0; j < own.length; j++) gradient[j]! += slope * own[j]!;
      }
    },
  };
}

/** ln measured - ln predicted, for every run. */
export function residuals(
  { regression: { evaluate } }: Law,
  { features, width, targets }: Observations,
  free: Numbers,
): number[] {
  const gradient = new Float64Array(free.length);
  return Array.from(targets, (target, i) => target - evaluate(free, features, i * width, gradient));
}
