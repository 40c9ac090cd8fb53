// How the two factors of a low-rank addition (parameter source `lora`) grow with the matrix they are added to: rows with the
// left one, columns with the right one. Knows no architecture.
import type { AddedEntries, GrowingParameter } from "../nn/growth.ts";
import type { Shape } from "../tensor/tensor.ts";
import type { SizesOf } from "./axes.ts";

/** No size of a primitive is called so. */
const RANK = "lora-rank";

/** Which factor of which matrix a name is that of; undefined: it is a parameter of its own. */
export function factorOf(name: string): { readonly of: string; readonly side: "left" | "right" } | undefined {
  const [, of, side] = /^(.+)\.lora\.(left|right)$/.exec(name) ?? [];
  return of === undefined ? undefined : { of, side: side as "left" | "right" };
}

/** How a factor grows; new ranks add nothing at first. What scales the matrix scales its rows' factor. */
export function growingFactor(
  { axes, added = {}, scale = {} }: GrowingParameter,
  side: "left" | "right",
): GrowingParameter {
  const all = axes.split(",").map((axis) => axis.trim());
  const own = side === "left" ? all.slice(0, -1).join(" ") : all.at(-1)!;
  const names = own.split(/[\s+]+/);
  const entries: [string, AddedEntries][] = Object.entries(added).filter(([size]) => names.includes(size));
  return side === "left"
    ? { axes: `${own}, ${RANK}`, added: { ...Object.fromEntries(entries), [RANK]: "zero" }, scale }
    : { axes: `${RANK}, ${own}`, added: Object.fromEntries(entries) };
}

/** The sizes of a matrix, with the rank of its factor of that shape. */
export function withRank(sizes: SizesOf, side: "left" | "right", shape: Shape): SizesOf {
  return { ...sizes, sizes: { ...sizes.sizes, [RANK]: shape[side === "left" ? 1 : 0]! } };
}
