// Queries, keys and values of the delta rule: each a linear map, a short convolution and SiLU; queries and keys then get
// length 1. Yang et al. 2024 (DeltaNet), section 3.4. B batch, T length, D width, H heads, K taps.
import { silu } from "../tensor/composites/activation.ts";
import { add, divide, multiply, sqrt } from "../tensor/ops/elementwise.ts";
import { sum } from "../tensor/ops/reduce.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Growth, growingConvolution, growingLinear } from "./growth.ts";
import { splitHeads } from "./heads.ts";
import { linearMap } from "./linear.ts";
import type { Tokens } from "./matrixState/chunks.ts";
import type { State, StateTypes } from "./primitive.ts";
import type { Scope } from "./scope.ts";
import { convolutionTail, convolve, convolveStep, tailOf } from "./shortConvolution.ts";

export interface DeltaTokens {
  readonly heads: number;
  /** Of all heads together, as `valueWidth`. */
  readonly keyWidth: number;
  readonly valueWidth: number;
  readonly taps: number;
  readonly standardDeviation: number;
}

/** What enters each convolution, [B, T, width]. */
export interface Projected {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
}

const parts = ["query", "key", "value"] as const;
type Part = (typeof parts)[number];

/** Added to the squared length before the root. */
const EPSILON = 1e-6;

/** x [B, T, D] → queries and keys of length 1 [B, T, H, ·], values [B, T, H, ·]. */
export function deltaTokens(shape: DeltaTokens, scope: Scope, x: Tensor) {
  const of = (name: Part) => {
    const projected = project(shape, scope, name, x);
    const near = convolve(scope.within(name).within("convolution"), projected, {
      taps: shape.taps,
      bias: false,
    });
    return { projected, near };
  };
  const [query, key, value] = [of("query"), of("key"), of("value")];
  return {
    tokens: finish(shape, scope, query.near, key.near, value.near),
    projected: { query: query.projected, key: key.projected, value: value.projected } satisfies Projected,
  };
}

/** One token x [B, D]: queries, keys and values [B, H, ·], and the next tails. */
export function deltaTokensStep(shape: DeltaTokens, scope: Scope, x: Tensor, before: State) {
  const of = (name: Part) =>
    convolveStep(
      scope.within(name).within("convolution"),
      project(shape, scope, name, x),
      before[tailName(name)]!,
      { taps: shape.taps, bias: false },
    );
  const [query, key, value] = [of("query"), of("key"), of("value")];
  const tails: State = { queryTail: query.tail, keyTail: key.tail, valueTail: value.tail };
  return { tokens: finish(shape, scope, query.y, key.y, value.y), tails };
}

/** What decoding carries for the convolutions. */
export function tailTypes({ keyWidth, valueWidth, taps }: DeltaTokens, batch: number): StateTypes {
  return {
    queryTail: convolutionTail(batch, keyWidth, taps),
    keyTail: convolutionTail(batch, keyWidth, taps),
    valueTail: convolutionTail(batch, valueWidth, taps),
  };
}

/** The tails that a whole sequence leaves. */
export function tailsOf(projected: Projected, taps: number): State {
  return Object.fromEntries(parts.map((name) => [tailName(name), tailOf(projected[name], taps)]));
}

function tailName<Name extends Part>(name: Name): `${Name}Tail` {
  return `${name}Tail`;
}

function project(shape: DeltaTokens, scope: Scope, name: Part, x: Tensor): Tensor {
  const width = name === "value" ? shape.valueWidth : shape.keyWidth;
  return linearMap(scope.within(name), x, { width, bias: false, standardDeviation: shape.standardDeviation });
}

function finish({ heads }: DeltaTokens, scope: Scope, query: Tensor, key: Tensor, value: Tensor): Tokens {
  const headsOf = (x: Tensor) => splitHeads(silu(x), heads);
  return {
    queries: scope.observe("query", unit(headsOf(query))),
    keys: scope.observe("key", unit(headsOf(key))),
    values: scope.observe("value", headsOf(value)),
  };
}

/** x / |x| along the last axis. */
function unit(x: Tensor): Tensor {
  return divide(x, sqrt(add(sum(multiply(x, x), [-1], true), EPSILON)));
}

/** How its parameters grow: heads of so many `keys` and `values`. */
export function growingDeltaTokens(taps: number): Growth["parameters"] {
  const added = { values: "copy" } as const;
  const part = (name: Part, features: string) => ({
    ...growingLinear(name, ["width", features], { bias: false, added }),
    ...growingConvolution(`${name}.convolution`, taps, features, { bias: false, added }),
  });
  return {
    ...part("query", "heads keys"),
    ...part("key", "heads keys"),
    ...part("value", "heads values"),
  };
}
