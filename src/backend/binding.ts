// Which memory a plan's external buffers are, run by run: the caller's named values and the plan's own literals. Knows no
// backend.
import type { Plan } from "../compiler/plan.ts";
import { type Program, programInputs, programResults } from "../tensor/program.ts";
import { sameShape, type TensorType } from "../tensor/tensor.ts";
import type { BlockStore } from "./store.ts";

export interface Binding<Address> {
  readonly plan: Plan;
  /** The plan's literals, by the names of their bindings. */
  readonly literals: BlockStore<Address>;
  readonly inputs: ReadonlyMap<string, TensorType>;
  readonly results: ReadonlyMap<string, TensorType>;
}

/** @param literals an empty store of the plan's own, filled here */
export function planBinding<Address>(
  program: Program,
  plan: Plan,
  literals: BlockStore<Address>,
): Binding<Address> {
  for (const { name, literal, dtype, elements } of plan.bindings) {
    if (literal === undefined || name === undefined) continue;
    literals.allocate(name, { shape: [elements], dtype });
    literals.write(name, literal);
  }
  const names = [...Object.keys(program.outputs), ...Object.keys(program.updates)];
  const results = new Map(programResults(program).map((tensor, i) => [names[i]!, tensor]));
  return { plan, literals, inputs: programInputs(program), results };
}

/**
 * Makes room for results and fills the table of addresses, one for each of the plan's bindings.
 * @throws RangeError when an input is missing or of another type, WorkError when there is no memory.
 */
export function bindStore<Address>(
  { plan, literals, inputs, results }: Binding<Address>,
  store: BlockStore<Address>,
  table: { [index: number]: Address },
): void {
  for (const [name, expected] of inputs) {
    const type = store.type(name);
    if (type === undefined || type.dtype !== expected.dtype || !sameShape(type.shape, expected.shape)) {
      const found = type === undefined ? "none" : `${type.dtype} [${type.shape}]`;
      throw new RangeError(
        `input "${name}": expected ${expected.dtype} [${expected.shape}], the store has ${found}`,
      );
    }
  }
  for (const [name, type] of results) store.allocate(name, type);
  plan.bindings.forEach(({ name, literal }, i) => {
    table[i] = (literal === undefined ? store : literals).address(name!);
  });
}
