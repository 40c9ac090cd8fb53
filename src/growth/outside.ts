// How the parameters that belong to no primitive grow: embedding, head, the norms of blocks, the maps between repetitions.
import type { Architecture } from "../architecture/schema.ts";
import { placesOf } from "../architecture/stripe.ts";
import { type GrowingParameter, growingLinear } from "../nn/growth.ts";
import type { SizesOf, WidthRoute } from "./axes.ts";
import { placesIn } from "./places.ts";

/** Statistics over wider features that are zero, or the mean: smaller by as much as there are more features. */
export const growingNorm: Readonly<Record<string, GrowingParameter>> = {
  scale: { axes: "width", scale: { width: -0.5 } },
  bias: { axes: "width", added: { width: "zero" } },
};

/** Between two applications of a block: as wide inside as the model. */
const growingBetween: Readonly<Record<string, GrowingParameter>> = {
  "norm.scale": growingNorm.scale!,
  "norm.bias": growingNorm.bias!,
  ...growingLinear("up", ["width", "inside"], { bias: true }),
  ...growingLinear("down", ["inside", "width"], { bias: true, added: { inside: "zero", width: "output" } }),
  kept: { axes: "1" },
  added: { axes: "1" },
};

/** Sizes that parameters outside of primitives are made of. */
export function outsideSizes(architecture: Architecture): SizesOf {
  const { width, vocabulary, inputs, tokenTypes, embeddingWidth, tie } = architecture;
  const sizes = {
    ...{ width, vocabulary, inside: width, represented: width, places: placesOf(architecture) },
    ...{ inputs: inputs ?? 0, types: tokenTypes ?? 0, table: embeddingWidth ?? width },
  };
  // What a tied head reads are the features of the table.
  return { sizes, ...(tie ? { same: [["width", "represented"]] } : {}) };
}

/** By full names, but for blocks: those of `between` and of norms. */
export function outsideParameter(architecture: Architecture, name: string): GrowingParameter | undefined {
  const between = /^block\.\d+\.between\.\d+\.(.+)$/.exec(name);
  if (between !== null) return growingBetween[between[1]!];
  return growingOutside(architecture)[name];
}

function growingOutside({
  embeddingWidth,
  representation,
  tie,
}: Architecture): Readonly<Record<string, GrowingParameter>> {
  const isNarrow = embeddingWidth !== null;
  const features = (axes: string): GrowingParameter => ({ axes, added: { width: "output" } });
  const table = (first: string): GrowingParameter =>
    isNarrow ? { axes: `${first}table` } : features(`${first}width`);
  return {
    "embedding.tokens": table("vocabulary, "),
    "embedding.positions": table("places, "),
    "embedding.types": table("types, "),
    "embedding.class": table(""),
    "embedding.weight": features("inputs, width"),
    "embedding.bias": features("width"),
    "embedding.map.weight": features("table, width"),
    "embedding.map.bias": features("width"),
    "embedding.norm.scale": isNarrow ? { axes: "table" } : growingNorm.scale!,
    "embedding.norm.bias": isNarrow ? { axes: "table" } : growingNorm.bias!,
    // A head that is the embedding again cannot share out its entries: the norm in front of it does.
    "norm.scale": { ...growingNorm.scale!, ...(tie ? { sums: true } : {}) },
    "norm.bias": { ...growingNorm.bias!, ...(tie ? { sums: true } : {}) },
    ...growingLinear("representation", ["width", "represented"], {
      bias: true,
      added: { represented: "zero" },
    }),
    "head.weight": { axes: `${representation ? "represented" : "width"}, vocabulary`, sums: true },
    "head.bias": { axes: "vocabulary" },
  };
}

/** What new features of the residual stream are in a network of this kind. */
export function widthRoute(architecture: Architecture): WidthRoute {
  if (whyCopies(architecture) !== undefined) return "copies";
  return centres(architecture) ? "means" : "zeros";
}

const centres = ({ norm }: Architecture): boolean => norm === "layer" || norm === "layerUnbiased";

/** Why new features can be neither zeros nor means; undefined: they can. */
export function whyCopies(architecture: Architecture): string | undefined {
  const { block, embeddingNorm, embeddingWidth, paths } = architecture;
  if (paths !== null && paths.norm !== "none") {
    return "the norms at the ends of its paths have an epsilon of their own";
  }
  if (embeddingNorm && embeddingWidth !== null) {
    return "the norm of its narrow embedding has the epsilon of the wider norms";
  }
  if (!centres(architecture)) return undefined;
  if (block === "post" || block === "none" || embeddingNorm) {
    return "what its layer norms make is the residual stream, where no new feature keeps their mean";
  }
  const place = placesIn(architecture).find(({ module }) => module.growth?.nonlinearOutput);
  if (place === undefined) return undefined;
  return `no new feature keeps the mean of what ${place.entry.primitive} puts out, which layer norms subtract`;
}

/** Why a network of this kind cannot have so many features and compute the same; undefined: it can. */
export function refuseWidth(architecture: Architecture, to: number): string | undefined {
  const { width, block, decoder, tie, representation } = architecture;
  if (decoder !== null) return "its decoder adds waves that depend on the width";
  const why = whyCopies(architecture);
  if (why === undefined) return undefined;
  if (tie && (block === "post" || representation)) {
    return `${why}; copies of the old features would, but for the table that the head shares`;
  }
  if (to % width === 0) return undefined;
  return `${why}; copies of the old features do, so expected a multiple of ${width}, such as ${2 * width}`;
}

/** What reads a table that it shares meets every feature as often as there are copies: the norm in front makes up for it. */
export function sharedScale(name: string, from: Architecture, to: Architecture): number {
  const isLast = name === "norm.scale" || name === "norm.bias";
  return to.tie && isLast && widthRoute(to) === "copies" ? from.width / to.width : 1;
}
