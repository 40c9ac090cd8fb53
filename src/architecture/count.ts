// What an architecture costs, read off its graph: parameters by module, floating-point operations. Nothing is counted by
// a formula of its own.
import { inputSource, type Parameters } from "../nn/parameters.ts";
import { crossEntropy } from "../tensor/composites/loss.ts";
import { gradients } from "../tensor/gradient.ts";
import { input } from "../tensor/ops/leaf.ts";
import { reshape } from "../tensor/ops/movement.ts";
import { sizeOf, type Tensor, topologicalOrder } from "../tensor/tensor.ts";
import type { Architecture } from "./architecture.ts";
import { forward } from "./forward.ts";

/** Parameters and floating-point operations of an architecture. */
export interface Count {
  readonly parameters: {
    readonly total: number;
    /** Without token and position embeddings; a tied head counts as the embedding it is. */
    readonly nonEmbedding: number;
    /** By module: `embedding`, `block.0.attention`, …, `head`. */
    readonly byModule: Readonly<Record<string, number>>;
  };
  /** Per token of a sequence of the full length, by the algorithms that run; a multiply and an add are two. */
  readonly flopsPerToken: {
    readonly forward: number;
    /** Forward, loss and backward; the optimiser, which does not grow with tokens, is left out. */
    readonly training: number;
  };
}

/** Counts from the graph of one sequence of the architecture's length. */
export function count(architecture: Architecture): Count {
  const { length, vocabulary } = architecture;
  const source = inputSource();
  const logits = forward(architecture, source, input("tokens", [1, length], "i32"));
  const { loss } = crossEntropy(reshape(logits, [length, vocabulary]), input("targets", [length], "i32"));
  const backward = gradients(loss, [...source.tensors.values()]);
  return {
    parameters: countParameters(source.declared),
    flopsPerToken: {
      forward: graphFlops([logits]) / length,
      training: graphFlops([loss, ...backward]) / length,
    },
  };
}

/** Floating-point operations of everything that `results` need. */
export function graphFlops(results: readonly Tensor[]): number {
  return topologicalOrder(results).reduce((total, node) => total + node.op.flops(node), 0);
}

export function countParameters(parameters: Parameters): Count["parameters"] {
  const byModule: Record<string, number> = {};
  let total = 0;
  let nonEmbedding = 0;
  for (const [name, { shape, role }] of parameters) {
    const size = sizeOf(shape);
    const parts = name.split(".");
    const module = parts[0] === "block" ? parts.slice(0, 3).join(".") : parts[0]!;
    byModule[module] = (byModule[module] ?? 0) + size;
    total += size;
    if (role !== "embedding" && role !== "positions") nonEmbedding += size;
  }
  return { total, nonEmbedding, byModule };
}
