// A program: the graph of one call, with the names by which its values are found. A whole training step is one program.
import { inputName } from "./ops/leaf.ts";
import { sameShape, type Tensor, type TensorType, topologicalOrder } from "./tensor.ts";

/**
 * `outputs` are results by name. `updates` give inputs a new value after the call: the pair (old → new) that optimiser
 * states, caches and recurrent states are; every old value is read before any new one is visible.
 */
export interface Program {
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly updates: Readonly<Record<string, Tensor>>;
}

/** A program from its outputs and updates by name; RangeError where names or types collide. */
export function program(outputs: Program["outputs"], updates: Program["updates"] = {}): Program {
  const inputs = programInputs({ outputs, updates });
  for (const [name, value] of Object.entries(updates)) {
    const old = inputs.get(name);
    if (old !== undefined && !(sameShape(old.shape, value.shape) && old.dtype === value.dtype)) {
      throw new RangeError(
        `update of ${name}: ${old.dtype} [${old.shape}] by ${value.dtype} [${value.shape}]`,
      );
    }
    if (name in outputs) throw new RangeError(`"${name}" is both an output and an update`);
  }
  for (const name of Object.keys(outputs)) {
    if (inputs.has(name)) throw new RangeError(`"${name}" is both an input and an output`);
  }
  return { outputs, updates };
}

/** Everything a program computes. */
export function programResults({ outputs, updates }: Program): Tensor[] {
  return [...Object.values(outputs), ...Object.values(updates)];
}

/** The inputs a program reads, by name. Two inputs of one name must be one type. */
export function programInputs(of: Program): Map<string, TensorType> {
  const inputs = new Map<string, TensorType>();
  for (const node of topologicalOrder(programResults(of))) {
    const tensor = node.outputs[0];
    const name = tensor && inputName(tensor);
    if (name === undefined) continue;
    const before = inputs.get(name);
    if (before !== undefined && !(sameShape(before.shape, tensor!.shape) && before.dtype === tensor!.dtype)) {
      throw new RangeError(`input "${name}" is used as [${before.shape}] and as [${tensor!.shape}]`);
    }
    inputs.set(name, { shape: tensor!.shape, dtype: tensor!.dtype });
  }
  return inputs;
}
