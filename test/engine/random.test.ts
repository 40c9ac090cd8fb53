// Random programs: the double build against the reference, and every plan followed element by element.
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { planFaults } from "../compiler/checkPlan.ts";
import { describeMismatch, fillIn, mismatch, native, wasm, wasmFlavours } from "./harness.ts";
import { programOf, recipes } from "./random/program.ts";

beforeAll(async () => void (await native(true)), 300_000); // compiles the kernels where they are not kept

test.each([1, 2, 3])(
  "seed %i",
  async (seed) => {
    const machine = await native(true);
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(recipes, async (recipe) => {
        // Memory of earlier programs goes when nobody waits.
        if (runs++ % 50 === 0) await new Promise((resume) => setTimeout(resume, 1));
        const program = programOf(recipe);
        const found = mismatch(machine, program, fillIn(program, 5), 1e-9);
        expect(found && describeMismatch(found)).toBeUndefined();
        const executable = machine.load(program);
        const faults = planFaults(executable.plan, executable.encoded);
        executable.dispose();
        expect(faults).toEqual([]);
      }),
      { seed, numRuns: 200 },
    );
  },
  120_000,
);

// In single precision steps and comparisons may fall on the other side, so the bound is wide; what it finds is memory
// that is read or written in the wrong place.
test.each(wasmFlavours)("wasm, relaxed: %s", async (relaxed) => {
  const machine = await wasm(relaxed);
  await fc.assert(
    fc.asyncProperty(recipes, async (recipe) => {
      const program = programOf(recipe);
      const found = mismatch(machine, program, fillIn(program, 5), 1e-3);
      expect(found && describeMismatch(found)).toBeUndefined();
    }),
    { seed: 1, numRuns: 200, endOnFailure: true },
  );
});
