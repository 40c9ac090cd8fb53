import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { createReference } from "../../src/backend/reference.ts";
import { add, input, program } from "../../src/tensor/index.ts";
import { median, timeOperation } from "../../src/train/benchmark.ts";
import { stepsWithin } from "../../src/train/benchmarkBudget.ts";
import { operationCases, operationNames } from "../../src/train/benchmarkOperations.ts";
import { timeSteps } from "../../src/train/benchmarkSteps.ts";
import { defineTraining, type TrainingSettings } from "../../src/train/settings.ts";

const architecture = defineArchitecture({ vocabulary: 5, length: 4, width: 8, heads: 2, feedforward: 8 });

describe("operations", () => {
  const cases = operationNames.flatMap(operationCases);

  it("can all be built", () => {
    for (const { name, program: build } of cases) expect(() => build(), name).not.toThrow();
  });

  it("have names of their own, those of the PyTorch peer", () => {
    const names = cases.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const peer = readFileSync("bench/peer/micro.py", "utf8");
    for (const kind of [
      "product",
      "attention",
      "softmax",
      "layer norm",
      "rms norm",
      "adamw",
      "selective scan",
    ]) {
      expect(names.some((name) => name.startsWith(`${kind} `))).toBe(true);
      expect(peer).toContain(kind);
    }
    const products = [...peer.matchAll(/^ {4}\((\d+), (\d+), (\d+), (?:True|False)/gm)];
    expect(products.length).toBeGreaterThan(5);
    for (const [, m, n, k] of products) {
      expect(names.some((name) => name.startsWith(`product ${m}x${n}x${k}`))).toBe(true);
    }
  });

  it("are timed by their median, with bytes where no operations are counted", () => {
    const machine = createReference();
    const adding = () => program({ sum: add(input("a", [100]), input("b", [100])) });
    const bytes = timeOperation(machine, { name: "add", program: adding }, 3, 0);
    expect(bytes.gigabytesPerSecond).toBeCloseTo((4 * 300) / bytes.ms / 1e6, 9);
    const counted = timeOperation(machine, { name: "add", program: adding, flops: 100 }, 3, 0);
    expect(counted.gflops).toBeCloseTo(100 / counted.ms / 1e6, 9);
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });
});

describe("steps", () => {
  it("stop after the first at the earliest", async () => {
    const stop = new AbortController();
    stop.abort();
    const options = { batch: 2, steps: 5, seed: 0, signal: stop.signal };
    expect((await timeSteps(createReference(), architecture, options)).steps).toBe(1);
  });

  it("are those of the training that is asked for", async () => {
    const timed = (training?: TrainingSettings) =>
      timeSteps(createReference(), architecture, { batch: 2, steps: 2, seed: 0, training });
    const [usual, sgd, masked] = [
      await timed(),
      await timed(defineTraining({ optimizer: "sgd" })),
      await timed(defineTraining({ optimizer: "sgd", objective: "masked-token" })),
    ];
    expect(sgd.lossFirst).toBe(usual.lossFirst);
    expect(sgd.lossLast).not.toBe(usual.lossLast);
    expect(masked.lossFirst).not.toBe(usual.lossFirst);
  });

  it("more of them fit into more time", async () => {
    const budget = { batch: 2, evaluations: 0, validationTokens: 0, seed: 0 };
    const none = await stepsWithin(createReference(), architecture, { ...budget, seconds: 0 });
    expect(none).toBe(1);
    expect(await stepsWithin(createReference(), architecture, { ...budget, seconds: 60 })).toBeGreaterThan(
      100,
    );
  });
});
