// Tensors that are only another way to look at one: follows views down to the tensor whose elements really exist.
import { reshapeStrides } from "../tensor/ops/movement.ts";
import { rowMajorStrides, type Strided, sizeOf, type Tensor } from "../tensor/tensor.ts";

/** `tensor` as strides over the row-major elements of `base`. */
export interface Alias {
  readonly base: Tensor;
  readonly view: Strided;
}

/** Leaves inside a loop may already be strided windows: `leafStrides` tells. Memoised: the deepest tensor that strides can express `tensor` over; a view that strides cannot say is its own base. */
export function createAliases(
  leafStrides: (leaf: Tensor) => readonly number[] | undefined,
): (tensor: Tensor) => Alias {
  const known = new Map<Tensor, Alias>();
  const aliasOf = (tensor: Tensor): Alias => {
    const before = known.get(tensor);
    if (before !== undefined) return before;
    const strides = leafStrides(tensor) ?? rowMajorStrides(tensor.shape);
    let alias: Alias = { base: tensor, view: { shape: tensor.shape, offset: 0, strides } };
    if (tensor.node.op.lowering === "view") {
      const inner = aliasOf(tensor.node.inputs[0]!);
      const view = tensor.node.op.view?.(inner.view, tensor.node.attributes);
      if (view !== undefined) alias = { base: inner.base, view };
    }
    known.set(tensor, alias);
    return alias;
  };
  return aliasOf;
}

/** Whether the view is all elements of its base in row-major order. */
export function isIdentity(view: Strided, baseElements: number): boolean {
  if (sizeOf(view.shape) !== baseElements || view.offset !== 0) return false;
  const flat = reshapeStrides(view, [baseElements]);
  return flat !== undefined && (baseElements <= 1 || flat.strides[0] === 1);
}

/** For a view that repeats each of its base's elements `length` times in a row: that length; otherwise undefined. */
export function columnLength(view: Strided, baseElements: number): number | undefined {
  const elements = sizeOf(view.shape);
  if (view.offset !== 0 || baseElements === 0 || elements <= baseElements || elements % baseElements !== 0)
    return undefined;
  const length = elements / baseElements;
  const flat = reshapeStrides(view, [baseElements, length]);
  const fits = flat !== undefined && flat.strides[1] === 0 && (baseElements === 1 || flat.strides[0] === 1);
  return fits ? length : undefined;
}

/** For a view [C, K] that reads a row-major [K, C] base column by column: C; otherwise undefined. */
export function transposedLength(view: Strided, summed: number, baseElements: number): number | undefined {
  const elements = sizeOf(view.shape);
  if (view.offset !== 0 || elements !== baseElements || summed <= 1) return undefined;
  const length = elements / summed;
  const flat = reshapeStrides(view, [length, summed]);
  const fits = flat !== undefined && flat.strides[1] === length && (length === 1 || flat.strides[0] === 1);
  return fits ? length : undefined;
}
