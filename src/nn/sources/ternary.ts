// Matrices of -1, 0 and 1 times one number each, as MatMul-free language models have them (Zhu et al. 2024, section 3.2;
// Ma et al. 2024, equation 1): rounded in the forward pass, while gradients pass as if they were not.

import {
  abs,
  add,
  divide,
  maximum,
  minimum,
  multiply,
  round,
  stopGradient,
  subtract,
} from "../../tensor/ops/elementwise.ts";
import { mean } from "../../tensor/ops/reduce.ts";
import { ternaryInPyTorch } from "../pytorch/adapters.ts";
import { defineSource, isBlockMatrix } from "./source.ts";

/** Keeps the division finite where a matrix is all zeros. */
const EPSILON = 1e-5;

export const ternary = defineSource({
  name: "ternary",
  level: "transform",
  settings: {},
  pytorch: ternaryInPyTorch,
  wrap: (_, __, inner) => ({
    parameter(name, declaration) {
      const full = inner.parameter(name, declaration);
      if (!isBlockMatrix(name, declaration)) return full;
      const scale = add(mean(abs(full)), EPSILON);
      const rounded = multiply(minimum(maximum(round(divide(full, scale)), -1), 1), scale);
      return add(full, stopGradient(subtract(rounded, full)));
    },
  }),
});
