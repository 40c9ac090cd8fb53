// The programs of the engine's suite on ONNX: updates, states, loops, whole training steps.
import { test } from "vitest";
import { programCases } from "../../engine/cases/programs.ts";
import { fillIn } from "../../engine/harness.ts";
import { expectReference } from "./suite.ts";

test.each(programCases)("$name", async ({ make, values }) => {
  const program = make();
  await expectReference(program, fillIn(program, 3, values), 1e-4);
});
