// Where a plan's buffers are in the C kernels' spaces.
import { type Buffer, memoryOf } from "../../compiler/plan.ts";
import type { DType } from "../../tensor/tensor.ts";
import { type ElementType, elementType, lineBytes, type Operand, space } from "./writer.ts";

/** What turning a plan into words depends on besides the plan. */
export interface Layout {
  /** Bytes of an f32 value: 4, or 8 in the double build. */
  readonly realBytes: 4 | 8;
  /** How many threads will run it; work is cut to suit them, which changes no result. */
  readonly threads: number;
  /** Index of each external buffer in the binding table. */
  readonly binding: ReadonlyMap<Buffer, number>;
}

export function elementTypeOf(dtype: DType): ElementType {
  return dtype === "f32" ? elementType.real : elementType[dtype];
}

/** The operand that begins `offset` elements into a buffer, with rows `item` elements apart. */
export function operandAt(
  layout: Layout,
  {
    buffer,
    offset,
    steps,
  }: { readonly buffer: Buffer; readonly offset: number; readonly steps: readonly number[] },
  item: number,
): Operand {
  const memory = memoryOf(buffer);
  const at =
    memory.home === "arena"
      ? space.arena
      : memory.home === "local"
        ? space.local
        : space.binding(layout.binding.get(memory)!);
  // Offsets are planned for four-byte reals; twice the room suits every type of the double build.
  const start = memory.home === "external" ? 0 : memory.offset * (layout.realBytes / 4);
  return {
    space: at,
    type: elementTypeOf(buffer.dtype),
    line: start / lineBytes,
    element: offset,
    item,
    step: steps,
  };
}
