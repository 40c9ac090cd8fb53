// Objectives: what is lost against plain loops, statistics, micro-batches, values computed again, and what is refused.
import { describe, expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { forward, inputType } from "../../src/architecture/forward.ts";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError } from "../../src/errors.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { evaluate, input } from "../../src/tensor/index.ts";
import { threefry } from "../../src/tensor/ops/random.ts";
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

/** The key that is folded out of another, and uniform numbers, in plain loops over Threefry. */
const bitsOf = (key: readonly number[], count: number): number[] =>
  Array.from({ length: count }, (_, i) => {
    const [first, second] = threefry(key[0]!, key[1]!, i, 0);
    return (first ^ second) >>> 0;
  });
const folded = (key: readonly number[], word: number): number[] =>
  bitsOf(
    bitsOf(key, 2).map((bits) => (bits ^ word) >>> 0),
    2,
  );
const uniforms = (key: readonly number[], count: number): number[] =>
  bitsOf(key, count).map((bits) => (bits >>> 8) / 2 ** 24);

describe("masked tokens", () => {
  const MASK = CLASSES - 1;
  const batch = (): TrainerBatch => {
    const random = generator(4);
    const inputs = Int32Array.from({ length: BATCH * LENGTH }, () => Math.floor(MASK * random()));
    return { inputs, targets: new Int32Array(BATCH * LENGTH) };
  };

  /** What Devlin et al. 2019 describe, with a key. */
  function plainMask(
    key: readonly number[],
    tokens: ArrayLike<number>,
    { chosen = 0.15, masked = 0.8, random = 0.1 },
  ) {
    const [which, fate, what] = [0, 1, 2].map((stream) => uniforms(folded(key, stream), tokens.length));
    return Array.from(tokens, (token, i) => {
      if (which![i]! >= chosen) return { shown: token, target: -1 };
      if (fate![i]! < masked) return { shown: MASK, target: token };
      if (fate![i]! < masked + random) return { shown: Math.floor(what![i]! * MASK), target: token };
      return { shown: token, target: token };
    });
  }

  test.each([
    [{}, {}],
    [{ chosen: 0.5, masked: 0.4, random: 0.4 }, {}],
    [
      { chosen: 0.5, masked: 0.4, random: 0.4 },
      { lossParts: 2, recompute: 1 },
    ],
  ])("%#: loss and accuracy are those of the tokens that were chosen", async (shares, options) => {
    const trainer = trainerOf(encoder, { name: "masked-token", ...shares }, options);
    const given = batch();
    for (let update = 1; update <= 3; update++) {
      const places = plainMask(folded([77, update], 2 ** 31), given.inputs!, shares);
      const rows = logitsOf(
        trainer,
        encoder,
        places.map(({ shown }) => shown),
      );
      const scored = places.flatMap(({ target }, i) => (target < 0 ? [] : [{ row: rows[i]!, target }]));
      const result = await trainer.step(given, update, 0.1, 77);
      expect(scored.length).toBeGreaterThan(0);
      expect(result.loss).toBeCloseTo(mean(scored.map(({ row, target }) => -logSoftmax(row)[target]!)), 10);
      const right = mean(scored.map(({ row, target }) => Number(likeliest(row) === target)));
      expect(result.statistics.accuracy![0]).toBeCloseTo(right, 12);
    }
  });

  test("every part of a batch has chances of its own, and evaluations always the same ones", async () => {
    const given = batch();
    const parts = trainerOf(encoder, "masked-token", { microBatches: 2 });
    const places = [0, 1].flatMap((index) => {
      const half = given.inputs!.subarray((index * BATCH * LENGTH) / 2, ((index + 1) * BATCH * LENGTH) / 2);
      return plainMask(folded([77, 2 + index], 2 ** 31), half, {});
    });
    const rows = logitsOf(
      parts,
      encoder,
      places.map(({ shown }) => shown),
    );
    const losses = places.flatMap(({ target }, i) => (target < 0 ? [] : [-logSoftmax(rows[i]!)[target]!]));
    expect((await parts.step(given, 1, 0.1, 77)).loss).toBeCloseTo(mean(losses), 10);
    const half = { inputs: given.inputs!.subarray(12), targets: given.targets!.subarray(12) };
    const first = await parts.evaluate([half, half]);
    expect(await parts.evaluate([half, half])).toEqual(first);
    expect((await parts.evaluate([half])).loss).not.toBe(first.loss);
  });

  test("15 % are chosen, of those 80 % masked and 10 % other tokens; none where a target is negative", () => {
    const [rows, length] = [200, 100];
    const big = defineArchitecture({ ...common, vocabulary: 1000, length });
    const objective = createObjective("masked-token");
    const types = objective.batch(big, rows, length);
    const inputs = Object.fromEntries(
      Object.entries(types).map(([name, { shape, dtype }]) => [name, input(name, shape, dtype)]),
    );
    const { inputs: shown, targets } = objective.task(big, inputs, input("key", [2], "u32"));
    const tokens = Float64Array.from({ length: rows * length }, (_, i) => i % 999);
    const sign = Float64Array.from(tokens, (_, i) => (i % 4 === 0 ? -1 : 5));
    const [seen, wanted] = evaluate([shown, targets], {
      inputs: { shape: [rows, length], data: tokens },
      targets: { shape: [rows, length], data: sign },
      key: { shape: [2], data: Float64Array.of(1, 2) },
    });
    const chosen = [...wanted!.data.keys()].filter((i) => wanted!.data[i]! >= 0);
    const share = (count: number, of: number) => count / of;
    expect(Math.abs(share(chosen.length, 0.75 * rows * length) - 0.15)).toBeLessThan(0.01);
    expect(chosen.every((i) => wanted!.data[i] === tokens[i] && i % 4 !== 0)).toBe(true);
    const masked = chosen.filter((i) => seen!.data[i] === 999).length;
    const kept = chosen.filter((i) => seen!.data[i] === tokens[i]).length;
    expect(Math.abs(share(masked, chosen.length) - 0.8)).toBeLessThan(0.03);
    expect(Math.abs(share(kept, chosen.length) - 0.1)).toBeLessThan(0.03);
    const isChosen = new Set(chosen);
    expect(tokens.every((token, i) => isChosen.has(i) || seen!.data[i] === token)).toBe(true);
  });
});

