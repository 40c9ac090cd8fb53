// The oracle: every node in float64 by the definition its op gives, one after the other. Short and slow.
import { setImmediate as eventLoop } from "node:timers/promises";
import { evaluate } from "../tensor/evaluate.ts";
import { type Program, programInputs, programResults } from "../tensor/program.ts";
import { type NdArray, sameShape, sizeOf, type TensorType } from "../tensor/tensor.ts";
import type { Executable, Machine, Store } from "./machine.ts";

export { evaluate };

class ReferenceStore implements Store {
  readonly #values = new Map<string, { type: TensorType; data: Float64Array }>();

  allocate(name: string, type: TensorType): void {
    const before = this.#values.get(name);
    if (before === undefined) this.#values.set(name, { type, data: new Float64Array(sizeOf(type.shape)) });
    else if (!sameShape(before.type.shape, type.shape) || before.type.dtype !== type.dtype) {
      throw new RangeError(
        `"${name}" is ${before.type.dtype} [${before.type.shape}], not ${type.dtype} [${type.shape}]`,
      );
    }
  }
  type(name: string): TensorType | undefined {
    return this.#values.get(name)?.type;
  }
  names(): string[] {
    return [...this.#values.keys()];
  }
  write(name: string, values: ArrayLike<number>): void {
    this.read(name).set(values);
  }
  read(name: string): Float64Array {
    const value = this.#values.get(name);
    if (value === undefined) throw new RangeError(`the store holds no "${name}"`);
    return value.data;
  }
  release(name: string): void {
    this.#values.delete(name);
  }
}

function runProgram(program: Program, store: Store): void {
  const inputs: Record<string, NdArray> = {};
  for (const [name, { shape, dtype }] of programInputs(program)) {
    const type = store.type(name);
    if (type === undefined || type.dtype !== dtype || !sameShape(type.shape, shape)) {
      throw new RangeError(
        `input "${name}": expected ${dtype} [${shape}], the store has ${type ? `${type.dtype} [${type.shape}]` : "none"}`,
      );
    }
    inputs[name] = { shape, data: Float64Array.from(store.read(name)) };
  }
  const results = programResults(program);
  const values = evaluate(results, inputs);
  [...Object.keys(program.outputs), ...Object.keys(program.updates)].forEach((name, i) => {
    store.allocate(name, results[i]!);
    store.write(name, values[i]!.data);
  });
}

/** The float64 reference backend. */
export function createReference(): Machine {
  return {
    name: "reference",
    threads: 1,
    createStore: () => new ReferenceStore(),
    load: (program: Program): Executable => ({
      run: async (store) => {
        await eventLoop(); // else nobody gets a turn between one program and the next
        runProgram(program, store);
      },
      runSync: (store) => runProgram(program, store),
      dispose: () => {},
    }),
    dispose: () => {},
  };
}
