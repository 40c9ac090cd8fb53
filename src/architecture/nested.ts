// Feed-forward layers of several widths in one: the narrower is the leading part of the wider, one width is trained at a step,
// and any can be cut out afterwards (Devvrit et al. 2023, MatFormer, section 3). Here is what an architecture is at a width,
// and what its parameters are while one of them is trained.
import { RequestError } from "../errors.ts";
import type { ParameterSource, Parameters } from "../nn/parameters.ts";
import { show } from "../strict.ts";
import { dynamicSlice } from "../tensor/ops/dynamic.ts";
import { cast, lessEqual, minimum, multiply, select } from "../tensor/ops/elementwise.ts";
import { iota, literal } from "../tensor/ops/leaf.ts";
import { reshape } from "../tensor/ops/movement.ts";
import { foldIn, uniform } from "../tensor/ops/random.ts";
import type { Shape, Tensor } from "../tensor/tensor.ts";
import type { Architecture, StripeEntry } from "./schema.ts";

const MOST_WIDTHS = 16;

/** Setting `nested` as it was given: shares of the feed-forward width, ascending up to 1. Errors: RequestError. */
export function readNested(given: unknown = null): readonly number[] | null {
  if (given === null) return null;
  const isList = Array.isArray(given) && given.length >= 1 && given.length <= MOST_WIDTHS;
  const ascends = (value: unknown, i: number) =>
    typeof value === "number" && value > (i === 0 ? 0 : (given as number[])[i - 1]!);
  if (isList && given.every(ascends) && given.at(-1) === 1) return given;
  throw new RequestError(
    `architecture: nested is ${show(given)}; expected up to ${MOST_WIDTHS} shares of the feed-forward width, ascending to 1, ` +
      "such as [0.25, 0.5, 1]",
  );
}

/** Experts side by side in one matrix: its leading part is not theirs. */
const unsliced: ReadonlySet<string> = new Set(["moe-mlp"]);

/** Errors: RequestError where a width is not whole, or there is nothing that could be narrower. */
export function checkNested(architecture: Architecture): void {
  const { nested, first, stripe, last } = architecture;
  if (nested === null) return;
  const entries = [...first, ...stripe, ...last];
  const fixed = entries.find(({ primitive }) => unsliced.has(primitive));
  if (fixed !== undefined) {
    throw new RequestError(
      `architecture: nested is given, and ${fixed.primitive} keeps its experts in one matrix that has no narrower part; ` +
        "use another primitive, or leave nested out",
    );
  }
  if (!entries.some(({ feedforward }) => typeof feedforward === "number")) {
    throw new RequestError(
      "architecture: nested is given, but no primitive of the stripe has a feed-forward width; leave it out or change the stripe",
    );
  }
  for (const share of nested) atShare(architecture, share);
}

/** The complete architecture with feed-forward layers of that share of their width. Errors: RequestError where one is not whole. */
export function atShare(architecture: Architecture, share: number): Architecture {
  const { first, stripe, last } = architecture;
  const narrow = (entry: StripeEntry) => narrowEntry(entry, share);
  return {
    ...architecture,
    nested: null,
    first: first.map(narrow),
    stripe: stripe.map(narrow),
    last: last.map(narrow),
  };
}

/** A place with feed-forward layers of that share of their width. */
export function narrowEntry(entry: StripeEntry, share: number): StripeEntry {
  const { primitive, feedforward } = entry;
  if (typeof feedforward !== "number") return entry;
  const narrow = feedforward * share;
  if (Number.isInteger(narrow) && narrow >= 1) return { ...entry, feedforward: narrow };
  throw new RequestError(
    `architecture: nested has ${share}, and ${share} of the ${feedforward} hidden features of ${primitive} are ${narrow}; ` +
      "expected shares that give whole numbers",
  );
}

/** No place of a model gets this number when keys are counted up. */
const WIDTH_KEY = 0xffff_ffff;

/**
 * Parameters while one width is trained, the same in all blocks: what a narrower network has not is zero, and stays as it is.
 * `key` u32 [2] is new at every step and chooses the width; `parametersAt` are those of the network of a share.
 */
export function nestedSource(
  shares: readonly number[],
  key: Tensor,
  parametersAt: (share: number) => Parameters,
  inner: ParameterSource,
): ParameterSource {
  const declared = shares.map(parametersAt);
  const drawn = cast(multiply(uniform(foldIn(key, WIDTH_KEY), []), shares.length), "i32");
  const chosen = minimum(drawn, shares.length - 1);
  return {
    parameter(name, declaration) {
      const shapes = declared.map((parameters) => parameters.get(name)!.shape);
      const full = inner.parameter(name, declaration);
      return declaration.shape.reduce((seen, _, axis) => leading(seen, axis, shapes, chosen), full);
    },
  };
}

/** x with zeros after the size that the chosen shape has on an axis. */
function leading(x: Tensor, axis: number, shapes: readonly Shape[], chosen: Tensor): Tensor {
  const sizes = shapes.map((shape) => shape[axis]!);
  if (sizes.every((size) => size === x.shape[axis])) return x;
  const lasts = literal(
    sizes.map((size) => size - 1),
    [sizes.length],
    "i32",
  );
  const last = reshape(dynamicSlice(lasts, { 0: chosen }, { 0: 1 }), []);
  return select(lessEqual(iota(x.shape, axis), last), x, 0);
}
