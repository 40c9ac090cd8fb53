// Values that come from outside a graph: named inputs, literals, fills and counters.
import { apply, type DType, type Op, type Shape, sizeOf, type Tensor } from "../tensor.ts";

export interface InputAttributes {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
}

const inputOp: Op<InputAttributes> = {
  name: "input",
  lowering: "leaf",
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  gradient: () => [],
  flops: () => 0,
};

/** A value bound by name at run time: a weight, a batch, a state, a run-time scalar. */
export function input(name: string, shape: Shape, dtype: DType = "f32"): Tensor {
  return apply(inputOp, [], { name, shape, dtype });
}

/** The name of an input tensor, or undefined for any other. */
export function inputName(tensor: Tensor): string | undefined {
  return tensor.node.op.name === "input" ? (tensor.node.attributes as InputAttributes).name : undefined;
}

export interface LiteralAttributes {
  readonly values: Float64Array;
  readonly shape: Shape;
  readonly dtype: DType;
}

const literalOp: Op<LiteralAttributes> = {
  name: "literal",
  lowering: "leaf",
  infer: (_, { shape, dtype, values }) => {
    if (sizeOf(shape) !== values.length) {
      throw new RangeError(`literal: ${values.length} values for shape [${shape}]`);
    }
    return [{ shape, dtype }];
  },
  evaluate: (_, { values, shape }) => [{ shape, data: values }],
  gradient: () => [],
  flops: () => 0,
};

/** A small array known when the graph is built. */
export function literal(values: ArrayLike<number>, shape: Shape, dtype: DType = "f32"): Tensor {
  return apply(literalOp, [], { values: Float64Array.from(values), shape, dtype });
}

export interface FillAttributes {
  readonly value: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

const fillOp: Op<FillAttributes> = {
  name: "fill",
  lowering: "fill",
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  evaluate: (_, { value, shape }) => [{ shape, data: new Float64Array(sizeOf(shape)).fill(value) }],
  gradient: () => [],
  flops: () => 0,
};

/** One value everywhere; a scalar by default. */
export function fill(value: number, shape: Shape = [], dtype: DType = "f32"): Tensor {
  return apply(fillOp, [], { value, shape, dtype });
}

/** The value of a fill, or undefined for any other tensor. */
export function fillValue(tensor: Tensor): number | undefined {
  return tensor.node.op.name === "fill" ? (tensor.node.attributes as FillAttributes).value : undefined;
}

export interface IotaAttributes {
  readonly shape: Shape;
  readonly axis: number;
  readonly dtype: DType;
}

const iotaOp: Op<IotaAttributes> = {
  name: "iota",
  lowering: "iota",
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  evaluate: (_, { shape, axis }) => {
    const data = new Float64Array(sizeOf(shape));
    const inner = sizeOf(shape.slice(axis + 1));
    for (let i = 0; i < data.length; i++) data[i] = Math.floor(i / inner) % shape[axis]!;
    return [{ shape, data }];
  },
  gradient: () => [],
  flops: () => 0,
};

/** The index along `axis`, at every place of `shape`. */
export function iota(shape: Shape, axis: number, dtype: DType = "i32"): Tensor {
  return apply(iotaOp, [], { shape, axis: axis < 0 ? axis + shape.length : axis, dtype });
}
