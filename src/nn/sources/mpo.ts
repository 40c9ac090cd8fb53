// Matrices as products of small tensors in a row (matrix product operators; Gao et al. 2020, section II), of which the central
// one, where most numbers are, is the same in every block (Liu et al. 2023, Scaling Pre-trained Language Models to Deeper).
import { RequestError } from "../../errors.ts";
import { oneOf, wholeNumber } from "../../strict.ts";
import { einsum } from "../../tensor/ops/contract.ts";
import { reshape } from "../../tensor/ops/movement.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { mpoInPyTorch } from "../pytorch/stores.ts";
import { defineSource, inBlock, initialDeviation, isBlockMatrix, matrixShape } from "./source.ts";

/** Rows and columns of an outer tensor are at most this many. */
const OUTER = 4;

export const mpo = defineSource({
  name: "mpo",
  level: "store",
  settings: {
    /** Largest bond between two tensors; absent: as large as exactness takes, and every matrix can be had. */
    rank: wholeNumber().optional(),
    /** Whether the central tensor belongs to all blocks together or to each. */
    center: oneOf(["shared", "individual"]).default("shared"),
  },
  check({ rank }, { parameters }, what) {
    const matrices = [...parameters()].filter(([name, declaration]) => isBlockMatrix(name, declaration));
    const bonds = matrices.flatMap(([, declaration]) =>
      bondsOf(sitesOf(...matrixShape(declaration)), Number.POSITIVE_INFINITY),
    );
    const most = Math.max(1, ...bonds);
    if (rank === undefined || rank <= most) return;
    throw new RequestError(
      `${what}: rank is ${rank}, and ${most} makes every matrix of the blocks exact; expected at most that, or no rank`,
    );
  },
  pytorch: mpoInPyTorch,
  wrap: ({ rank = Number.POSITIVE_INFINITY, center }, _, inner) => ({
    parameter(name, declaration) {
      const deviation = initialDeviation(declaration);
      if (!isBlockMatrix(name, declaration) || deviation === undefined) {
        return inner.parameter(name, declaration);
      }
      const [rows, columns] = matrixShape(declaration);
      const sites = sitesOf(rows, columns);
      const bonds = bondsOf(sites, rank);
      const at = inBlock(name);
      const centerName = center === "shared" && at !== undefined ? `blocks.${at.rest}` : name;
      const tensors = sites.map(([i, j], k) => {
        const isCenter = k === (sites.length - 1) / 2;
        // Towards the centre every sum is over the bond on the inner side, and keeps its variance.
        const inwards = k < sites.length / 2 ? bonds[k + 1]! : bonds[k]!;
        return inner.parameter(`${isCenter ? centerName : name}.mpo.${k}`, {
          shape: [bonds[k]!, i, j, bonds[k + 1]!],
          initializer: {
            kind: "normal",
            standardDeviation: isCenter ? deviation : 1 / Math.sqrt(inwards),
          },
          role: "hidden",
        });
      });
      return reshape(chain(tensors), declaration.shape);
    },
  }),
});

type Site = readonly [rows: number, columns: number];

/** Five tensors: two small ones on each side, and what is left in the middle. */
function sitesOf(rows: number, columns: number): Site[] {
  const [i, centerRows] = outer(rows);
  const [j, centerColumns] = outer(columns);
  return [
    [i[0]!, j[0]!],
    [i[2]!, j[2]!],
    [centerRows, centerColumns],
    [i[3]!, j[3]!],
    [i[1]!, j[1]!],
  ];
}

/** Four divisors up to `OUTER`, one after the other as large as leaves no less than themselves, and what is left. */
function outer(size: number): [number[], number] {
  let left = size;
  const divisors = [0, 1, 2, 3].map(() => {
    let divisor = OUTER;
    while (left % divisor !== 0 || left / divisor < divisor) divisor--;
    left /= divisor;
    return divisor;
  });
  return [divisors, left];
}

/** Sizes of the bonds, 1 at both ends: no more than either side can use, and at most `rank`. */
function bondsOf(sites: readonly Site[], rank: number): number[] {
  const elements = sites.map(([i, j]) => i * j);
  const product = (some: readonly number[]) => some.reduce((total, size) => total * size, 1);
  return Array.from({ length: sites.length + 1 }, (_, k) =>
    k === 0 || k === sites.length
      ? 1
      : Math.min(rank, product(elements.slice(0, k)), product(elements.slice(k))),
  );
}

/** Tensors [bond, rows, columns, bond] in a row, contracted from the left → [rows, columns]. */
function chain(tensors: readonly Tensor[]): Tensor {
  return tensors.reduce((a, b) => {
    const [left, i, j] = a.shape as [number, number, number];
    const [, k, l, right] = b.shape as [number, number, number, number];
    return reshape(einsum("aijb,bklc->aikjlc", a, b), [left, i * k, j * l, right]);
  });
}
