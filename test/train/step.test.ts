// One training step: what it does to parameters and states, whole, in parts, clipped, and when its numbers go bad.
import { describe, expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { createReference } from "../../src/backend/reference.ts";
import { createOptimizer } from "../../src/train/optimizers.ts";
import type { StepOptions } from "../../src/train/step.ts";
import { createTrainer, type Trainer } from "../../src/train/trainer.ts";
import { generator } from "../tensor/harness.ts";

const BATCH = 4;
const LENGTH = 3;

const architecture = defineArchitecture({
  vocabulary: 6,
  length: LENGTH,
  width: 4,
  heads: 2,
  feedforward: 6,
});

function trainerOf(options: Partial<StepOptions> = {}): Trainer {
  const trainer = createTrainer(createReference(), architecture, {
    optimizer: createOptimizer({ name: "sgd", momentum: 0.5 }),
    batch: BATCH,
    length: LENGTH,
    microBatches: 1,
    clip: null,
    decay: "matrices",
    ...options,
  });
  trainer.initialize(11);
  return trainer;
}

function batchOf(seed: number) {
  const random = generator(seed);
  const draw = () => Int32Array.from({ length: BATCH * LENGTH }, () => Math.floor(6 * random()));
  return { inputs: draw(), targets: draw() };
}

function valuesOf(trainer: Trainer): Record<string, number[]> {
  const names = [...trainer.parameters.keys(), ...trainer.states.keys()];
  return Object.fromEntries(names.map((name) => [name, [...trainer.store.read(name)]]));
}

function expectClose(actual: Record<string, number[]>, expected: Record<string, number[]>): void {
  for (const [name, values] of Object.entries(expected)) {
    values.forEach((value, i) => {
      expect(actual[name]![i], name).toBeCloseTo(value, 12);
    });
  }
}

test("gradient accumulation gives the whole batch's update, also where parts have fewer targets", async () => {
  const whole = trainerOf();
  const parts = trainerOf({ microBatches: 4 });
  for (let update = 1; update <= 2; update++) {
    const batch = batchOf(update);
    batch.targets.fill(-1, 1, 4);
    const expected = await whole.step(batch, update, 0.5);
    const actual = await parts.step(batch, update, 0.5);
    expect(actual.loss).toBeCloseTo(expected.loss, 12);
    expect(actual.gradientNorm).toBeCloseTo(expected.gradientNorm, 12);
  }
  expectClose(valuesOf(parts), valuesOf(whole));
});

test("clipping scales every gradient by the same factor", async () => {
  const free = trainerOf({ optimizer: createOptimizer({ name: "sgd", momentum: 0 }) });
  const before = valuesOf(free);
  const { gradientNorm } = await free.step(batchOf(1), 1, 1);
  const limit = gradientNorm / 3;
  const clipped = trainerOf({ optimizer: createOptimizer({ name: "sgd", momentum: 0 }), clip: limit });
  const result = await clipped.step(batchOf(1), 1, 1);
  expect(result.gradientNorm).toBeCloseTo(gradientNorm, 12);
  const scale = limit / (gradientNorm + 1e-6);
  for (const [name, values] of Object.entries(valuesOf(clipped))) {
    values.forEach((value, i) => {
      const start = before[name]![i]!;
      expect(value, name).toBeCloseTo(start + scale * (valuesOf(free)[name]![i]! - start), 12);
    });
  }
  const loose = trainerOf({
    optimizer: createOptimizer({ name: "sgd", momentum: 0 }),
    clip: 2 * gradientNorm,
  });
  await loose.step(batchOf(1), 1, 1);
  expectClose(valuesOf(loose), valuesOf(free));
});

describe.each(["adamw", "sgd", "lamb", "muon"])("%s", (name) => {
  test("lowers the loss of a batch it sees again and again", async () => {
    const settings = name === "muon" ? { name, restRate: 1 } : { name };
    const trainer = trainerOf({ optimizer: createOptimizer(settings), clip: 1 });
    const rate = { adamw: 0.02, sgd: 0.5, lamb: 0.1, muon: 0.02 }[name]!;
    const first = await trainer.step(batchOf(1), 1, rate);
    expect(first.loss).toBeCloseTo(Math.log(6), 1);
    let last = first;
    for (let update = 2; update <= 25; update++) last = await trainer.step(batchOf(1), update, rate);
    expect(last.loss).toBeLessThan(first.loss - 0.3);
  });

  test.each([1, 2])("a step that is not finite changes nothing, in %i parts", async (microBatches) => {
    const trainer = trainerOf({ optimizer: createOptimizer(name), microBatches });
    await trainer.step(batchOf(1), 1, 0.01);
    trainer.store.read("head.weight")[2] = Number.NaN;
    const before = valuesOf(trainer);
    const result = await trainer.step(batchOf(2), 2, 0.01);
    expect(result.finite).toBe(false);
    expect(result.loss).toBeNaN();
    expect(valuesOf(trainer)).toEqual(before);
    trainer.store.read("head.weight")[2] = 0.01;
    expect((await trainer.step(batchOf(2), 2, 0.01)).finite).toBe(true);
  });
});

describe("the first bad tensor", () => {
  const find = async (spoil: (trainer: Trainer) => void, microBatches = 1) => {
    const trainer = trainerOf({ microBatches });
    await trainer.step(batchOf(1), 1, 0.1);
    spoil(trainer);
    const before = valuesOf(trainer);
    const bad = await trainer.diagnose(batchOf(2), 2);
    expect(valuesOf(trainer)).toEqual(before);
    return bad;
  };
  test("none where all is well", async () => {
    expect(await find(() => {})).toBeUndefined();
  });
  test("a parameter", async () => {
    const bad = await find(({ store }) => {
      store.read("block.0.gelu.up.weight")[3] = Number.POSITIVE_INFINITY;
    });
    expect(bad).toEqual({ name: "parameter block.0.gelu.up.weight", operation: undefined, badElements: 1 });
  });
  test("an optimiser state", async () => {
    const bad = await find(({ store }) => {
      store.read("momentum/norm.bias").fill(Number.NaN);
    });
    expect(bad).toEqual({ name: "optimiser state momentum/norm.bias", operation: undefined, badElements: 4 });
  });
  test("an activation, with its operation", async () => {
    // Finite weights whose product overflows.
    const bad = await find(({ store }) => {
      store.read("block.0.attention.query.weight").fill(1e200);
      store.read("block.0.attention.norm.bias").fill(1e200);
    });
    expect(bad?.name).toBe("block.0.attention.query");
    expect(bad?.operation).toBe("contract");
  });
  test("a gradient, in the second part of a batch", async () => {
    // A head as steep as numbers go behind a norm as flat: logits stay small, the sum of their slopes overflows.
    const trainer = trainerOf({ microBatches: 2 });
    trainer.store.read("norm.scale").fill(1e-308);
    const head = trainer.store.read("head.weight");
    head.fill(-1.7e308);
    for (let row = 0; row < 4; row++) head[row * 6] = 1.7e308;
    const batch = batchOf(2);
    const half = (BATCH * LENGTH) / 2;
    batch.targets.fill(-1, 0, half);
    batch.targets.fill(0, half);
    const bad = await trainer.diagnose(batch, 1);
    expect(bad?.name).toBe("gradient of norm.bias");
    expect(bad?.operation).toBe("reduceSum");
  });
  test("the gradient norm where only the sum overflows", async () => {
    const bad = await find(({ store }) => {
      store.read("norm.scale").fill(1e-3);
      store.read("head.weight").fill(0);
      store.read("norm.bias").fill(1e170);
    });
    expect(bad?.name).toBe("gradient norm");
  });
});

test("dropout: the same seed and update give the same step, another update another", async () => {
  const dropping = defineArchitecture({ ...architecture, dropout: 0.5 });
  const losses = async (update: number) => {
    const trainer = createTrainer(createReference(), dropping, {
      optimizer: createOptimizer("sgd"),
      batch: BATCH,
      length: LENGTH,
      microBatches: 1,
      clip: 1,
      decay: "all",
    });
    trainer.initialize(1);
    return (await trainer.step(batchOf(1), update, 0.1, 7)).loss;
  };
  expect(await losses(1)).toBe(await losses(1));
  expect(await losses(1)).not.toBe(await losses(2));
});

test("evaluation is the mean over scored tokens of all batches", async () => {
  const trainer = trainerOf();
  const [first, second] = [batchOf(1), batchOf(2)];
  second.targets.fill(-1, 5);
  const [{ loss: a }, { loss: b }] = [await trainer.evaluate([first]), await trainer.evaluate([second])];
  expect((await trainer.evaluate([first, second])).loss).toBeCloseTo((12 * a + 5 * b) / 17, 12);
});
