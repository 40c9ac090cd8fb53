// Objectives: what is lost against plain loops, statistics, micro-batches, values computed again, and what is refused.
import { describe, expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { forward, inputType } from "../../src/architecture/forward.ts";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError } from "../../src/errors.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { evaluate, input } from "../../src/tensor/index.ts";
import type { TrainerBatch } from "../../src/train/objectives/objective.ts";
import { createObjective } from "../../src/train/objectives/objectives.ts";
import { createOptimizer } from "../../src/train/optimizers.ts";
import { defineTraining } from "../../src/train/settings.ts";
import type { StepOptions } from "../../src/train/step.ts";
import { createTrainer, type Trainer } from "../../src/train/trainer.ts";
import { generator } from "../tensor/harness.ts";

const [BATCH, LENGTH, NUMBERS, CLASSES] = [6, 4, 3, 5];
const common = {
  ...{ vocabulary: CLASSES, length: LENGTH, width: 8, layers: 2, heads: 2, feedforward: 6 },
  ...{ causal: false, standardDeviation: 0.4 },
};
const classifier = defineArchitecture({ ...common, inputs: NUMBERS, classToken: "learned", pool: "class" });
const encoder = defineArchitecture(common);

function trainerOf(
  architecture: typeof classifier,
  of: unknown,
  options: Partial<StepOptions> = {},
): Trainer {
  const trainer = createTrainer(createReference(), architecture, {
    optimizer: createOptimizer({ name: "sgd", momentum: 0 }),
    objective: createObjective(of),
    ...{ batch: BATCH, length: LENGTH, microBatches: 1, clip: null, decay: "matrices" },
    ...options,
  });
  trainer.initialize(11);
  return trainer;
}

function images(seed: number) {
  const random = generator(seed);
  return Float32Array.from({ length: BATCH * LENGTH * NUMBERS }, () => 2 * random() - 1);
}

function values(trainer: Trainer): number[] {
  return [...trainer.parameters.keys()].flatMap((name) => [...trainer.store.read(name)]);
}

/** Logits [rows][V] of a trainer's parameters, without training. */
function logitsOf(trainer: Trainer, architecture: typeof classifier, inputs: ArrayLike<number>): number[][] {
  const { shape, dtype } = inputType(architecture, BATCH, LENGTH);
  const logits = forward(architecture, inputSource(), input("tokens", shape, dtype));
  const bound = Object.fromEntries(
    [...trainer.parameters].map(([name, { shape }]) => [
      name,
      { shape, data: Float64Array.from(trainer.store.read(name)) },
    ]),
  );
  const [result] = evaluate([logits], { ...bound, tokens: { shape, data: Float64Array.from(inputs) } });
  const { data } = result!;
  const rows = data.length / CLASSES;
  return Array.from({ length: rows }, (_, i) => [...data.slice(i * CLASSES, (i + 1) * CLASSES)]);
}

const logSoftmax = (row: readonly number[]): number[] => {
  const whole = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
  return row.map((value) => value - whole);
};
const likeliest = (row: readonly number[]): number => row.indexOf(Math.max(...row));
const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;

