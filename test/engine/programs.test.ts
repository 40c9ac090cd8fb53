// One list of programs over all machines: results after several runs on the same store, against the reference.
import { beforeAll, describe, expect, test } from "vitest";
import { planFaults } from "../compiler/checkPlan.ts";
import { programCases } from "./cases/programs.ts";
import { expectReference, fillIn, native } from "./harness.ts";

const machines = [
  { name: "native, double", double: true, tolerance: 1e-10 },
  { name: "native, float", double: false, tolerance: 1e-4 },
] as const;

describe.each(machines)("$name", ({ double, tolerance }) => {
  beforeAll(async () => void (await native(double)), 300_000); // compiles the kernels where they are not kept

  test.each(programCases)("$name", async ({ make, values }) => {
    const machine = await native(double);
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
