// Products: batched contraction of two tensors, and the einsum notation for it.
import { apply, type Op, type Shape, sameShape, sizeOf, type Tensor } from "../tensor.ts";
import { reshape, type TransposeAttributes, transpose } from "./movement.ts";

/** a [N…, M, K] times b [N…, K, P], with the same leading axes on both, gives [N…, M, P]. Transposes are views around it. */
const contractOp: Op<undefined> = {
  name: "contract",
  lowering: "contract",
  infer: ([a, b]) => {
    const rank = a!.shape.length;
    const fits =
      rank >= 2 &&
      b!.shape.length === rank &&
      a!.shape[rank - 1] === b!.shape[rank - 2] &&
      a!.shape.slice(0, -2).every((size, axis) => size === b!.shape[axis]);
    if (!fits || a!.dtype !== "f32" || b!.dtype !== "f32") {
      throw new RangeError(`product of ${a!.dtype} [${a!.shape}] and ${b!.dtype} [${b!.shape}]`);
    }
    return [{ shape: [...a!.shape.slice(0, -1), b!.shape[rank - 1]!], dtype: "f32" }];
  },
  evaluate: ([a, b], _, [output]) => {
    const [rows, depth] = a!.shape.slice(-2) as [number, number];
    const columns = b!.shape.at(-1)!;
    const data = new Float64Array(sizeOf(output!.shape));
    const batches = sizeOf(a!.shape.slice(0, -2));
    for (let n = 0; n < batches; n++) {
      for (let i = 0; i < rows; i++) {
        const row = data.subarray((n * rows + i) * columns, (n * rows + i + 1) * columns);
        for (let k = 0; k < depth; k++) {
          const left = a!.data[(n * rows + i) * depth + k]!;
          const start = (n * depth + k) * columns;
          for (let j = 0; j < columns; j++) row[j] = row[j]! + left * b!.data[start + j]!;
        }
      }
    }
    return [{ shape: output!.shape, data }];
  },
  gradient: (node, [g]) => {
    if (g === undefined) return [undefined, undefined];
    const [a, b] = node.inputs as [Tensor, Tensor];
    return [
      liesTransposed(a) ? swapLast(matmul(b, swapLast(g))) : matmul(g, swapLast(b)),
      liesTransposed(b) ? swapLast(matmul(swapLast(g), a)) : matmul(swapLast(a), g),
    ];
  },
  flops: (node) => 2 * sizeOf(node.outputs[0]!.shape) * node.inputs[0]!.shape.at(-1)!,
};

/** Whether a factor of many products is the transpose of what lies in memory: its gradient is best made to lie likewise. */
function liesTransposed(factor: Tensor): boolean {
  let { node } = factor;
  while (node.op.name === "reshape" && sameShape(node.inputs[0]!.shape, node.outputs[0]!.shape))
    node = node.inputs[0]!.node;
  if (node.op.name !== "transpose" || factor.shape.length < 3) return false;
  const [row, column] = (node.attributes as TransposeAttributes).order.slice(-2) as [number, number];
  return row > column;
}

/** Exchanges the last two axes. */
export function swapLast(x: Tensor): Tensor {
  const order = x.shape.map((_, axis) => axis);
  const rank = order.length;
  [order[rank - 2], order[rank - 1]] = [rank - 1, rank - 2];
  return transpose(x, order);
}

/** a [N…, M, K] · b [N…, K, P] → [N…, M, P]; leading axes must be equal. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  return apply(contractOp, [a, b], undefined);
}

/** x [..., K] · weight [K, P] → [..., P]: rows of any leading shape against one matrix. */
export function linear(x: Tensor, weight: Tensor): Tensor {
  const rows = reshape(x, [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1)!]);
  return reshape(matmul(rows, weight), [...x.shape.slice(0, -1), weight.shape[1]!]);
}

/**
 * Contraction in index notation, e.g. `einsum("bthd,bshd->bhts", q, k)`. Each letter stands once per operand; letters
 * missing from the result are summed and must be in both operands (sum others beforehand).
 */
export function einsum(notation: string, a: Tensor, b: Tensor): Tensor {
  const match = /^([a-zA-Z]*),([a-zA-Z]*)->([a-zA-Z]*)$/.exec(notation.replaceAll(" ", ""));
  if (match === null)
    throw new RangeError(`einsum: cannot read "${notation}"; expected the form "ab,bc->ac"`);
  const [left, right, result] = match.slice(1).map((letters) => [...letters]) as [
    string[],
    string[],
    string[],
  ];
  const size = letterSizes(notation, [left, right], [a.shape, b.shape]);
  const batch = result.filter((letter) => left.includes(letter) && right.includes(letter));
  const rows = result.filter((letter) => left.includes(letter) && !right.includes(letter));
  const columns = result.filter((letter) => right.includes(letter) && !left.includes(letter));
  const summed = left.filter((letter) => right.includes(letter) && !result.includes(letter));
  const covered = [batch, rows, columns, summed].flat();
  for (const letter of new Set([...left, ...right, ...result])) {
    if (!covered.includes(letter))
      throw new RangeError(`einsum: "${letter}" of "${notation}" is in one operand only`);
  }
  const arrange = (x: Tensor, letters: string[], groups: string[][]) =>
    reshape(
      transpose(
        x,
        groups.flat().map((letter) => letters.indexOf(letter)),
      ),
      [...batch.map(size), ...groups.slice(1).map((group) => sizeOf(group.map(size)))],
    );
  const product = matmul(
    arrange(a, left, [batch, rows, summed]),
    arrange(b, right, [batch, summed, columns]),
  );
  const order = [...batch, ...rows, ...columns];
  return transpose(
    reshape(product, order.map(size)),
    result.map((letter) => order.indexOf(letter)),
  );
}

function letterSizes(notation: string, operands: string[][], shapes: Shape[]): (letter: string) => number {
  const sizes = new Map<string, number>();
  operands.forEach((letters, i) => {
    const shape = shapes[i]!;
    if (letters.length !== shape.length || new Set(letters).size !== letters.length) {
      throw new RangeError(
        `einsum: "${letters.join("")}" of "${notation}" does not name the axes of [${shape}]`,
      );
    }
    letters.forEach((letter, axis) => {
      const known = sizes.get(letter);
      if (known !== undefined && known !== shape[axis]) {
        throw new RangeError(`einsum: "${letter}" of "${notation}" is ${known} and ${shape[axis]}`);
      }
      sizes.set(letter, shape[axis]!);
    });
  });
  return (letter) => {
    const known = sizes.get(letter);
    if (known === undefined) throw new RangeError(`einsum: "${letter}" of "${notation}" is in no operand`);
    return known;
  };
}
