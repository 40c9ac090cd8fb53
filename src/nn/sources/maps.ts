// A small linear map of each block's own on the outputs of matrices that blocks share: groups of output features are mixed
// with each other, as MiniViT's weight transformation mixes heads (Zhang et al. 2022, section 3.2). Its convolution on the
// inputs of feed-forward layers is no function of parameters and is left out.
import { wholeNumber } from "../../strict.ts";
import { einsum } from "../../tensor/ops/contract.ts";
import { reshape } from "../../tensor/ops/movement.ts";
import { mapsInPyTorch } from "../pytorch/adapters.ts";
import { defineSource, isBlockMatrix, matrixShape } from "./source.ts";

export const maps = defineSource({
  name: "maps",
  level: "adapt",
  settings: {
    /** Groups of output features; of a matrix whose outputs they do not divide, the greatest common divisor. */
    groups: wholeNumber().default(8),
  },
  pytorch: mapsInPyTorch,
  wrap: ({ groups: asked }, _, inner, own) => ({
    parameter(name, declaration) {
      const below = inner.parameter(name, declaration);
      if (!isBlockMatrix(name, declaration)) return below;
      const [rows, columns] = matrixShape(declaration);
      const groups = commonDivisor(asked, columns);
      // The identity at first.
      const map = own.parameter(`${name}.map`, {
        shape: [groups, groups],
        initializer: { kind: "values", at: (place) => (place % (groups + 1) === 0 ? 1 : 0) },
        role: "scale",
      });
      const mixed = einsum("rgp,gh->rhp", reshape(below, [rows, groups, columns / groups]), map);
      return reshape(mixed, declaration.shape);
    },
  }),
});

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
