// The forward graph of an architecture: blocks of primitives on a residual stream between an embedding and a head.
// B batch, T length, D width, V vocabulary, N numbers at a place.
import { RequestError } from "../errors.ts";
import { embedding, inputMap, type Table } from "../nn/embedding.ts";
import { norm } from "../nn/norm.ts";
import { inputSource, type ParameterSource, type Parameters } from "../nn/parameters.ts";
import { decodePlaces, poolPlaces, representation } from "../nn/pooling.ts";
import type { Module } from "../nn/primitive.ts";
import { rootScope, type Scope } from "../nn/scope.ts";
import type { SourceSurroundings } from "../nn/sources/source.ts";
import { wrapSources } from "../nn/sources/sources.ts";
import { unembedding } from "../nn/unembedding.ts";
import { dynamicSlice } from "../tensor/ops/dynamic.ts";
import { add, divide, multiply, select } from "../tensor/ops/elementwise.ts";
import { input } from "../tensor/ops/leaf.ts";
import { broadcastTo } from "../tensor/ops/movement.ts";
import { bernoulli } from "../tensor/ops/random.ts";
import type { Tensor, TensorType } from "../tensor/tensor.ts";
import { betweenRepetitions, loopSource } from "./loop.ts";
import { atShare, nestedSource } from "./nested.ts";
import type { Architecture } from "./schema.ts";
import { sourceModules } from "./sources.ts";
import { type Block, blocksOf, placesOf } from "./stripe.ts";

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
 * tokens i32 [B, T], or f32 [B, T, N] where the architecture has `inputs` N → logits [B, T, V] (nats, before the softmax);
 * [B, 1, V] where it has a `pool` and no `decoder`: one answer for the whole sequence.
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
  const root = rootScope({
    source: sourceOf(architecture, source, key),
    observe,
    key,
    dropout,
    loss,
    statistic,
  });
  const { features, table } = embed(architecture, root.within("embedding"), tokens, options.start);
  let x = root.dropout(root.observe("embedding", features));
  for (const block of numberedBlocks(architecture)) x = applyBlock(architecture, root, block, x, options);
  options.boundary?.(x);
  if (position !== undefined) x = dynamicSlice(x, { 1: position }, { 1: 1 });
  const head = {
    vocabulary,
    standardDeviation,
    bias: architecture.headBias,
    shared: architecture.tie ? table : undefined,
  };
  return {
    features: readFeatures(architecture, root, x, tokens.shape[1]!),
    head: (x) => scaledBy(architecture.logitScale, unembedding(root.within("head"), x, head)),
  };
}

function scaledBy(scale: number | undefined, x: Tensor): Tensor {
  return scale === undefined ? x : multiply(x, scale);
}

/** x [B, P, D] after the blocks → what the head reads: of T places, or of one. */
function readFeatures(
  {
    block,
    norm: name,
    normEpsilon,
    pool,
    decoder,
    representation: isRepresented,
    standardDeviation,
  }: Architecture,
  root: Scope,
  x: Tensor,
  length: number,
): Tensor {
  // Where every sum is normalised, so is the last one.
  const normalize = (x: Tensor) =>
    block === "post" ? x : root.observe("norm", norm(name, root.within("norm"), x, normEpsilon));
  const pooled = (x: Tensor) => (pool === null ? x : root.observe("pooled", poolPlaces(x, pool)));
  let read: Tensor;
  if (decoder !== null) {
    const decoded = decodePlaces(root.within("decoder"), pooled(x), {
      length,
      norm: name,
      normEpsilon,
      standardDeviation,
    });
    read = normalize(decoded);
  } else read = pool === "average" ? pooled(normalize(x)) : normalize(pooled(x));
  if (!isRepresented) return read;
  const scope = root.within("representation");
  return scope.observe("output", representation(scope, read, standardDeviation));
}

/** How many places of a sequence of `length` there are logits for. */
export function outputPlaces({ pool, decoder }: Architecture, length: number): number {
  return pool === null || decoder !== null ? length : 1;
}

/** What `forward` takes, under a name: i32 [B, T], or f32 [B, T, N] where the architecture has `inputs` N. */
export function inputType({ inputs }: Architecture, batch: number, length: number): TensorType {
  return inputs === null
    ? { shape: [batch, length], dtype: "i32" }
    : { shape: [batch, length, inputs], dtype: "f32" };
}

/** Errors: RequestError where the parameter sources do not fit the architecture. */
export function checkSources(architecture: Architecture): void {
  const surroundings = sourceSurroundings(architecture);
  for (const module of sourceModules(architecture.sources)) {
    module.check(`architecture: ${module.name}`, surroundings);
  }
}

/** What primitives see: the stored parameters through the architecture's sources; with a key, those of the width it chooses. */
function sourceOf(
  architecture: Architecture,
  stored: ParameterSource,
  key: Tensor | undefined,
): ParameterSource {
  const { nested } = architecture;
  const sourced = withSources(architecture, stored);
  const seen =
    nested === null || key === undefined
      ? sourced
      : nestedSource(nested, key, (share) => plainParameters(atShare(architecture, share)), sourced);
  return loopSource(architecture, seen);
}

