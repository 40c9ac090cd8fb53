// The forward graph of an architecture: pre-norm residual blocks between an embedding and a head.
// B batch, T length, D width, V vocabulary.
import { embedding } from "../nn/embedding.ts";
import { norm } from "../nn/norm.ts";
import type { ParameterSource } from "../nn/parameters.ts";
import type { Module } from "../nn/primitive.ts";
import { rootScope, type Scope } from "../nn/scope.ts";
import { unembedding } from "../nn/unembedding.ts";
import { dynamicSlice } from "../tensor/ops/dynamic.ts";
import { add } from "../tensor/ops/elementwise.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Architecture, stripeModules } from "./architecture.ts";

export interface ForwardOptions {
  /** Called with the dotted name of every activation worth naming, in order, e.g. `block.3.attention.output`. */
  readonly observe?: ((name: string, tensor: Tensor) => void) | undefined;
  /** Called with what enters each module of a stripe and what leaves the last: little else goes from one to the next. */
  readonly boundary?: ((x: Tensor) => void) | undefined;
  /** A key u32 [2] that is new at every step: the architecture's dropout is applied. Absent: nothing is dropped. */
  readonly dropoutKey?: Tensor | undefined;
  /** Logits of this position alone (i32 []), as [B, 1, V]. */
  readonly position?: Tensor | undefined;
  /** Position of the first token (i32 []); absent: 0. */
  readonly start?: Tensor | undefined;
  /** Stands in for `module.apply`, at the scope of each place: decoding carries state there. */
  readonly apply?: ((module: Module, scope: Scope, x: Tensor) => Tensor) | undefined;
}

/** tokens i32 [B, T] → logits [B, T, V] (nats, before the softmax). RangeError where T is beyond the architecture's length. */
export function forward(
  architecture: Architecture,
  source: ParameterSource,
  tokens: Tensor,
  options: ForwardOptions = {},
): Tensor {
  const { features, head } = forwardFeatures(architecture, source, tokens, options);
  const logits = head(features);
  options.observe?.("logits", logits);
  return logits;
}

/** The forward graph in front of its head: features [B, T, D], and what makes logits of them or of a part of them. */
export function forwardFeatures(
  architecture: Architecture,
  source: ParameterSource,
  tokens: Tensor,
  options: ForwardOptions = {},
): { readonly features: Tensor; readonly head: (features: Tensor) => Tensor } {
  const { vocabulary, width, length, positions, standardDeviation, dropout } = architecture;
  if (tokens.shape.length !== 2 || tokens.shape[1]! > length) {
    throw new RangeError(`forward: tokens [${tokens.shape}]; expected [B, T] with T at most ${length}`);
  }
  const { dropoutKey, observe, position, start } = options;
  const apply = options.apply ?? ((module, scope, features) => module.apply(scope, features));
  const dropping = dropoutKey === undefined ? undefined : { rate: dropout, key: dropoutKey };
  const root = rootScope({ source, observe, dropout: dropping });
  const { features, table } = embedding(root.within("embedding"), tokens, {
    vocabulary,
    width,
    standardDeviation,
    positions: positions === "learned" ? length : undefined,
    start,
  });
  let x = root.dropout(root.observe("embedding", features));
  const modules = stripeModules(architecture);
  const names = distinctNames(modules.map(({ name }) => name));
  for (let repetition = 0; repetition < architecture.repeat; repetition++) {
    modules.forEach((module, i) => {
      const scope = root.within(`block.${repetition}`).within(names[i]!);
      options.boundary?.(x);
      const normal = scope.observe("norm", norm(architecture.norm, scope.within("norm"), x));
      const output = scope.observe("output", apply(module, scope, normal));
      x = scope.observe("residual", add(x, scope.dropout(output)));
    });
  }
  options.boundary?.(x);
  const wanted = position === undefined ? x : dynamicSlice(x, { 1: position }, { 1: 1 });
  const last = root.observe("norm", norm(architecture.norm, root.within("norm"), wanted));
  const head = { vocabulary, standardDeviation, table: architecture.tie ? table : undefined };
  return { features: last, head: (x) => unembedding(root.within("head"), x, head) };
}

/** Names of a stripe's places: a primitive's name, with a number from its second place on. */
function distinctNames(names: readonly string[]): string[] {
  return names.map((name, i) => {
    const earlier = names.slice(0, i).filter((other) => other === name).length;
    return earlier === 0 ? name : `${name}${earlier + 1}`;
  });
}
