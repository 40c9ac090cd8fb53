// Products and their packing, from a plan's steps to instructions.
import type { ContractStep, PrepareStep } from "../../compiler/plan.ts";
import {
  type Contraction,
  chooseCut,
  contractionItems,
  contractionOf,
  contractionScratchBytes,
  contractionWords,
  cutIntoGroups,
  packedElements,
  packRows,
  packWords,
  worthPacking,
} from "./contract.ts";
import type { Encoded } from "./kernelEncoder.ts";
import { opcode } from "./opcodes.ts";
import { type Layout, operandAt } from "./place.ts";

const described = (step: ContractStep): Contraction =>
  contractionOf(step.a, step.b, step.output, step.addend);

/** Elements of a packed b, where packing once for all of `groups` calls, or all repetitions of them, pays. */
export function preparedElements(step: ContractStep, groups: number, repeated: boolean): number | undefined {
  const contraction = described(step);
  return worthPacking(contraction, Math.ceil(contraction.rows / groups), repeated)
    ? packedElements(contraction)
    : undefined;
}

/** `groups`: the number of calls where the product runs with its neighbours; undefined where it runs alone. */
export function encodeContraction(
  step: ContractStep,
  layout: Layout,
  groups: number | undefined,
): Encoded & { readonly rowsPerGroup: number } {
  const contraction = described(step);
  const packed = step.prepared !== undefined;
  const cut =
    groups === undefined
      ? chooseCut(contraction, packed, layout.threads)
      : cutIntoGroups(contraction, groups);
  const items = contractionItems(contraction, cut);
  const b = step.prepared ? { buffer: step.prepared, offset: 0, steps: [] } : step.b;
  const instruction = {
    contraction,
    cut,
    packed,
    a: operandAt(layout, step.a, items.a),
    b: operandAt(layout, b, packed ? 0 : items.b),
    output: operandAt(layout, step.output, items.output),
    addend: step.addend && operandAt(layout, step.addend, items.addend),
  };
  return {
    opcode: opcode.contract,
    rows: cut.rows,
    rowsPerGroup: cut.rowsPerGroup,
    scratchBytes: contractionScratchBytes(contraction, packed, layout.realBytes),
    words: (writer) => contractionWords(instruction, writer),
  };
}

export function encodePacking(
  step: PrepareStep,
  layout: Layout,
): Encoded & { readonly rowsPerGroup: number } {
  const [depth, columns] = step.b.shape.slice(-2) as [number, number];
  const instruction = {
    columns,
    depth,
    b: operandAt(layout, step.b, 0),
    packed: operandAt(layout, { buffer: step.output, offset: 0, steps: [] }, 0),
    depthStride: step.b.strides.at(-2)!,
    columnStride: step.b.strides.at(-1)!,
  };
  return {
    opcode: opcode.pack,
    rows: packRows(instruction),
    rowsPerGroup: 1,
    scratchBytes: 0,
    words: (writer) => packWords(instruction, writer),
  };
}
