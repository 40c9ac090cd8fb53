// How the parameters that belong to no primitive grow: embedding, head, the norms of blocks, the maps between repetitions.
import type { Architecture } from "../architecture/schema.ts";
import { placesOf } from "../architecture/stripe.ts";
import { type GrowingParameter, growingLinear } from "../nn/growth.ts";
import type { SizesOf } from "./axes.ts";

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
  const { width, vocabulary, inputs, tokenTypes, embeddingWidth } = architecture;
  const sizes = {
    ...{ width, vocabulary, inside: width, represented: width, places: placesOf(architecture) },
    ...{ inputs: inputs ?? 0, types: tokenTypes ?? 0, table: embeddingWidth ?? width },
  };
  return { sizes };
}

/** By full names, but for blocks: those of `between` and of norms. */
export function outsideParameter(architecture: Architecture, name: string): GrowingParameter | undefined {
  const between = /^block\.\d+\.between\.\d+\.(.+)$/.exec(name);
  if (between !== null) return growingBetween[between[1]!];
  return growingOutside(architecture)[name];
}

function growingOutside({ embeddingWidth, tie }: Architecture): Readonly<Record<string, GrowingParameter>> {
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
    "head.weight": { axes: "width, vocabulary", sums: true },
    "head.bias": { axes: "vocabulary" },
  };
}

/** Why a network of this kind cannot have more features and compute the same; undefined: it can. */
export function refuseWidth(architecture: Architecture): string | undefined {
  const { norm, block, embeddingNorm, embeddingWidth, decoder, paths } = architecture;
  const isCentred = norm === "layer" || norm === "layerUnbiased";
  if (decoder !== null) return "its decoder adds waves that depend on the width";
  if (paths !== null && paths.norm !== "none") {
    return "the norms at the ends of its paths have an epsilon of their own; paths without norm can";
  }
  if (embeddingNorm && embeddingWidth !== null) {
    return "the norm of its narrow embedding has the epsilon of the wider norms, which has to change";
  }
  if (isCentred && (block === "post" || block === "none" || embeddingNorm)) {
    return "what its layer norms make is the residual stream, where no new feature keeps their mean; with norm rms it can";
  }
  return undefined;
}
