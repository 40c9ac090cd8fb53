// The forward graph of an architecture: blocks of primitives on a residual stream between an embedding and a head.
// B batch, T length, D width, V vocabulary, N numbers at a place.
import { RequestError } from "../errors.ts";
import { embedding, inputMap } from "../nn/embedding.ts";
import { norm } from "../nn/norm.ts";
import { inputSource, type ParameterSource, type Parameters } from "../nn/parameters.ts";
import type { Module } from "../nn/primitive.ts";
import { rootScope, type Scope } from "../nn/scope.ts";
import type { SourceSurroundings } from "../nn/sources/source.ts";
import { wrapSources } from "../nn/sources/sources.ts";
import { unembedding } from "../nn/unembedding.ts";
import { dynamicSlice } from "../tensor/ops/dynamic.ts";
import { add } from "../tensor/ops/elementwise.ts";
import { input } from "../tensor/ops/leaf.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Architecture } from "./schema.ts";
import { sourceModules } from "./sources.ts";
import { type Block, blocksOf } from "./stripe.ts";

export interface ForwardOptions {
  /** Called with the dotted name of every activation worth naming, in order, e.g. `block.3.attention.output`. */
  readonly observe?: ((name: string, tensor: Tensor) => void) | undefined;
  /** Called with what enters each module of a stripe and what leaves the last: little else goes from one to the next. */
  readonly boundary?: ((x: Tensor) => void) | undefined;
  /** A key u32 [2] that is new at every step: dropout and noise are applied. Absent: nothing is left to chance. */
  readonly randomKey?: Tensor | undefined;
  /** Called with the dotted name and the value (f32 []) of everything that is to be added to the loss while training. */
  readonly loss?: ((name: string, value: Tensor) => void) | undefined;
  /** Called with the dotted name and the value of every statistic, means over tokens. */
  readonly statistic?: ((name: string, value: Tensor) => void) | undefined;
  /** Logits of this position alone (i32 []), as [B, 1, V]. */
  readonly position?: Tensor | undefined;
  /** Position of the first token (i32 []); absent: 0. */
  readonly start?: Tensor | undefined;
  /** Stands in for `module.apply`, at the scope of each place: decoding carries state there. */
  readonly apply?: ((module: Module, scope: Scope, x: Tensor) => Tensor) | undefined;
}

/**
 * tokens i32 [B, T], or f32 [B, T, N] where the architecture has `inputs` N → logits [B, T, V] (nats, before the softmax).
 * RangeError where T is beyond the architecture's length, RequestError for tokens where numbers are expected.
 */
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
  const { vocabulary, standardDeviation, dropout } = architecture;
  requireInput(architecture, tokens);
  const { randomKey: key, observe, loss, statistic, position } = options;
  const root = rootScope({ source: sourceOf(architecture, source), observe, key, dropout, loss, statistic });
  const { features, table } = embed(architecture, root.within("embedding"), tokens, options.start);
  let x = root.dropout(root.observe("embedding", features));
  for (const block of blocksOf(architecture)) x = applyBlock(architecture, root, block, x, options);
  options.boundary?.(x);
  const wanted = position === undefined ? x : dynamicSlice(x, { 1: position }, { 1: 1 });
  // Where every sum is normalised, so is the last one.
  const last =
    architecture.block === "post"
      ? wanted
      : root.observe("norm", norm(architecture.norm, root.within("norm"), wanted));
  const head = {
    vocabulary,
    standardDeviation,
    bias: architecture.headBias,
    table: architecture.tie ? table : undefined,
  };
  return { features: last, head: (x) => unembedding(root.within("head"), x, head) };
}

/** Errors: RequestError where the parameter sources do not fit the architecture. */
export function checkSources(architecture: Architecture): void {
  const surroundings = surroundingsOf(architecture);
  for (const module of sourceModules(architecture.sources)) {
    module.check(`architecture: ${module.name}`, surroundings);
  }
}

/** What primitives see: the stored parameters through the architecture's sources. */
function sourceOf(architecture: Architecture, stored: ParameterSource): ParameterSource {
  const modules = sourceModules(architecture.sources);
  return modules.length === 0 ? stored : wrapSources(modules, surroundingsOf(architecture), stored);
}

function surroundingsOf(architecture: Architecture): SourceSurroundings {
  let found: Parameters | undefined;
  const parameters = () => (found ??= plainParameters(architecture));
  return { repeat: architecture.repeat, parameters };
}

/** What the primitives ask for, without sources in between. */
function plainParameters(architecture: Architecture): Parameters {
  const { inputs } = architecture;
  const plain = { ...architecture, sources: [] };
  const source = inputSource();
  forward(plain, source, inputs === null ? input("tokens", [1, 1], "i32") : input("tokens", [1, 1, inputs]));
  return source.declared;
}

/** Errors: RequestError where the architecture does not take tokens. */
export function requireTokens({ inputs }: Pick<Architecture, "inputs">): void {
  if (inputs === null) return;
  throw new RequestError(
    `architecture: it takes ${inputs} numbers at each place (inputs), not tokens; leave inputs out to train it on text`,
  );
}

function requireInput(architecture: Architecture, { shape }: Tensor): void {
  const { inputs, length } = architecture;
  if (shape.length === 2) requireTokens(architecture);
  const expected = inputs === null ? "[B, T]" : `[B, T, ${inputs}]`;
  if (
    shape.length !== (inputs === null ? 2 : 3) ||
    shape[1]! > length ||
    shape[2] !== (inputs ?? undefined)
  ) {
    throw new RangeError(`forward: tokens [${shape}]; expected ${expected} with T at most ${length}`);
  }
}

function embed(
  { inputs, vocabulary, width, length, positions, standardDeviation }: Architecture,
  scope: Scope,
  tokens: Tensor,
  start: Tensor | undefined,
): { readonly features: Tensor; readonly table?: Tensor } {
  const options = {
    vocabulary,
    width,
    standardDeviation,
    positions: positions === "learned" ? length : undefined,
    start,
  };
  if (inputs !== null) return { features: inputMap(scope, tokens, options) };
  return embedding(scope, tokens, options);
}

/** x [B, T, D] → [B, T, D]. */
function applyBlock(
  architecture: Architecture,
  root: Scope,
  { path, places }: Block,
  start: Tensor,
  options: ForwardOptions,
): Tensor {
  const apply = options.apply ?? ((module, scope, features) => module.apply(scope, features));
  const normalize = (scope: Scope, x: Tensor): Tensor =>
    architecture.norm === "none"
      ? x
      : scope.observe("norm", norm(architecture.norm, scope.within("norm"), x));
  const kind = architecture.block;
  let x = start;
  if (kind === "parallel") options.boundary?.(x);
  for (const { name, module } of places) {
    const scope = root.within(path).within(name);
    if (kind !== "parallel") options.boundary?.(x);
    const seen = kind === "parallel" ? start : x;
    const entering = kind === "pre" || kind === "parallel" ? normalize(scope, seen) : seen;
    const output = scope.dropout(scope.observe("output", apply(module, scope, entering)));
    const sum = kind === "none" ? output : add(x, output);
    x = scope.observe("residual", kind === "pre" || kind === "parallel" ? sum : normalize(scope, sum));
  }
  return x;
}
