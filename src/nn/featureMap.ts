// Feature maps of linear attention: what stands for the exponential of a product of query and key as a product of
// features. Knows no mixer. d width of a query or key.
import { relu, squaredRelu } from "../tensor/composites/activation.ts";
import { linear } from "../tensor/ops/contract.ts";
import { add, exp, maximum, minimum, multiply } from "../tensor/ops/elementwise.ts";
import { fill } from "../tensor/ops/leaf.ts";
import { concatenate, reshape } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Scope } from "./scope.ts";

/**
 * `elu`: elu(x) + 1 (Katharopoulos et al. 2020); `taylor`: the second-order Taylor map of Based (Arora et al. 2024),
 * 1 + d + d² features; `product`: (x·W1 + b1)·(x·W2 + b2) of mad-lab, learned, one for queries and one for keys.
 */
export const featureMapNames = [
  "elu",
  "identity",
  "relu",
  "squaredRelu",
  "exp",
  "taylor",
  "product",
] as const;
export type FeatureMapName = (typeof featureMapNames)[number];

/** x [..., d] → [..., features]. */
export function featureMap(name: FeatureMapName, scope: Scope, x: Tensor): Tensor {
  switch (name) {
    case "elu":
      return add(exp(minimum(x, 0)), maximum(x, 0));
    case "identity":
      return x;
    case "relu":
      return relu(x);
    case "squaredRelu":
      return squaredRelu(x);
    case "exp":
      return exp(x);
    case "taylor":
      return taylor(x);
    case "product":
      return multiply(learned(scope.within("left"), x), learned(scope.within("right"), x));
  }
}

/** [1, x/d^¼, vec(x·xᵀ)/√(2d)], so that φ(q)·φ(k) = 1 + q·k/√d + (q·k)²/(2d). */
function taylor(x: Tensor): Tensor {
  const outside = x.shape.slice(0, -1);
  const width = x.shape.at(-1)!;
  const pairs = multiply(reshape(x, [...outside, width, 1]), reshape(x, [...outside, 1, width]));
  return concatenate(
    [
      fill(1, [...outside, 1]),
      multiply(x, width ** -0.25),
      multiply(reshape(pairs, [...outside, width * width]), 1 / Math.sqrt(2 * width)),
    ],
    -1,
  );
}

/** Weights from ±1/√d, as in PyTorch: the product of two small maps would vanish. */
function learned(scope: Scope, x: Tensor): Tensor {
  const width = x.shape.at(-1)!;
  const bound = 1 / Math.sqrt(width);
  const weight = scope.parameter("weight", {
    shape: [width, width],
    initializer: { kind: "uniform", low: -bound, high: bound },
    role: "hidden",
  });
  const zeros = { kind: "constant", value: 0 } as const;
  return add(
    linear(x, weight),
    scope.parameter("bias", { shape: [width], initializer: zeros, role: "bias" }),
  );
}