describe("refused in one line", () => {
  const check = (of: unknown, architecture: typeof classifier) => createObjective(of).check(architecture);
  test.each([
    ["an unknown name", () => createObjective("clasification"), /did you mean classification/],
    ["no name", () => createObjective({ labels: "soft" }), /name is undefined/],
    [
      "a mistyped setting",
      () => createObjective({ name: "classification", label: "soft" }),
      /did you mean "labels"/,
    ],
    ["a wrong value", () => createObjective({ name: "classification", labels: "hard" }), /ids, soft/],
    ["nothing chosen", () => createObjective({ name: "masked-token", chosen: 0 }), /chosen is 0/],
    [
      "too much",
      () => createObjective({ name: "masked-token", masked: 0.8, random: 0.3 }),
      /at most 1 together/,
    ],
    ["a classifier of places", () => check("classification", encoder), /set pool to average, class or last/],
    [
      "tokens of a pooled model",
      () => check("next-token", defineArchitecture({ ...common, pool: "last" })),
      /leave pool out/,
    ],
    ["masked numbers", () => check("masked-token", classifier), /not tokens/],
    ["next tokens that are seen", () => check("next-token", encoder), /masked-token/],
    [
      "no token but the mask",
      () => check("masked-token", defineArchitecture({ ...common, vocabulary: 1 })),
      /beside the mask/,
    ],
    [
      "a training's objective",
      () => defineTraining({ objective: "masked" }),
      /expected one of next-token, classification, masked-token/,
    ],
  ])("%s", (_, attempt, message) => {
    let thrown: unknown;
    try {
      attempt();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(RequestError);
    expect((thrown as Error).message).toMatch(message);
    expect((thrown as Error).message).not.toContain("\n");
  });
});
