// Singular vectors of a matrix. Knows no network.
import { Matrix, SingularValueDecomposition } from "ml-matrix";

/**
 * The first `count` right singular vectors of a matrix [rows, columns], columns at most rows, by falling singular value; one
 * alone by power iteration, from its largest row. All zero where the matrix is.
 */
export function rightSingularVectors(matrix: Float64Array, columns: number, count: number): Float64Array[] {
  if (count === 1) return [firstRightSingularVector(matrix, columns)];
  if (matrix.every((value) => value === 0))
    return Array.from({ length: count }, () => new Float64Array(columns));
  const svd = new SingularValueDecomposition(Matrix.from1DArray(matrix.length / columns, columns, matrix), {
    computeLeftSingularVectors: false,
    autoTranspose: true,
  });
  const vectors = svd.rightSingularVectors;
  return Array.from({ length: count }, (_, k) =>
    Float64Array.from({ length: columns }, (_, i) => vectors.get(i, k)),
  );
}

const MOST_ITERATIONS = 200;
const SETTLED = 1e-8;

function firstRightSingularVector(matrix: Float64Array, columns: number): Float64Array {
  const rows = Array.from({ length: matrix.length / columns }, (_, i) =>
    matrix.subarray(i * columns, (i + 1) * columns),
  );
  const norms = rows.map((row) => dot(row, row));
  let vector = normalised(rows[norms.indexOf(Math.max(...norms))]!);
  for (let iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
    const next = new Float64Array(columns);
    for (const row of rows) {
      const product = dot(row, vector);
      for (let i = 0; i < columns; i++) next[i]! += product * row[i]!;
    }
    const before = vector;
    vector = normalised(next);
    if (1 - Math.abs(dot(before, vector)) < SETTLED) break;
  }
  return vector;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Of length 1; zeros stay. */
function normalised(vector: Float64Array): Float64Array {
  const length = Math.sqrt(dot(vector, vector));
  return length === 0 ? vector.slice() : vector.map((value) => value / length);
}
