import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Machine } from "../../src/backend/machine.ts";
import { createNative } from "../../src/backend/native/index.ts";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError, WorkError } from "../../src/errors.ts";
import { linearMap } from "../../src/nn/linear.ts";
import { definePrimitive } from "../../src/nn/primitive.ts";
import { prepareCell, timePrimitive, tokensOfStep } from "../../src/train/benchmarkCell.ts";
import { primitiveCases } from "../../src/train/benchmarkPrimitives.ts";

const cases = primitiveCases();
const caseOf = (name: string) => cases.find((of) => of.name === name)!;
const options = { repeats: 2, seed: 0 };

let native: Machine;
beforeAll(async () => {
  native = await createNative({ threads: 2 });
});
afterAll(() => native.dispose());

describe("timePrimitive", () => {
  it.each(cases.map(({ name }) => name))("times %s on the native backend", async (name) => {
    const timing = await timePrimitive(native, prepareCell(caseOf(name), 64, 8, 32), options);
    expect(timing).toMatchObject({ name, width: 64, length: 8, batch: 4 });
    expect(timing.times).toHaveLength(2);
    expect(timing.median).toBe((timing.times[0]! + timing.times[1]!) / 2);
    expect(timing.tokensPerSecond).toBeCloseTo(32e3 / timing.median, 6);
    expect(timing.gflops).toBeCloseTo(timing.usefulFlopsPerToken * timing.tokensPerSecond * 1e-9, 9);
    expect(timing.memory!.arenaBytes).toBeGreaterThan(0);
    expect(timing.planMs).toBeGreaterThan(0);
  });

  it("computes the gradients of the input and of every parameter", async () => {
    const { memory } = await timePrimitive(native, prepareCell(caseOf("gelu"), 64, 8, 32), options);
    const parameters = 64 + 2 * 64 * 256;
    // Input, output and a gradient of either; parameters and their gradients; the scale of the norm is one of them.
    expect(memory!.storeBytes).toBe(4 * (4 * 32 * 64 + 2 * parameters));
  });

  it("runs on a backend that plans no memory", async () => {
    const timing = await timePrimitive(createReference(), prepareCell(caseOf("min-gru"), 16, 4, 8), options);
    expect(timing.memory).toBeNull();
    expect(timing.usefulFlopsPerToken).toBe(3 * (4 * 16 * 16 + 4 * 16));
    expect(timing.countedBy).toBe("4d² + 4d");
  });

  it("counts the graph of a primitive without a formula", async () => {
    const map = definePrimitive({
      name: "map",
      settings: {},
      resolve: (settings) => settings,
      causal: () => true,
      apply: (_, { width, standardDeviation }, scope, x) =>
        linearMap(scope, x, { width, bias: false, standardDeviation }),
    });
    const of = primitiveCases(new Map([["map", map]])).at(-1)!;
    const timing = await timePrimitive(createReference(), prepareCell(of, 16, 4, 8), options);
    expect(timing).toMatchObject({ countedBy: "graph", usefulFlopsPerToken: 3 * 2 * 16 * 16, settings: {} });
  });

  it("refuses what needs more memory than it may take", async () => {
    const timing = timePrimitive(native, prepareCell(caseOf("gelu"), 64, 8, 32), {
      ...options,
      memory: 100_000,
    });
    await expect(timing).rejects.toThrow(WorkError);
    await expect(timing).rejects.toThrow(/^gelu at width 64, length 8, batch 4 needs .* may take 97\.7 KiB/);
    // Without a plan where the values alone are too many.
    for (const cell of [prepareCell(caseOf("lstm"), 2e9, 128), prepareCell(caseOf("gelu"), 64, 128, 1e12)]) {
      await expect(timePrimitive(native, cell, options)).rejects.toThrow(WorkError);
    }
  });
});

describe("prepareCell", () => {
  it("takes 16,384 tokens a step up to length 128, 8,192 beyond, and a sequence at least", () => {
    expect([8, 128, 129, 2048].map(tokensOfStep)).toEqual([16_384, 16_384, 8_192, 8_192]);
    const batch = (length: number) => prepareCell(caseOf("gelu"), 64, length).cell.batch;
    expect([128, 2048, 8192, 10_000].map(batch)).toEqual([128, 4, 1, 1]);
  });

  it("refuses a width that the primitive cannot have", () => {
    expect(() => prepareCell(caseOf("attention"), 200, 8)).toThrow(RequestError);
    expect(() => prepareCell(caseOf("attention"), 200, 8)).toThrow(
      "attention at width 200, length 8: width 200 is not divisible by heads 3",
    );
  });
});
