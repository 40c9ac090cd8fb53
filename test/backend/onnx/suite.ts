// Programs printed as ONNX, run in onnxruntime-web, and held to the float64 reference.
import fc from "fast-check";
import { expect } from "vitest";
import { createReference } from "../../../src/backend/reference.ts";
import type { Program } from "../../../src/tensor/index.ts";
import { describeMismatch, difference, resultTypes, runOn, type Values } from "../../engine/harness.ts";
import { type Case, caseProgram, disguises } from "../../engine/suite.ts";
import { runProgram } from "./runtime.ts";

const reference = createReference();

/** Fails where a result differs from the reference. */
export async function expectReference(
  program: Program,
  values: Values,
  tolerance: number,
  hint = "",
): Promise<void> {
  const wanted = runOn(reference, program, values);
  const found = await runProgram(program, values);
  for (const [name, { dtype }] of resultTypes(program)) {
    const [actual, expected] = [found.get(name)!, wanted.get(name)!];
    const error = difference(actual, expected, dtype);
    const fault = error > tolerance ? describeMismatch({ name, error, actual, expected }) : undefined;
    expect(fault, hint).toBeUndefined();
  }
}

/** Values, and gradients as far as there are any and they are wanted, on generated settings of a case. */
export async function checkOnnxCase(of: Case, numRuns: number, gradients: boolean): Promise<void> {
  const inputs = fc.tuple(of.settings, fc.constantFrom(...disguises), fc.integer());
  await fc.assert(
    fc.asyncProperty(inputs, async ([setting, kind, seed]) => {
      for (const derivatives of new Set([0, gradients ? of.derivatives : 0] as const)) {
        const { program, values } = caseProgram(setting, { derivatives }, kind, seed);
        const shapes = JSON.stringify(Object.values(values).map(({ shape }) => shape));
        await expectReference(program, values, of.float, `${kind} ${shapes}`);
      }
    }),
    { seed: 11, numRuns, endOnFailure: true },
  );
}
