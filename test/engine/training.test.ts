// Whole training steps of small decoders: against the reference, and their plans followed element by element.
import { beforeAll, expect, test } from "vitest";
import { planFaults } from "../compiler/checkPlan.ts";
import { expectReference, native, wasm, wasmFlavours } from "./harness.ts";
import { trainingProgram, trainings } from "./training.ts";

beforeAll(async () => {
  for (const double of [true, false]) await native(double); // compiles the kernels where they are not kept
}, 300_000);

test.each(trainings)("$name", async (of) => {
  const { program, values } = trainingProgram(of);
  const machine = await native(true);
  expectReference(machine, program, values, 1e-9);
  expectReference(await native(false), program, values, 1e-3);
  for (const relaxed of wasmFlavours) expectReference(await wasm(relaxed), program, values, 1e-3);
  const executable = machine.load(program);
  expect(planFaults(executable.plan, executable.encoded)).toEqual([]);
  executable.dispose();
});