/** The stored parameters through the architecture's sources, by the names of the blocks that are stored. */
export function withSources(architecture: Architecture, stored: ParameterSource): ParameterSource {
  const modules = sourceModules(architecture.sources);
  return modules.length === 0 ? stored : wrapSources(modules, sourceSurroundings(architecture), stored);
}

export function sourceSurroundings(architecture: Architecture): SourceSurroundings {
  let found: Parameters | undefined;
  const parameters = () => (found ??= plainParameters(architecture));
  return { repeat: architecture.repeat, parameters };
}

/** What the primitives ask for, without sources in between. */
export function plainParameters(architecture: Architecture): Parameters {
  const source = inputSource();
  const { shape, dtype } = inputType(architecture, 1, 1);
  forward({ ...architecture, sources: [] }, source, input("tokens", shape, dtype));
  return source.declared;
}

/** Errors: RequestError where the architecture does not take tokens. */
export function requireTokens({ inputs }: Pick<Architecture, "inputs">): void {
  if (inputs === null) return;
  throw new RequestError(
    `architecture: it takes ${inputs} numbers at each place (inputs), not tokens; leave inputs out to train it on text`,
  );
}

/** Errors: RequestError where the architecture does not answer for each place, or for the whole sequence. */
export function requireAnswers({ pool, decoder }: Architecture, of: "places" | "sequence"): void {
  const answers = pool === null || decoder !== null ? "places" : "sequence";
  if (answers === of) return;
  throw new RequestError(
    of === "places"
      ? `architecture: its pool is "${pool}", so it gives one answer for a whole sequence; leave pool out, or train it with ` +
          "the objective classification"
      : `architecture: it answers for every place; to give one for the whole sequence set pool to average, class or last` +
          `${decoder === null ? "" : " and leave out decoder"}`,
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
  architecture: Architecture,
  scope: Scope,
  tokens: Tensor,
  start: Tensor | undefined,
): { readonly features: Tensor; readonly table?: Table } {
  const { vocabulary, width, embeddingWidth, classToken, tokenTypes, standardDeviation } = architecture;
  const options = {
    ...{ vocabulary, width, embeddingWidth, classToken, tokenTypes, standardDeviation, start },
    norm: architecture.embeddingNorm ? architecture.norm : "none",
    normEpsilon: architecture.normEpsilon,
    positions: architecture.positions === "learned" ? placesOf(architecture) : undefined,
  } as const;
  if (architecture.inputs !== null) return { features: inputMap(scope, tokens, options) };
  return embedding(scope, tokens, options);
}

interface NumberedBlock extends Block {
  /** Modules before it, and of all blocks. */
  readonly before: number;
  readonly modules: number;
}

function numberedBlocks(architecture: Architecture): NumberedBlock[] {
  const blocks = blocksOf(architecture);
  const modules = blocks.reduce((sum, { places }) => sum + places.length, 0);
  let before = 0;
  return blocks.map((block) => {
    const numbered = { ...block, before, modules };
    before += block.places.length;
    return numbered;
  });
}

/** x [B, T, D] → [B, T, D]. */
function applyBlock(
  architecture: Architecture,
  root: Scope,
  { path, mapped, places, before, modules }: NumberedBlock,
  start: Tensor,
  options: ForwardOptions,
): Tensor {
  const apply = options.apply ?? ((module, scope, features) => module.apply(scope, features));
  const normalize = (scope: Scope, x: Tensor): Tensor =>
    architecture.norm === "none"
      ? x
      : scope.observe("norm", norm(architecture.norm, scope.within("norm"), x, architecture.normEpsilon));
  const kind = architecture.block;
  const between = root.within(path).within("between");
  const entered = mapped ? betweenRepetitions(architecture, between, start) : start;
  let x = entered;
  if (kind === "parallel") options.boundary?.(x);
  for (const [i, { name, module }] of places.entries()) {
    const scope = root.within(path).within(name);
    if (kind !== "parallel") options.boundary?.(x);
    const seen = kind === "parallel" ? entered : x;
    const entering = kind === "pre" || kind === "parallel" ? normalize(scope, seen) : seen;
    const rate = (architecture.stochasticDepth * (before + i + 1)) / modules;
    const made = scope.observe("output", apply(module, scope, entering));
    const output = dropSequences(scope, scope.dropout(made), rate);
    const sum = kind === "none" ? output : add(x, scaledBy(architecture.residualScale, output));
    x = scope.observe("residual", kind === "pre" || kind === "parallel" ? sum : normalize(scope, sum));
  }
  return x;
}

/**
 * x [B, ...] with the parts of some sequences left out while training, the others made larger by as much (Huang et al. 2016).
 */
function dropSequences(scope: Scope, x: Tensor, rate: number): Tensor {
  const key = rate === 0 ? undefined : scope.randomKey();
  if (key === undefined) return x;
  const kept = bernoulli(key, 1 - rate, [x.shape[0]!, ...x.shape.slice(1).map(() => 1)]);
  return select(broadcastTo(kept, x.shape), divide(x, 1 - rate), 0);
}
