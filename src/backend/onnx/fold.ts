// What is known of a graph when its file is made: constants, and what is computed of constants alone, in float64. Knows
// no operator.
import { broadcastShapes } from "../../tensor/ops/elementwise.ts";
import type { FillAttributes, IotaAttributes } from "../../tensor/ops/leaf.ts";
import { gatherStrided } from "../../tensor/ops/movement.ts";
import {
  type NdArray,
  type Node,
  rowMajorStrides,
  type Shape,
  sameShape,
  sizeOf,
} from "../../tensor/tensor.ts";
import { carrier, constant, type Value } from "./builder.ts";

/** Constants of at most so many elements are computed when the file is made; what would be larger, by its reader. */
const MOST_FOLDED = 1 << 16;

/** The values of a node that are known now; constants that repeat one number or count are kept small. */
export function fold(node: Node, inputs: readonly Value[]): readonly Value[] | undefined {
  const { op, attributes, outputs } = node;
  const type = carrier(outputs[0]!.dtype);
  switch (op.name) {
    case "fill":
      return [constant(type, [], [(attributes as FillAttributes).value])];
    case "iota": {
      const { shape, axis } = attributes as IotaAttributes;
      if (shape[axis]! > MOST_FOLDED) return undefined;
      const counts = Float64Array.from({ length: shape[axis]! }, (_, i) => i);
      return [
        constant(
          type,
          shape.map((size, i) => (i === axis ? size : 1)),
          counts,
        ),
      ];
    }
    case "literal": {
      const [literal] = op.evaluate!([], attributes, outputs);
      return [constant(type, literal!.shape, literal!.data)];
    }
    default:
      break;
  }
  if (op.evaluate === undefined || inputs.some((value) => value.data === undefined)) return undefined;
  const isElementwise = op.lowering === "elementwise";
  const common = isElementwise
    ? broadcastShapes(
        op.name,
        inputs.map((value) => value.shape),
      )
    : [];
  const shapes = node.inputs.map(({ shape }) => (isElementwise ? common : shape));
  const types = isElementwise ? [{ shape: common, dtype: outputs[0]!.dtype }] : outputs;
  if ([...shapes, ...types.map(({ shape }) => shape)].some((shape) => sizeOf(shape) > MOST_FOLDED))
    return undefined;
  const operands = inputs.map((value, i) => spread(value, shapes[i]!));
  return op
    .evaluate(operands, attributes, types)
    .map(({ shape, data }, i) => constant(carrier(outputs[i]!.dtype), shape, data));
}

/** A constant with all elements of a shape. */
function spread({ shape, data }: Value, full: Shape): NdArray {
  if (sameShape(shape, full)) return { shape, data: data! };
  const own = rowMajorStrides(shape);
  const added = full.length - shape.length;
  const strides = full.map((size, axis) =>
    axis < added || shape[axis - added] !== size ? 0 : own[axis - added]!,
  );
  return { shape: full, data: gatherStrided(data!, { shape: full, offset: 0, strides }) };
}
