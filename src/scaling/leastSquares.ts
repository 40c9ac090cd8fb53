// Straight lines and planes by least squares, and starts for laws that are linear in their coordinates. Knows no law.

import { EigenvalueDecomposition, Matrix, pseudoInverse, solve } from "ml-matrix";
import type { Observations, Regression } from "./law.ts";
import { sumOfTerms } from "./terms.ts";

/** Coefficients that minimise the sum of squares of rows · coefficients - targets; by singular values, so never singular. */
export function leastSquares(rows: readonly (readonly number[])[], targets: ArrayLike<number>): number[] {
  return solve(
    new Matrix(rows.map((row) => [...row])),
    Matrix.columnVector([...Array.from(targets)]),
    true,
  ).to1DArray();
}

/** The coordinates of a law that is linear in them, in the order of its features. */
function linearStart({ features, width, targets }: Observations): number[][] {
  const rows = Array.from(targets, (_, i) => Array.from(features.subarray(i * width, (i + 1) * width)));
  return [leastSquares(rows, targets)];
}

/** How a law is fitted of which ln output is the sum of `count` coordinates, each times the feature of its number. */
export function linearRegression(count: number): Pick<Regression, "evaluate" | "batch" | "huber" | "starts"> {
  const terms = [Array.from({ length: count }, (_, i) => ({ of: i, by: i }))];
  return { ...sumOfTerms({ terms }), huber: Infinity, starts: linearStart };
}

/** Of a matrix scaled to ones on its diagonal: what rounding alone leaves of an eigenvalue that is zero. */
const ROUNDING = 1e-11;

/** Whether a symmetric matrix, such as the information of runs on constants, has a direction in which it is zero. */
export function isSingular(matrix: readonly (readonly number[])[]): boolean {
  const scales = matrix.map((row, i) => Math.sqrt(row[i]!));
  if (!scales.every((scale) => Number.isFinite(scale) && scale > 0)) return true;
  const scaled = matrix.map((row, i) => row.map((entry, j) => entry / (scales[i]! * scales[j]!)));
  const { realEigenvalues } = new EigenvalueDecomposition(new Matrix(scaled), { assumeSymmetric: true });
  return !(Math.min(...realEigenvalues) > ROUNDING);
}

/** The inverse of a symmetric matrix, on what it spans; null where it has no finite inverse. */
export function inverse(matrix: readonly (readonly number[])[]): number[][] | null {
  const found = pseudoInverse(new Matrix(matrix.map((row) => [...row]))).to2DArray();
  return found.flat().every(Number.isFinite) ? found : null;
}
