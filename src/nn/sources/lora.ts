// A low-rank matrix of its own for every matrix of every block, added to what lies below: W + A·B (Hu et al. 2022). On shared
// blocks it lets them differ (Bae et al. 2024, Relaxed Recursive Transformers, equation 2).
import { RequestError } from "../../errors.ts";
import { wholeNumber } from "../../strict.ts";
import { matmul } from "../../tensor/ops/contract.ts";
import { add } from "../../tensor/ops/elementwise.ts";
import { reshape } from "../../tensor/ops/movement.ts";
import { loraInPyTorch } from "../pytorch/adapters.ts";
import { defineSource, initialDeviation, isBlockMatrix, matrixShape } from "./source.ts";

/** Names of the two factors of a matrix: [rows, rank] and [rank, columns]. */
export const loraNames = (name: string) => ({ left: `${name}.lora.left`, right: `${name}.lora.right` });

export const lora = defineSource({
  name: "lora",
  level: "adapt",
  settings: {
    /** Of every matrix, or all that a smaller one has. */
    rank: wholeNumber(),
  },
  check({ rank }, { parameters }, what) {
    const matrices = [...parameters()].filter(([name, declaration]) => isBlockMatrix(name, declaration));
    const most = Math.max(...matrices.map(([, declaration]) => Math.min(...matrixShape(declaration))));
    if (rank <= most) return;
    throw new RequestError(
      `${what}: rank is ${rank}, and no matrix of the blocks has a rank above ${Math.max(0, most)}; expected at most that`,
    );
  },
  pytorch: loraInPyTorch,
  wrap: ({ rank: asked }, _, inner, own) => ({
    parameter(name, declaration) {
      const below = inner.parameter(name, declaration);
      if (!isBlockMatrix(name, declaration)) return below;
      const [rows, columns] = matrixShape(declaration);
      const rank = Math.min(asked, rows, columns);
      const names = loraNames(name);
      // Nothing is added at first, and the right factor gets no gradient until the left one is not zero any more.
      const left = own.parameter(names.left, {
        ...declaration, // rows of experts that a token does not meet are as inactive
        shape: [rows, rank],
        initializer: { kind: "constant", value: 0 },
        role: "hidden",
      });
      const right = own.parameter(names.right, {
        shape: [rank, columns],
        initializer: { kind: "normal", standardDeviation: initialDeviation(declaration) ?? 0.02 },
        role: "hidden",
      });
      return add(below, reshape(matmul(left, right), declaration.shape));
    },
  }),
});
