// The engine's suite of ops on ONNX, several settings of each with first and second derivatives, and random programs.
import fc from "fast-check";
import { test } from "vitest";
import { opCases } from "../../engine/cases/index.ts";
import { fillIn } from "../../engine/harness.ts";
import { programOf, recipes } from "../../engine/random/program.ts";
import { checkOnnxCase, expectReference } from "./suite.ts";

test.each(opCases)("$name", (of) => checkOnnxCase(of, 10, true));

test("random programs", async () => {
  await fc.assert(
    fc.asyncProperty(recipes, async (recipe) => {
      const program = programOf(recipe);
      await expectReference(program, fillIn(program, 5), 1e-3);
    }),
    { seed: 1, numRuns: 200 },
  );
});
