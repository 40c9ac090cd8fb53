// A learned linear map of features, the part most primitives are made of.
import { linear } from "../tensor/ops/contract.ts";
import { add } from "../tensor/ops/elementwise.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Scope } from "./scope.ts";

/** What a linear map is made with. */
export interface LinearOptions {
  /** Features of the result. */
  readonly width: number;
  readonly bias: boolean;
  readonly standardDeviation: number;
}

/** x [..., K] · weight [K, P] (+ bias [P], from zeros) → [..., P]; weight normal with the given standard deviation. */
export function linearMap(
  scope: Scope,
  x: Tensor,
  { width, bias, standardDeviation }: LinearOptions,
): Tensor {
  const weight = scope.parameter("weight", {
    shape: [x.shape.at(-1)!, width],
    initializer: { kind: "normal", standardDeviation },
    role: "hidden",
  });
  const product = linear(x, weight);
  if (!bias) return product;
  const zeros = { kind: "constant", value: 0 } as const;
  return add(product, scope.parameter("bias", { shape: [width], initializer: zeros, role: "bias" }));
}
