// Classifiers and encoders on the native backend: the numbers of the reference, the same bits at any number of threads,
// values computed again, and a bound of memory.
import { describe, expect, test } from "vitest";
import { type ArchitectureInput, defineArchitecture } from "../../src/architecture/architecture.ts";
import type { Machine } from "../../src/backend/machine.ts";
import { createNative } from "../../src/backend/native/index.ts";
import { createReference } from "../../src/backend/reference.ts";
import { fitStep } from "../../src/train/memoryPlan.ts";
import { createObjective } from "../../src/train/objectives/objectives.ts";
import { createOptimizer } from "../../src/train/optimizers.ts";
import type { StepOptions } from "../../src/train/step.ts";
import { createTrainer } from "../../src/train/trainer.ts";

const BATCH = 4;
const common = {
  ...{ vocabulary: 10, length: 9, width: 16, layers: 3, heads: 2, feedforward: 24 },
  ...{ causal: false, bias: true, standardDeviation: 0.2 },
} as const;
const image = { ...common, inputs: 12, headBias: true, activation: "geluExact" } as const;

const cases: Record<string, { readonly given: ArchitectureInput; readonly objective: unknown }> = {
  "ViT, dropout, stochastic depth": {
    given: { ...image, classToken: "learned", pool: "class", dropout: 0.1, stochasticDepth: 0.3 },
    objective: "classification",
  },
  "WideNet, soft labels": {
    given: {
      ...{
        vocabulary: 10,
        length: 9,
        width: 16,
        layers: 3,
        inputs: 12,
        headBias: true,
        standardDeviation: 0.2,
      },
      ...{ classToken: "zero", pool: "average", representation: true, share: {} },
      stripe: [
        "attention(heads: 2, causal: false, bias: true)",
        {
          ...{
            primitive: "moe",
            experts: 4,
            chosen: 2,
            feedforward: 8,
            gates: "raw",
            noise: 1,
            capacity: 1.2,
          },
          ...{ capacityGroup: "batch", firstPlaceUnused: true, activationAfter: true, bias: true },
        },
      ],
    },
    objective: { name: "classification", labels: "soft" },
  },
  "BERT's kind": {
    given: {
      ...{ ...common, embeddingWidth: 5, embeddingNorm: true, tokenTypes: 2, block: "post" },
      ...{ representation: true, tie: true, activation: "gelu" },
    },
    objective: { name: "masked-token", chosen: 0.5 },
  },
  autoencoder: {
    given: { ...common, positions: "none", pool: "last", decoder: "mlp", headBias: true, norm: "rms" },
    objective: "next-token",
  },
};

function optionsOf(of: unknown, more: Partial<StepOptions> = {}): StepOptions {
  return {
    ...{ optimizer: createOptimizer("adamw"), objective: createObjective(of) },
    ...{ batch: BATCH, length: common.length, microBatches: 1, clip: 1, decay: "matrices" },
    ...more,
  };
}

async function run(
  machine: Machine,
  { given, objective }: (typeof cases)[string],
  more?: Partial<StepOptions>,
) {
  const architecture = defineArchitecture(given);
  const options = optionsOf(objective, more);
  const trainer = createTrainer(machine, architecture, options);
  trainer.initialize(5);
  const numbers: number[] = [];
  for (let update = 1; update <= 3; update++) {
    const batch = options.objective!.example(architecture, BATCH, common.length, update);
    const { loss, gradientNorm, finite } = await trainer.step(batch, update, 0.01, 9);
    expect(finite).toBe(true);
    numbers.push(loss, gradientNorm);
  }
  const held = options.objective!.example(architecture, trainer.evaluationRows, common.length, 7);
  const { loss, statistics } = await trainer.evaluate([held]);
  const weights = [...trainer.parameters.keys()].flatMap((name) => [...trainer.store.read(name)]);
  return { numbers: [...numbers, loss, ...Object.values(statistics)], weights };
}

function expectNear(actual: readonly number[], expected: readonly number[]): void {
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i]! - value)).toBeLessThan(1e-4 * Math.max(1, Math.abs(value)));
  });
}

describe.each(Object.entries(cases))("%s", (_, of) => {
  test("agrees with the reference", async () => {
    const expected = await run(createReference(), of);
    const one = await run(await createNative({ threads: 1 }), of);
    expectNear(one.numbers, expected.numbers);
    const two = await run(await createNative({ threads: 2 }), of);
    expect(two).toEqual(one);
  });

  test("values computed again give the numbers of whole steps", async () => {
    const machine = await createNative({ threads: 1 });
    const whole = await run(machine, of);
    expectNear((await run(machine, of, { recompute: 1 })).numbers, whole.numbers);
  });
});

test("where memory is short, a classifier's batch is divided, not its few logits", async () => {
  const machine = await createNative({ threads: 1 });
  const architecture = defineArchitecture({ ...image, width: 64, length: 64, pool: "average" });
  const options = optionsOf("classification", { batch: 64, length: 64 });
  const { step } = fitStep(machine, architecture, options, { besideBytes: 0 }).loaded;
  expect(step.options.microBatches).toBe(1);
  const limited = { ...machine, memoryLimit: 16 * 2 ** 20, load: machine.load.bind(machine) };
  const { loaded, note } = fitStep(limited, architecture, options, { besideBytes: 0 });
  expect(loaded.step.options.microBatches).toBeGreaterThan(1);
  expect(loaded.step.options.lossParts).toBe(1);
  expect(note).toMatch(/the batch in \d+ parts/);
});
