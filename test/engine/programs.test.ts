// One list of programs over all machines: results after several runs on the same store, against the reference.
import { beforeAll, describe, expect, test } from "vitest";
import { planFaults } from "../compiler/checkPlan.ts";
import { programCases } from "./cases/programs.ts";
import { expectReference, fillIn, native, wasm, wasmFlavours } from "./harness.ts";

const machines = [
  { name: "native, double", start: () => native(true), tolerance: 1e-10 },
  { name: "native, float", start: () => native(false), tolerance: 1e-4 },
  ...wasmFlavours.map((relaxed) => ({
    name: relaxed ? "wasm, relaxed" : "wasm",
    start: () => wasm(relaxed),
    tolerance: 1e-4,
  })),
];

describe.each(machines)("$name", ({ start, tolerance }) => {
  beforeAll(async () => void (await start()), 300_000); // compiles the kernels where they are not kept

  test.each(programCases)("$name", async ({ make, values }) => {
    const machine = await start();
    const built = make();
    const given = fillIn(built, 3, values);
    expectReference(machine, built, given, tolerance, 1);
    expectReference(machine, built, given, tolerance, 3);
  });
});

test.each(programCases)("plan: $name", async ({ make }) => {
  const executable = (await native(true)).load(make());
  expect(planFaults(executable.plan, executable.encoded)).toEqual([]);
  executable.dispose();
});
