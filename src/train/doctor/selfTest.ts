// Holds a machine to the reference on the fixed programs of the self-test. Knows no backend by name.
import type { Machine } from "../../backend/machine.ts";
import { createReference } from "../../backend/reference.ts";
import { createRandom } from "../../data/random.ts";
import { WorkError } from "../../errors.ts";
import { type Program, programInputs, programResults } from "../../tensor/program.ts";
import { type DType, isFloat, sizeOf } from "../../tensor/tensor.ts";
import { type SelfTestProgram, selfTestPrograms } from "./programs.ts";

/** How one program of the self-test went. */
export interface SelfTest {
  readonly name: string;
  readonly passed: boolean;
  /** Largest error of any result, relative to that result's largest value; null where whole numbers or NaN differ. */
  readonly error: number | null;
  /** The largest error that passes. */
  readonly tolerance: number;
  /** The result that was farthest from the reference, or the error that ended the run. */
  readonly where: string;
}

type Results = ReadonlyMap<string, { readonly dtype: DType; readonly data: Float64Array }>;

/** The self-test; the reference's results are computed once for all machines that are held to them. */
export function createSelfTest(of: readonly SelfTestProgram[] = selfTestPrograms) {
  const reference = createReference();
  const prepared = of.map((test) => {
    const built = test.program();
    let wanted: Results | undefined;
    return async (machine: Machine): Promise<SelfTest> => {
      wanted ??= await run(reference, built, test);
      const { name, tolerance } = test;
      try {
        const { error, where } = farthest(await run(machine, built, test), wanted);
        return {
          name,
          passed: error <= tolerance,
          error: Number.isFinite(error) ? error : null,
          tolerance,
          where,
        };
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error);
        return { name, passed: false, error: null, tolerance, where: said };
      }
    };
  });
  return {
    /** Runs program after program on a machine; ends early, without a result, where `signal` is aborted. */
    async *run(machine: Machine, signal?: AbortSignal): AsyncGenerator<SelfTest, void, undefined> {
      for (const test of prepared) {
        // The event loop gets a turn, so that an interrupt is noticed.
        await new Promise((resume) => setImmediate(resume));
        if (signal?.aborted) return;
        yield await test(machine);
      }
    },
  };
}

async function run(machine: Machine, of: Program, test: SelfTestProgram): Promise<Results> {
  const store = machine.createStore();
  const executable = machine.load(of);
  try {
    let stream = 0;
    for (const [name, type] of programInputs(of)) {
      store.allocate(name, type);
      const [low, high] = test.ranges?.[name] ?? [-1, 1];
      const values =
        test.values?.[name] ?? drawn(sizeOf(type.shape), low, high, isFloat(type.dtype), stream++);
      store.write(name, values);
    }
    await executable.run(store);
    const results = programResults(of);
    const names = [...Object.keys(of.outputs), ...Object.keys(of.updates)];
    return new Map(
      names.map((name, i) => [name, { dtype: results[i]!.dtype, data: Float64Array.from(store.read(name)) }]),
    );
  } finally {
    executable.dispose();
    for (const name of store.names()) store.release(name);
  }
}

/** Numbers that f32 holds exactly, the same at every call. */
function drawn(size: number, low: number, high: number, real: boolean, stream: number): number[] {
  const random = createRandom(0, stream);
  return Array.from({ length: size }, (_, i) => {
    const value = low + (high - low) * random.uniform(i);
    return real ? Math.fround(value) : Math.floor(value);
  });
}

/** The result with the largest error. */
function farthest(found: Results, wanted: Results): { error: number; where: string } {
  let worst = { error: 0, where: "" };
  for (const [name, { dtype, data: expected }] of wanted) {
    const actual = found.get(name)?.data;
    if (actual === undefined || actual.length !== expected.length) throw new WorkError(`no result "${name}"`);
    const error = difference(actual, expected, isFloat(dtype));
    if (error >= worst.error) worst = { error, where: name };
  }
  return worst;
}

/** Largest difference relative to the largest expected magnitude; infinite where NaN or whole numbers differ. */
function difference(actual: Float64Array, expected: Float64Array, real: boolean): number {
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    if (error === 0) continue;
    if (!real || !Number.isFinite(error)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, error / scale);
  }
  return worst;
}
