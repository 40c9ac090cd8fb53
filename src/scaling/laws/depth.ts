// Levine et al. 2020: the depth at which more layers stop helping more than width does. Knows no budget.

import type { Law, Numbers } from "../law.ts";
import { linearRegression } from "../leastSquares.ts";

/** ln d = a + b·L at the transition. */
export const depthToWidth: Law = {
  name: "depth",
  title: "Depth and width",
  formula: "ln d = a + b·L, so N = 12·L·exp(2a + 2b·L)",
  source: "Levine et al. 2020 (arXiv 2006.12467), section 5",
  convention: "N = 12·L·d² counts no embeddings; the transition was measured at depths 6 to 48",
  inputs: ["depth"],
  output: "width",
  constants: ["a", "b"],
  published: {
    levine: {
      source: "Levine et al. 2020, fit of the transition",
      values: [5.039, 0.0555],
      standardErrors: [0.03, 0.0013],
    },
  },
  domain: { depth: [6, 48], parameters: [5e6, 1e10] },
  regression: {
    features: ([depth]: Numbers) => [1, depth!],
    ...linearRegression(2),
    toFree: (constants) => constants,
    toConstants: (free) => Array.from(free),
  },
};

/** The depth (not yet a whole number) and width of a model of `parameters`, embeddings left out. */
export function levineShape(
  parameters: number,
  [a, b]: readonly number[] = depthToWidth.published.levine!.values,
): { depth: number; width: number } {
  // ln N grows with L; Newton's method from below is not needed for a number of layers.
  let [low, high] = [1e-6, 1e5];
  while (high - low > 1e-9 * high) {
    const depth = (low + high) / 2;
    if (Math.log(12 * depth) + 2 * a! + 2 * b! * depth < Math.log(parameters)) low = depth;
    else high = depth;
  }
  return { depth: low, width: Math.exp(a! + b! * low) };
}
