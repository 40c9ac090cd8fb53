// A network of its own out of one with nested feed-forward widths: of one share, or of a share for each block (Devvrit et al.
// 2023, MatFormer, section 3.3, Mix'n'Match).
import { RequestError } from "../errors.ts";
import { show } from "../strict.ts";
import { type NdArray, type Shape, sizeOf } from "../tensor/tensor.ts";
import { plainParameters } from "./forward.ts";
import { atShare, narrowEntry } from "./nested.ts";
import type { Architecture } from "./schema.ts";
import { blocksOf } from "./stripe.ts";
import { type ParameterValues, seenValues } from "./values.ts";

/** A network and its parameters. */
export interface CutNetwork {
  readonly architecture: Architecture;
  readonly values: ParameterValues;
}

/**
 * The network whose feed-forward layers have a share of their width, in all blocks or in each its own (one for each repetition
 * of the stripe; what stands in front and after keeps its width); any share that gives whole widths will do, trained or not.
 * Parameter sources are applied: the result has none.
 * Errors: RequestError for shares that do not fit, or parameters that are absent or misshapen.
 */
export function cutNested(
  architecture: Architecture,
  values: ParameterValues,
  shares: number | readonly number[],
): CutNetwork {
  const all = typeof shares === "number" ? [shares] : shares;
  const wrong = all.find((share) => !(share > 0 && share <= 1));
  if (wrong !== undefined || all.length === 0) {
    throw new RequestError(
      `cut: shares are ${show(shares)}; expected numbers above 0 and up to 1, one or one for each repetition of the stripe`,
    );
  }
  const plain = { ...architecture, sources: [], nested: null };
  const isUniform = typeof shares === "number";
  const cut = isUniform ? atShare(plain, shares) : writtenOut(plain, shares);
  const names = isUniform ? (name: string) => name : placeNames(plain, cut);
  const seen = seenValues("cut", architecture, values);
  const shapes = plainParameters(cut);
  const sliced = Object.entries(seen).map(([name, tensor]) => {
    const small = names(name);
    return [small, leadingPart(tensor, shapes.get(small)!.shape)];
  });
  return { architecture: cut, values: Object.fromEntries(sliced) };
}

/** All blocks as one repetition, so that they can differ. */
function writtenOut(architecture: Architecture, shares: readonly number[]): Architecture {
  const { stripe, repeat, block, loop } = architecture;
  if (shares.length !== repeat) {
    throw new RequestError(
      `cut: ${shares.length} shares are given, and the stripe is repeated ${repeat} times; expected one for each, or one number`,
    );
  }
  if (block === "parallel" || loop !== null) {
    throw new RequestError(
      `cut: with ${loop === null ? "parallel blocks" : "a loop"} all blocks have one width; give one number for all`,
    );
  }
  const entries = shares.flatMap((share) => stripe.map((entry) => narrowEntry(entry, share)));
  return { ...architecture, stripe: entries, repeat: 1 };
}

/** From names in a repeated stripe to those in the same one written out. */
function placeNames(repeated: Architecture, written: Architecture): (name: string) => string {
  const at = (architecture: Architecture) =>
    blocksOf(architecture).flatMap(({ path, places }) => places.map(({ name }) => `${path}.${name}.`));
  const to = at(written);
  const known = new Map(at(repeated).map((prefix, i) => [prefix, to[i]!]));
  return (name) => name.replace(/^(?:block\.\d+|first|last)\.[^.]+\./, (prefix) => known.get(prefix)!);
}

/** The part of a tensor at the beginning of every axis. */
function leadingPart({ shape: from, data }: NdArray, shape: Shape): NdArray {
  const part = data.slice(0, sizeOf(shape));
  for (let to = 0; to < part.length; to++) {
    let [left, place, stride] = [to, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += (left % shape[axis]!) * stride;
      left = Math.floor(left / shape[axis]!);
      stride *= from[axis]!;
    }
    part[to] = data[place]!;
  }
  return { shape, data: part };
}
