// The forward graph of an architecture: pre-norm residual blocks between an embedding and a head.
// B batch, T length, D width, V vocabulary.
import { embedding } from "../nn/embedding.ts";
import { norm } from "../nn/norm.ts";
import type { ParameterSource } from "../nn/parameters.ts";
import { rootScope } from "../nn/scope.ts";
import { unembedding } from "../nn/unembedding.ts";
import { dynamicSlice } from "../tensor/ops/dynamic.ts";
import { add } from "../tensor/ops/elementwise.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Architecture, stripeModules } from "./architecture.ts";

export interface ForwardOptions {
  /** Called with the dotted name of every activation worth naming, in order, e.g. `block.3.attention.output`. */
  readonly observe?: ((name: string, tensor: Tensor) => void) | undefined;
  /** A key u32 [2] that is new at every step: the architecture's dropout is applied. Absent: nothing is dropped. */
  readonly dropoutKey?: Tensor | undefined;
  /** Logits of this position alone (i32 []), as [B, 1, V]. */
  readonly position?: Tensor | undefined;
}

/** tokens i32 [B, T] → logits [B, T, V] (nats, before the softmax). RangeError where T is beyond the architecture's length. */
export function forward(
  architecture: Architecture,
  source: ParameterSource,
  tokens: Tensor,
  options: ForwardOptions = {},
): Tensor {
  const { vocabulary, width, length, positions, standardDeviation, dropout } = architecture;
  if (tokens.shape.length !== 2 || tokens.shape[1]! > length) {
    throw new RangeError(`forward: tokens [${tokens.shape}]; expected [B, T] with T at most ${length}`);
  }
  const { dropoutKey, observe, position } = options;
  const dropping = dropoutKey === undefined ? undefined : { rate: dropout, key: dropoutKey };
  const root = rootScope({ source, observe, dropout: dropping });
  const { features, table } = embedding(root.within("embedding"), tokens, {
    vocabulary,
    width,
    standardDeviation,
    positions: positions === "learned" ? length : undefined,
  });
  let x = root.dropout(root.observe("embedding", features));
  const modules = stripeModules(architecture);
  const names = distinctNames(modules.map(({ name }) => name));
  for (let repetition = 0; repetition < architecture.repeat; repetition++) {
    modules.forEach((module, i) => {
      const scope = root.within(`block.${repetition}`).within(names[i]!);
      const normal = scope.observe("norm", norm(architecture.norm, scope.within("norm"), x));
      const output = scope.observe("output", module.apply(scope, normal));
      x = scope.observe("residual", add(x, scope.dropout(output)));
    });
  }
  const wanted = position === undefined ? x : dynamicSlice(x, { 1: position }, { 1: 1 });
  const last = root.observe("norm", norm(architecture.norm, root.within("norm"), wanted));
  const head = { vocabulary, standardDeviation, table: architecture.tie ? table : undefined };
  return root.observe("logits", unembedding(root.within("head"), last, head));
}

/** Names of a stripe's places: a primitive's name, with a number from its second place on. */
function distinctNames(names: readonly string[]): string[] {
  return names.map((name, i) => {
    const earlier = names.slice(0, i).filter((other) => other === name).length;
    return earlier === 0 ? name : `${name}${earlier + 1}`;
  });
}
