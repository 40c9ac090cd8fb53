// The whole training step on the native backend: the same numbers as the reference, the same bits at any number of
// threads, and a bad number found where it begins.
import { describe, expect, test } from "vitest";
import { type ArchitectureInput, defineArchitecture } from "../../src/architecture/architecture.ts";
import type { Machine } from "../../src/backend/machine.ts";
import { createNative } from "../../src/backend/native/index.ts";
import { createReference } from "../../src/backend/reference.ts";
import { createOptimizer } from "../../src/train/optimizers.ts";
import type { StepOptions } from "../../src/train/step.ts";
import { createTrainer, type Trainer } from "../../src/train/trainer.ts";
import { generator } from "../tensor/harness.ts";

const BATCH = 3;
const VOCABULARY = 11;

const architectures: Record<string, Omit<ArchitectureInput, "vocabulary">> = {
  "layer norm, learned positions, GELU": { length: 9, width: 12, layers: 2, heads: 2, feedforward: 20 },
  "RMSNorm, RoPE, grouped heads, SwiGLU, tied, window, dropout": {
    length: 10,
    width: 24,
    layers: 2,
    heads: 6,
    kvHeads: 2,
    window: 4,
    activation: "swiglu",
    feedforward: 17,
    norm: "rms",
    positions: "rope",
    tie: true,
    dropout: 0.1,
  },
  "biases, no positions, squared ReLU": {
    length: 7,
    width: 10,
    layers: 1,
    heads: 1,
    activation: "squaredRelu",
    feedforward: 8,
    bias: true,
    positions: "none",
  },
};

function trainerOf(
  machine: Machine,
  given: Omit<ArchitectureInput, "vocabulary">,
  options: Partial<StepOptions> = {},
): Trainer {
  const architecture = defineArchitecture({ vocabulary: VOCABULARY, standardDeviation: 0.2, ...given });
  const trainer = createTrainer(machine, architecture, {
    optimizer: createOptimizer("adamw"),
    batch: BATCH,
    length: given.length,
    microBatches: 1,
    clip: 1,
    decay: "all",
    ...options,
  });
  trainer.initialize(5);
  return trainer;
}

function batchOf(length: number, seed: number) {
  const random = generator(seed);
  const draw = () => Int32Array.from({ length: BATCH * length }, () => Math.floor(VOCABULARY * random()));
  return { inputs: draw(), targets: draw() };
}

async function threeSteps(trainer: Trainer, length: number): Promise<number[]> {
  const numbers: number[] = [];
  for (let update = 1; update <= 3; update++) {
    const { loss, gradientNorm, finite } = await trainer.step(batchOf(length, update), update, 0.01, 9);
    expect(finite).toBe(true);
    numbers.push(loss, gradientNorm);
  }
  numbers.push((await trainer.evaluate([batchOf(length, 4)])).loss);
  return numbers;
}

const valuesOf = (trainer: Trainer) =>
  [...trainer.parameters.keys(), ...trainer.states.keys()].map((name) =>
    Array.from(trainer.store.read(name)),
  );

describe.each(Object.entries(architectures))("%s", (_, architecture) => {
  const { length } = architecture;

  test.each(["adamw", "muon", "lamb", "sgd"])("%s agrees with the reference", async (name) => {
    const machine = await createNative({ threads: 2 });
    const options = { optimizer: createOptimizer(name) };
    const native = trainerOf(machine, architecture, options);
    const reference = trainerOf(createReference(), architecture, options);
    const [actual, expected] = [await threeSteps(native, length), await threeSteps(reference, length)];
    expected.forEach((value, i) => {
      expect(Math.abs(actual[i]! / value - 1)).toBeLessThan(1e-3);
    });
    native.dispose();
    machine.dispose();
  });

  test.each([1, 3])("the same bits at 1, 2 and 3 threads, in micro-batches of %i", async (microBatches) => {
    const results: number[][][] = [];
    for (const threads of [1, 2, 3, 1]) {
      const machine = await createNative({ threads });
      const trainer = trainerOf(machine, architecture, { microBatches });
      for (let update = 1; update <= 3; update++)
        await trainer.step(batchOf(length, update), update, 0.01, 9);
      results.push(valuesOf(trainer));
      trainer.dispose();
      machine.dispose();
    }
    for (const result of results.slice(1)) expect(result).toEqual(results[0]);
  });
});

test("a step that is not finite changes nothing, and its first bad tensor is named", async () => {
  const machine = await createNative({ threads: 2 });
  const [architecture] = Object.values(architectures);
  const { length } = architecture!;
  const trainer = trainerOf(machine, architecture!);
  await trainer.step(batchOf(length, 1), 1, 0.01);
  trainer.store.read("block.1.attention.query.weight").fill(1e38);
  trainer.store.read("block.1.attention.norm.bias").fill(1e3);
  const before = valuesOf(trainer);
  expect((await trainer.step(batchOf(length, 2), 2, 0.01)).finite).toBe(false);
  expect(valuesOf(trainer)).toEqual(before);
  const bad = await trainer.diagnose(batchOf(length, 2), 2);
  expect(bad).toMatchObject({ name: "block.1.attention.query", operation: "contract" });
  trainer.dispose();
  machine.dispose();
});
