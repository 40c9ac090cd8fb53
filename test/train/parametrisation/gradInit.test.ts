// GradInit: the scales it finds make the first step better, its slopes are those of the loss, and a run begins with them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { defineArchitecture } from "../../../src/architecture/architecture.ts";
import { createReference } from "../../../src/backend/reference.ts";
import { createOptimizer } from "../../../src/train/optimizers.ts";
import { gradInit } from "../../../src/train/parametrisation/gradInit.ts";
import { defineParametrisation } from "../../../src/train/parametrisation/settings.ts";
import type { StepOptions } from "../../../src/train/step.ts";
import { train } from "../../../src/train/train.ts";
import { createTrainer } from "../../../src/train/trainer.ts";
import { collect, tinyRun } from "../harness.ts";

const architecture = defineArchitecture({
  ...{ vocabulary: 5, length: 3, width: 6, feedforward: 6, positions: "none", norm: "none" },
  ...{ stripe: ["relu"], layers: 2, block: "none", standardDeviation: 0.2 },
});
const step: StepOptions = {
  optimizer: createOptimizer({ name: "adamw", weightDecay: 0 }),
  ...{ batch: 2, length: 3, microBatches: 1, clip: null, decay: "matrices" },
};
const batch = { inputs: Int32Array.of(0, 1, 2, 3, 4, 0), targets: Int32Array.of(1, 2, 3, 4, 0, 1) };
const RATE = 0.02;

/** Loss before and after one step of Adam, from values times the scales that so many iterations give. */
async function firstStep(iterations: number, more: Record<string, unknown> = {}) {
  const machine = createReference();
  const trainer = createTrainer(machine, architecture, step);
  trainer.initialize(4);
  const scales = await gradInit({
    ...{ machine, architecture, step, rate: RATE, seed: 0, batchAt: () => batch },
    ...{ parameters: trainer.parameters, store: trainer.store },
    settings: defineParametrisation({ kind: "gradinit", iterations, ...more }) as never,
  });
  const before = (await trainer.step(batch, 1, RATE)).loss;
  const after = (await trainer.step(batch, 2, RATE)).loss;
  trainer.dispose();
  return { scales: [...scales.values()], before, after };
}

test("scales that were learned make one step lower the loss further", async () => {
  const plain = await firstStep(1, { rate: 1e-9 });
  const learned = await firstStep(60, { rate: 0.03 });
  expect(learned.after).toBeLessThan(plain.after - 0.05);
  expect(learned.scales.some((scale) => Math.abs(scale - 1) > 0.1)).toBe(true);
});

test("a bound on the gradient makes them smaller, and none falls below the least", async () => {
  const { scales } = await firstStep(40, { rate: 0.1, gradientNorm: 1e-9, least: 0.5 });
  expect(Math.min(...scales)).toBe(0.5);
  expect(Math.max(...scales)).toBeLessThan(1.5);
});

test("a run begins with them", async () => {
  const base = mkdtempSync(join(tmpdir(), "scantling-gradinit-"));
  try {
    const text = join(base, "abc.txt");
    writeFileSync(text, "abcd".repeat(60));
    const losses: number[] = [];
    for (const parametrisation of ["standard", "gradinit"]) {
      const kind =
        parametrisation === "standard" ? parametrisation : { kind: parametrisation, iterations: 3 };
      const training = { ...tinyRun("", text).training!, steps: 2, parametrisation: kind };
      const { machine, folder, ...options } = tinyRun(join(base, parametrisation), text, {
        training,
      } as never);
      const events = await collect(train({ machine, folder, ...options }));
      const first = events.find(({ kind }) => kind === "step")!;
      losses.push(first.kind === "step" ? first.loss : Number.NaN);
    }
    expect(losses[1]).not.toBe(losses[0]);
    expect(losses.every(Number.isFinite)).toBe(true);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});
