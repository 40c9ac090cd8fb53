// A scan as a loop: carries are its states, the body is printed inside it, constants are read from outside.
import { lower } from "../../compiler/lower.ts";
import { inputName } from "../../tensor/ops/leaf.ts";
import type { ScanAttributes } from "../../tensor/ops/scan.ts";
import type { Node, Tensor } from "../../tensor/tensor.ts";
import { type Builder, carrier, type Value, whole } from "./builder.ts";
import { printLoop } from "./loop.ts";

/** Prints a graph whose inputs `bind` gives. */
export type PrintGraph = (
  builder: Builder,
  results: readonly Tensor[],
  bind: (name: string) => Value,
) => Value[];

/** Stacked outputs that are not in `read` are left out. */
export function printScan(
  builder: Builder,
  node: Node,
  inputs: readonly Value[],
  read: ReadonlySet<Tensor>,
  print: PrintGraph,
): readonly Value[] {
  const { body, carries, sequences, length, reverse } = node.attributes as ScanAttributes;
  const kept = body.outputs.map((_, i) => i).filter((i) => i < carries || read.has(node.outputs[i]!));
  const absent = node.outputs.map(({ dtype, shape }): Value => ({ type: carrier(dtype), shape }));
  if (kept.length === 0) return absent;
  const moving = inputs
    .slice(0, carries + sequences)
    .map((value, i) => whole(builder, value, node.inputs[i]!.shape));
  const loop = { length, states: moving.slice(0, carries), sequences: moving.slice(carries), reverse };
  const found = printLoop(builder, loop, (inner, states, elements) => {
    const leaves = [...states, ...elements.slice(0, sequences), ...inputs.slice(carries + sequences)];
    const bound = new Map(body.inputs.map((leaf, i) => [inputName(leaf)!, leaves[i]!]));
    const steps = lower(
      kept.map((i) => body.outputs[i]!),
      { supports: () => false },
    );
    const values = print(inner, steps, (name) => bound.get(name)!).map((value, i) =>
      whole(inner, value, steps[i]!.shape),
    );
    return { states: values.slice(0, carries), outputs: values.slice(carries) };
  });
  return absent.map((value, i) => found[kept.indexOf(i)] ?? value);
}
