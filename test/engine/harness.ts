// Runs programs on machines and holds their results to the reference. Knows no op.
import { expect } from "vitest";
import type { Machine, NumericArray } from "../../src/backend/machine.ts";
import { createNative, type NativeMachine } from "../../src/backend/native/index.ts";
import { createReference } from "../../src/backend/reference.ts";
import { createWasm, type WasmMachine } from "../../src/backend/wasm/index.ts";
import { hasRelaxedSimd } from "../../src/backend/wasm/module.ts";
import {
  type DType,
  isFloat,
  type Program,
  programInputs,
  programResults,
  type TensorType,
} from "../../src/tensor/index.ts";
import { generator, uniformValue, type Value, wholeValue } from "../tensor/harness.ts";
import { decode, encode } from "./storage.ts";

export type Values = Readonly<Record<string, Value>>;

const reference = createReference();
const machines = new Map<string, Promise<NativeMachine>>();

/** The native machine of these options, made once. */
export function native(double: boolean, threads = 2): Promise<NativeMachine> {
  const key = `${double} ${threads}`;
  const machine = machines.get(key) ?? createNative({ double, threads });
  machines.set(key, machine);
  return machine;
}

const wasmMachines = new Map<string, Promise<WasmMachine>>();

/** The wasm machine of these options, made once. */
export function wasm(relaxed: boolean, threads = 2): Promise<WasmMachine> {
  const key = `${relaxed} ${threads}`;
  const machine = wasmMachines.get(key) ?? createWasm({ relaxed, threads });
  wasmMachines.set(key, machine);
  return machine;
}

/** The flavours of the wasm backend that this Node can run. */
export const wasmFlavours: readonly boolean[] = hasRelaxedSimd() ? [false, true] : [false];

/** Results by name after `runs` runs on fresh values. Values that the program does not give must be left as they are. */
export function runOn(
  machine: Machine,
  program: Program,
  values: Values,
  runs = 1,
): Map<string, Float64Array> {
  const store = machine.createStore();
  const asBits = machine.name !== "reference"; // sixteen-bit floats
  const before = new Map<string, NumericArray>();
  for (const [name, { shape, dtype, data }] of Object.entries(values)) {
    store.allocate(name, { shape, dtype });
    store.write(name, asBits ? encode(data, dtype) : data);
    before.set(name, store.read(name).slice());
  }
  const executable = machine.load(program);
  for (let i = 0; i < runs; i++) executable.runSync(store);
  executable.dispose();
  const results = new Map<string, Float64Array>();
  for (const [name, { dtype }] of resultTypes(program)) {
    const found = store.read(name);
    results.set(name, asBits ? decode(found, dtype) : Float64Array.from(found));
  }
  for (const [name, value] of before) {
    const after = store.read(name);
    if (!results.has(name) && after.some((x, i) => !Object.is(x, value[i]))) {
      throw new Error(`the run changed its input "${name}"`);
    }
  }
  for (const name of store.names()) store.release(name);
  return results;
}

export function resultTypes(program: Program): Map<string, TensorType> {
  const names = [...Object.keys(program.outputs), ...Object.keys(program.updates)];
  return new Map(programResults(program).map((tensor, i) => [names[i]!, tensor]));
}

/** Random values for the inputs of a program that `given` does not have. */
export function fillIn(program: Program, seed: number, given: Values = {}): Values {
  const random = generator(seed);
  const values: Record<string, Value> = { ...given };
  for (const [name, { shape, dtype }] of programInputs(program))
    values[name] ??= randomValue(random, shape, dtype);
  return values;
}

export function randomValue(random: () => number, shape: readonly number[], dtype: DType): Value {
  if (dtype === "f32") {
    const value = uniformValue(random, shape, -1.5, 1.5);
    return { ...value, data: value.data.map(Math.fround) };
  }
  if (isFloat(dtype)) return { ...wholeValue(random, shape, -40, 40), dtype };
  if (dtype === "i32") return wholeValue(random, shape, -5, 20);
  return { ...wholeValue(random, shape, 0, dtype === "bool" ? 2 : 1e6), dtype };
}

/** Largest difference relative to the largest expected magnitude; infinite where NaN, infinities or integers differ. */
export function difference(actual: Float64Array, expected: Float64Array, dtype: DType): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let scale = 0.01;
  for (const e of expected) if (Number.isFinite(e)) scale = Math.max(scale, Math.abs(e));
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const [a, e] = [actual[i]!, expected[i]!];
    if (a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    const error = isFloat(dtype) ? Math.abs(a - e) / scale : Number.POSITIVE_INFINITY;
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
  }
  return worst;
}

export interface Mismatch {
  readonly name: string;
  readonly error: number;
  readonly actual: Float64Array;
  readonly expected: Float64Array;
}

/** The first result that differs from the reference by more than `tolerance`. */
export function mismatch(
  machine: Machine,
  program: Program,
  values: Values,
  tolerance: number,
  runs = 1,
): Mismatch | undefined {
  const wanted = runOn(reference, program, values, runs);
  const found = runOn(machine, program, values, runs);
  for (const [name, { dtype }] of resultTypes(program)) {
    const [actual, expected] = [found.get(name)!, wanted.get(name)!];
    const error = difference(actual, expected, dtype);
    if (error > tolerance) return { name, error, actual, expected };
  }
  return undefined;
}

export function describeMismatch({ name, error, actual, expected }: Mismatch): string {
  const first = expected.findIndex(
    (e, i) => e !== actual[i] && !(Number.isNaN(e) && Number.isNaN(actual[i])),
  );
  const part = (x: Float64Array) =>
    Array.from(x.subarray(first, first + 6), (v) => v.toPrecision(6)).join(" ");
  return `"${name}" differs by ${error} from [${first}] on: ${part(actual)}, expected ${part(expected)}`;
}

/** Fails where a result differs from the reference. */
export function expectReference(
  machine: Machine,
  program: Program,
  values: Values,
  tolerance: number,
  runs = 1,
): void {
  const found = mismatch(machine, program, values, tolerance, runs);
  expect(found && describeMismatch(found)).toBeUndefined();
}
