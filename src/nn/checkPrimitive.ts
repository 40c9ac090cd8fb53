// Whether a primitive keeps its word: steps, which cannot look ahead, give what `apply` gives. In float64, on random values.
// Knows no particular primitive. B batch, T length, D width.
import { RequestError } from "../errors.ts";
import { evaluate } from "../tensor/evaluate.ts";
import { fill, input } from "../tensor/ops/leaf.ts";
import { concatenate, reshape, slice } from "../tensor/ops/movement.ts";
import { type NdArray, type Shape, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { initialValues } from "./initialize.ts";
import { type Initializer, inputSource } from "./parameters.ts";
import type { Decoded, Module, Primitive } from "./primitive.ts";
import { rootScope, type Scope } from "./scope.ts";

/** The sizes and settings to check a primitive with. */
export interface PrimitiveCheck {
  /** Default: none. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** D; default 16. */
  readonly width?: number;
  /** T; default 7. */
  readonly length?: number;
  /** B; default 2. */
  readonly batch?: number;
  /** Of inputs and parameters; default 0. */
  readonly seed?: number;
}

/** What rounding of float64 may change, relative to the largest output. */
const TOLERANCE = 1e-9;

/**
 * Holds a primitive to what it says of itself: features and state of the right shapes, and where it decodes exactly, steps from
 * the first token and after a prefill of every length the same as `apply`. Errors: RequestError, begun by the primitive's name, for the first thing that is not so.
 */
export function checkPrimitive(primitive: Primitive, check: PrimitiveCheck = {}): void {
  const { settings = {}, width = 16, length = 7, batch = 2, seed = 0 } = check;
  const what = `primitive ${primitive.name}`;
  const module = primitive.configure(what, settings, { width, length, standardDeviation: 0.5 });
  const source = inputSource();
  const scope = rootScope({ source });
  const x = input("x", [batch, length, width]);
  const whole = module.apply(scope, x);
  const decoded = module.decodes === "exactly" ? decodings(module, scope, x) : [];
  const values: Record<string, NdArray> = { x: random("x", x.shape, seed) };
  for (const [name, declaration] of source.declared) {
    // Away from where they begin: zeros there would hide much.
    const noise = random(name, declaration.shape, seed + 1).data;
    const data = Float64Array.from(
      initialValues(name, declaration, seed),
      (value, i) => value + noise[i]! / 4,
    );
    values[name] = { shape: declaration.shape, data };
  }
  const [expected, ...others] = evaluate([whole, ...decoded.map(({ y }) => y)], values);
  const largest = Math.max(1, ...expected!.data.map(Math.abs));
  for (const [place, { data }] of others.entries()) {
    const at = data.findIndex((value, i) => !(Math.abs(value - expected!.data[i]!) <= TOLERANCE * largest));
    if (at < 0) continue;
    const token = Math.floor(at / width) % length;
    throw new RequestError(
      `${what}: ${decoded[place]!.by} gives ${data[at]} at token ${token}, where apply gives ${expected!.data[at]}`,
    );
  }
}

/** y [B, T, D] by steps alone, and by a prefill of each length with steps after it. */
function decodings(module: Module, scope: Scope, x: Tensor): { readonly by: string; readonly y: Tensor }[] {
  const [batch, length] = x.shape as [number, number];
  const state = Object.entries(module.state(batch, length)).map(([name, { initial, shape, dtype }]) => [
    name,
    fill(initial, shape, dtype),
  ]);
  const nothing = { y: slice(x, { 1: [0, 0] }), state: Object.fromEntries(state) };
  const all = [{ by: "step", y: steps(module, scope, x, nothing, 0) }];
  for (let count = 1; module.prefill !== undefined && count <= length; count++) {
    const first = module.prefill(scope, slice(x, { 1: [0, count] }), length);
    all.push({ by: `prefill of ${count}`, y: steps(module, scope, x, first, count) });
  }
  return all;
}

/** What `before` gave, then the tokens from `start` on, one step each. */
function steps(module: Module, scope: Scope, x: Tensor, before: Decoded, start: number): Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  const parts = [before.y];
  let { state } = before;
  for (let t = start; t < length; t++) {
    const token = reshape(slice(x, { 1: [t, t + 1] }), [batch, width]);
    const next = module.step(scope, token, state, fill(t, [], "i32"));
    parts.push(reshape(next.y, [batch, 1, width]));
    state = next.state;
  }
  return concatenate(parts, 1);
}

function random(name: string, shape: Shape, seed: number): NdArray {
  const initializer: Initializer = { kind: "uniform", low: -1, high: 1 };
  const values = initialValues(name, { shape, initializer, role: "hidden" }, seed);
  return { shape, data: Float64Array.from(values.subarray(0, sizeOf(shape))) };
}