describe("classification", () => {
  const ids: TrainerBatch = { inputs: images(1), targets: Int32Array.of(0, 3, -1, 4, 1, 1) };
  const shares = new Float32Array(BATCH * CLASSES);
  // Mixup of two classes, smoothed; the third row is not scored.
  [0, 1, 3, 4, 5].forEach((row, i) => {
    shares.fill(0.02, row * CLASSES, (row + 1) * CLASSES);
    shares[row * CLASSES + (i % CLASSES)]! += 0.6;
    shares[row * CLASSES + ((i + 2) % CLASSES)]! += 0.3;
  });
  const soft: TrainerBatch = { inputs: images(1), targets: shares };
  const softLabels = { name: "classification", labels: "soft" };

  test("class ids: mean loss and accuracy over the scored ones, in steps and evaluations", async () => {
    const trainer = trainerOf(classifier, "classification");
    const rows = logitsOf(trainer, classifier, ids.inputs!);
    const scored = [0, 1, 3, 4, 5];
    const loss = mean(scored.map((row) => -logSoftmax(rows[row]!)[ids.targets![row]!]!));
    const accuracy = mean(scored.map((row) => Number(likeliest(rows[row]!) === ids.targets![row])));
    const evaluation = await trainer.evaluate([ids, { ...ids, targets: ids.targets!.map(() => -1) }]);
    expect(evaluation.loss).toBeCloseTo(loss, 12);
    expect(evaluation.statistics.accuracy).toBeCloseTo(accuracy, 12);
    const step = await trainer.step(ids, 1, 0.1);
    expect(step.loss).toBeCloseTo(loss, 12);
    expect(step.statistics.accuracy![0]).toBeCloseTo(accuracy, 12);
  });

  test("soft labels", async () => {
    const trainer = trainerOf(classifier, softLabels);
    const rows = logitsOf(trainer, classifier, soft.inputs!).map(logSoftmax);
    const share = (row: number) => [...shares.slice(row * CLASSES, (row + 1) * CLASSES)];
    const scored = [0, 1, 3, 4, 5];
    const loss = mean(scored.map((row) => -rows[row]!.reduce((sum, p, i) => sum + p * share(row)[i]!, 0)));
    const accuracy = mean(scored.map((row) => Number(likeliest(rows[row]!) === likeliest(share(row)))));
    const result = await trainer.step(soft, 1, 0.1);
    expect(result.loss).toBeCloseTo(loss, 6);
    expect(result.statistics.accuracy![0]).toBeCloseTo(accuracy, 12);
  });

  test.each([
    ["micro-batches", { microBatches: 3 }],
    ["values computed again", { recompute: 1 }],
    ["logits in parts", { lossParts: 2 }],
    ["all of it", { microBatches: 3, recompute: 2, lossParts: 2 }],
  ])("%s give the same update", async (_, options) => {
    for (const [of, batch] of [["classification", ids] as const, [softLabels, soft] as const]) {
      const [whole, parts] = [trainerOf(classifier, of), trainerOf(classifier, of, options)];
      const [expected, actual] = [await whole.step(batch, 1, 0.5), await parts.step(batch, 1, 0.5)];
      expect(actual.loss).toBeCloseTo(expected.loss, 12);
      const updated = values(parts);
      values(whole).forEach((value, i) => {
        expect(updated[i]).toBeCloseTo(value, 12);
      });
    }
  });

  test("learns", async () => {
    const trainer = trainerOf(classifier, "classification", {
      optimizer: createOptimizer("adamw"),
      microBatches: 2,
    });
    let last = await trainer.step(ids, 1, 0.02);
    const { loss } = last;
    for (let update = 2; update <= 30; update++) last = await trainer.step(ids, update, 0.02);
    expect(last.loss).toBeLessThan(0.2 * loss);
    expect((await trainer.evaluate([part(ids, 0), part(ids, 1)])).statistics.accuracy).toBe(1);
  });

  function part({ inputs, targets }: TrainerBatch, index: number): TrainerBatch {
    const of = <A extends Int32Array | Float32Array>(list: A) =>
      list.subarray((index * list.length) / 2, ((index + 1) * list.length) / 2);
    return { inputs: of(inputs!), targets: of(targets!) };
  }

  test("a batch of the wrong size is refused", async () => {
    const trainer = trainerOf(classifier, "classification");
    await expect(trainer.step({ inputs: images(1) }, 1, 0.1)).rejects.toThrow(/targets has no values/);
    const short = { inputs: images(1), targets: new Int32Array(5) };
    await expect(trainer.step(short, 1, 0.1)).rejects.toThrow(/targets has 5 values; expected 6/);
  });
});
