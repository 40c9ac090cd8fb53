// The coordinate check tells a parametrisation that transfers over width from one that does not.
import { expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { openMachine } from "../../src/backend/open.ts";
import { RequestError } from "../../src/errors.ts";
import { type CoordinateOptions, coordinateCheck, slopeRange } from "../../src/train/coordinates.ts";
import { defineParametrisation } from "../../src/train/parametrisation/settings.ts";

const architecture = (width: number) =>
  defineArchitecture({
    ...{ vocabulary: 16, length: 8, width, headWidth: 16, heads: width / 16, layers: 2, norm: "rms" },
  });

/** Sixteen tokens in turn, each telling the next. */
const batchAt = (step: number) => {
  const at = (shift: number) => Int32Array.from({ length: 32 }, (_, i) => (5 * i + step + shift) % 16);
  return { inputs: at(0), targets: at(5) };
};

async function check(parametrisation: unknown, widths = [64, 128, 256]) {
  const { machine } = await openMachine({ threads: 1 });
  try {
    const options: CoordinateOptions = {
      ...{ machine, batchAt, rate: 0.001, steps: 3, seeds: [1, 2], batch: 4, length: 8 },
      architectures: widths.map(architecture),
      parametrisation: defineParametrisation(parametrisation),
    };
    return await coordinateCheck(options);
  } finally {
    machine.dispose();
  }
}

test("under muP no activation moves further in wider models, under the standard one some do", async () => {
  const mup = await check({ kind: "mup", baseWidth: 64, zeroHead: true });
  expect(new Set(mup.map(({ name }) => name)).size).toBe(5);
  const flat = slopeRange(mup)!;
  expect(Math.max(-flat.least.slope, flat.most.slope)).toBeLessThan(0.25);
  // A head of zeros passes nothing back to the first step.
  expect(mup.find(({ name, step }) => name === "block.0.gelu.output" && step === 1)!.slope).toBeNull();
  expect(slopeRange(await check("standard"))!.most.slope).toBeGreaterThan(0.5);
});

test("one width has no slope", async () => {
  await expect(check("standard", [32, 32])).rejects.toThrow(RequestError);
});
