// Loops: ONNX's Scan over values along their leading axis. Knows no tensor graph.
import {
  type Builder,
  constant,
  createBody,
  freeName,
  nameOf,
  operators,
  type Value,
  whole,
} from "./builder.ts";
import type { OnnxGraph, OnnxValue } from "./format.ts";

export interface Loop {
  readonly length: number;
  /** Before the first step. */
  readonly states: readonly Value[];
  /** [length, …]; each step sees one element. */
  readonly sequences: readonly Value[];
  /** From the last element to the first; outputs stand at the place of their element. */
  readonly reverse?: boolean;
}

/** One step: the next states and what is stacked. What it reads from outside of it, it reads by name. */
export type LoopStep = (
  inner: Builder,
  states: readonly Value[],
  elements: readonly Value[],
) => { readonly states: readonly Value[]; readonly outputs: readonly Value[] };

/** The states after the last step, then the stacked outputs, [length, …] each. */
export function printLoop(builder: Builder, of: Loop, step: LoopStep): Value[] {
  const { length, states, reverse = false } = of;
  const inner = createBody(builder);
  const leaf = ({ type, shape }: Value): OnnxValue => ({ name: freeName(builder, "step"), type, shape });
  const held = states.map(leaf);
  // The operator counts its steps by what it reads.
  const sequences =
    of.sequences.length > 0 ? of.sequences : [constant("i32", [length], new Float64Array(length))];
  const elements = sequences.map(({ type, shape }) => leaf({ type, shape: shape.slice(1) }));
  const result = step(inner, held, elements);
  const next = result.states.map((value, i) => whole(inner, value, states[i]!.shape));
  const written = [...next, ...result.outputs].map((value): OnnxValue => {
    const name = freeName(builder, "Identity");
    inner.nodes.push({
      operator: "Identity",
      inputs: [nameOf(inner, value)],
      outputs: [name],
      attributes: {},
    });
    return { name, type: value.type, shape: value.shape };
  });
  const body: OnnxGraph = {
    name: freeName(builder, "body"),
    nodes: inner.nodes,
    initializers: [],
    inputs: [...held, ...elements],
    outputs: written,
    values: inner.values,
  };
  const directions = (count: number) => new Array<number>(count).fill(reverse ? 1 : 0);
  return operators(
    builder,
    "Scan",
    [...states, ...sequences],
    written.map(({ type, shape }, i) => ({ type, shape: i < states.length ? shape : [length, ...shape] })),
    {
      body,
      num_scan_inputs: sequences.length,
      scan_input_directions: directions(sequences.length),
      ...(result.outputs.length > 0 ? { scan_output_directions: directions(result.outputs.length) } : {}),
    },
  );
}
