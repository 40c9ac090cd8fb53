// Writes programs as recordings for src/kernels/replay.c: the plan's tape, its values before and after a run.
import type { NumericArray } from "../../src/backend/machine.ts";
import type { NativeMachine } from "../../src/backend/native/index.ts";
import { type RecordedBinding, writeRecording } from "../../src/backend/native/recording.ts";
import type { Program } from "../../src/tensor/index.ts";
import type { Values } from "./harness.ts";
import { encode } from "./storage.ts";

/** Runs a program once and records it with what it left behind, to be met within `tolerance`. */
export function recordProgram(
  path: string,
  machine: NativeMachine,
  program: Program,
  values: Values,
  tolerance: number,
): void {
  const { realBytes } = machine.library;
  const store = machine.createStore();
  for (const [name, { shape, dtype, data }] of Object.entries(values)) {
    store.allocate(name, { shape, dtype });
    store.write(name, encode(data, dtype));
  }
  const executable = machine.load(program);
  const { plan, encoded } = executable;
  const held = plan.bindings.map(({ name, literal, elements, dtype }): NumericArray => {
    if (literal !== undefined) return typed(literal, dtype, realBytes);
    return store.type(name!) === undefined
      ? typed(new Float64Array(elements), dtype, realBytes)
      : store.read(name!).slice();
  });
  executable.runSync(store);
  const bindings = plan.bindings.map(({ name, literal, dtype }, i): RecordedBinding => {
    const initial = held[i]!;
    const expected = literal === undefined ? store.read(name!).slice() : initial;
    return { dtype, initial, expected, ...(dtype === "f32" ? { tolerance } : {}) };
  });
  const { arenaBytes, localBytes, scratchBytes, words: tape } = encoded;
  writeRecording(path, { realBytes, tape, arenaBytes, localBytes, scratchBytes, bindings });
  executable.dispose();
  for (const name of store.names()) store.release(name);
}

function typed(values: Float64Array, dtype: RecordedBinding["dtype"], realBytes: 4 | 8): NumericArray {
  switch (dtype) {
    case "f32":
      return realBytes === 8 ? Float64Array.from(values) : Float32Array.from(values);
    case "i32":
      return Int32Array.from(values);
    case "u32":
      return Uint32Array.from(values);
    case "bool":
      return Uint8Array.from(values);
    case "f16":
    case "bf16":
      return Uint16Array.from(encode(values, dtype));
  }
}
