// Parametrisations: what each does to every kind of parameter, that each of its knobs changes what is computed, that at its
// base it changes nothing, and that runs keep it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type ArchitectureInput, defineArchitecture } from "../../../src/architecture/architecture.ts";
import { createReference } from "../../../src/backend/reference.ts";
import { RequestError } from "../../../src/errors.ts";
import { storedParameters } from "../../../src/growth/plan.ts";
import { primitives } from "../../../src/nn/primitives.ts";
import { initialDeviation } from "../../../src/nn/sources/source.ts";
import { evaluate, input, literal } from "../../../src/tensor/index.ts";
import { createOptimizer } from "../../../src/train/optimizers.ts";
import { parametrise, parametrisedParameters } from "../../../src/train/parametrisation/parametrise.ts";
import { defineParametrisation } from "../../../src/train/parametrisation/settings.ts";
import { resume } from "../../../src/train/resume.ts";
import { readConfiguration } from "../../../src/train/runFolder.ts";
import { defineTraining } from "../../../src/train/settings.ts";
import { train } from "../../../src/train/train.ts";
import { createTrainer } from "../../../src/train/trainer.ts";
import { collect, tinyRun } from "../harness.ts";

const small = (more: Partial<ArchitectureInput> = {}) =>
  defineArchitecture({ vocabulary: 6, length: 4, width: 16, heads: 2, layers: 2, bias: true, ...more });

const table = (more: Partial<ArchitectureInput>, settings: Record<string, unknown>) => {
  const architecture = small(more);
  return parametrisedParameters(
    architecture,
    storedParameters(architecture),
    defineParametrisation(settings),
  );
};

/** The first loss and what a few updates make of it. */
async function losses(more: Partial<ArchitectureInput>, parametrisation: Record<string, unknown>, decay = 0) {
  const to = defineParametrisation(parametrisation);
  const trainer = createTrainer(createReference(), parametrise(small(more), to), {
    optimizer: createOptimizer({ name: "adamw", weightDecay: decay }),
    ...{ batch: 2, length: 4, microBatches: 1, clip: null, decay: "matrices", parametrisation: to },
  });
  trainer.initialize(1);
  const batch = {
    inputs: Int32Array.of(0, 1, 2, 3, 4, 5, 0, 1),
    targets: Int32Array.of(1, 2, 3, 4, 5, 0, 1, 2),
  };
  const seen: number[] = [];
  for (let step = 1; step <= 3; step++) seen.push((await trainer.step(batch, step, 0.02)).loss);
  trainer.dispose();
  return seen;
}

test("muP at twice and CompleteP at four times the base: the table of every role", () => {
  const mup = table({}, { kind: "mup", baseWidth: 8 });
  const hidden = mup.get("block.0.gelu.up.weight")!;
  expect(hidden.factors).toEqual({ rate: 0.5, weightDecay: 2, epsilon: 0.5 });
  expect(initialDeviation(hidden)).toBeCloseTo(0.02 / Math.SQRT2, 12);
  for (const name of ["embedding.tokens", "head.weight", "norm.scale", "block.1.gelu.up.bias"]) {
    expect(mup.get(name)!.factors, name).toEqual({ rate: 1, weightDecay: 1, epsilon: 0.5 });
  }
  expect(initialDeviation(mup.get("head.weight")!)).toBe(0.02);
  const deep = { baseWidth: 8, baseDepth: 1 };
  const complete = table({ layers: 4 }, { kind: "completep", ...deep });
  expect(complete.get("block.0.gelu.up.weight")!.factors).toEqual({
    rate: 0.5,
    weightDecay: 2,
    epsilon: 0.125,
  });
  expect(complete.get("embedding.tokens")!.factors!.epsilon).toBe(0.5);
  const root = table({ layers: 4 }, { kind: "depth-mup", ...deep });
  expect(root.get("block.0.gelu.up.weight")!.factors).toEqual({ rate: 0.25, weightDecay: 2, epsilon: 0.25 });
  expect(root.get("block.0.attention.norm.scale")!.factors!.rate).toBe(0.5);
  const scales = [{ kind: "completep" }, { kind: "depth-mup" }].map(({ kind }) =>
    parametrise(small({ layers: 4 }), defineParametrisation({ kind, ...deep })),
  );
  expect(scales.map(({ logitScale, residualScale }) => [logitScale, residualScale])).toEqual([
    [0.5, 0.25],
    [0.5, 0.5],
  ]);
});

test("a matrix whose own initialiser goes by its inputs is not made smaller twice, and a router is an output", () => {
  const to = { kind: "mup", baseWidth: 4 };
  const own = storedParameters(small({ stripe: ["mamba"], heads: undefined, bias: undefined } as never));
  const mamba = table({ stripe: ["mamba"], heads: undefined, bias: undefined } as never, to);
  for (const [name, declaration] of mamba) {
    if (!name.includes("mamba") || declaration.role !== "hidden") continue;
    if (declaration.initializer.kind !== "uniform") continue;
    expect(initialDeviation(declaration), name).toBeCloseTo(initialDeviation(own.get(name)!)!, 12);
  }
  const experts = table({ stripe: ["moe"], heads: undefined, bias: undefined } as never, to);
  const router = [...experts].find(([name]) => name.includes("router"))!;
  expect(router[1].factors!.rate).toBe(0.25);
  expect(initialDeviation(router[1])).toBeCloseTo(0.02 / 4, 12);
});

test("every primitive can be had in every parametrisation", () => {
  for (const name of primitives.keys()) {
    const architecture = defineArchitecture({
      ...{ vocabulary: 6, length: 16, width: 64, stripe: [name], allowNonCausal: true },
    });
    const to = defineParametrisation({ kind: "completep", baseWidth: 32, baseDepth: 1 });
    const parameters = parametrisedParameters(architecture, storedParameters(architecture), to);
    const rates = [...parameters.values()].map(({ factors }) => factors!.rate);
    expect(
      rates.every((rate) => rate === 1 || rate === 0.5),
      name,
    ).toBe(true);
    if (name !== "nonlinearity") expect(rates, name).toContain(0.5);
  }
});

test("a width at whose double a default would not divide keeps the sizes that it was given", () => {
  // Mamba-2's heads are 64 wide by default, which does not divide the 224 features of a model of width 112.
  const stripe = [{ primitive: "mamba2", headWidth: 16 }];
  const mamba = table({ stripe, width: 56, heads: undefined, bias: undefined } as never, {
    ...{ kind: "mup", baseWidth: 28 },
  });
  const hidden = [...mamba].filter(([name, { role }]) => name.includes("mamba2") && role === "hidden");
  expect(hidden.map(([, { factors }]) => factors!.rate)).toContain(0.5);
});

test("at its base width and depth each is the standard one, bit for bit", async () => {
  const expected = await losses({}, { kind: "standard" });
  for (const kind of ["mup", "depth-mup", "completep"]) {
    const base = { baseWidth: 16, baseHeadWidth: 8, ...(kind === "mup" ? {} : { baseDepth: 2 }) };
    expect(await losses({}, { kind, ...base }), kind).toEqual(expected);
  }
});

test("multipliers of logits, residual branches and attention change the loss", async () => {
  const [plain] = await losses({}, { kind: "standard" });
  const first = async (more: Partial<ArchitectureInput>) => (await losses(more, { kind: "standard" }))[0];
  expect(await first({ logitScale: 0.5 })).not.toBe(plain);
  expect(await first({ residualScale: 0.5 })).not.toBe(plain);
  expect(await first({ baseHeadWidth: 2 })).not.toBe(plain);
  expect(await first({ baseHeadWidth: 8, logitScale: 1, residualScale: 1 })).toBe(plain);
});

test("rates, weight decay and epsilon of a parameter change its update, and by what they say", () => {
  const optimizer = createOptimizer({ name: "adamw", weightDecay: 0.1, epsilon: 0.5 });
  const updated = (factors: { rate: number; weightDecay: number; epsilon: number }) => {
    const parameter = {
      ...({ name: "p", shape: [1], role: "hidden", decays: true, factors } as const),
      initializer: { kind: "constant", value: 0 } as const,
    };
    const states = { momentum: literal([0], [1]), variance: literal([0], [1]) };
    const scalars = Object.fromEntries(
      Object.entries(optimizer.scalars(1, 0.1)).map(([name, value]) => [name, literal([value], [])]),
    );
    const { value } = optimizer.update(parameter, literal([2], [1]), input("g", [1]), states, scalars);
    return evaluate([value], { g: { shape: [1], data: Float64Array.of(3) } })[0]!.data[0]!;
  };
  const rule = (rate: number, decay: number, epsilon: number) =>
    2 * (1 - rate * decay) - (rate * 3) / (3 + epsilon);
  expect(updated({ rate: 1, weightDecay: 1, epsilon: 1 })).toBeCloseTo(rule(0.1, 0.1, 0.5), 6);
  expect(updated({ rate: 0.5, weightDecay: 1, epsilon: 1 })).toBeCloseTo(rule(0.05, 0.1, 0.5), 6);
  expect(updated({ rate: 1, weightDecay: 4, epsilon: 1 })).toBeCloseTo(rule(0.1, 0.4, 0.5), 6);
  expect(updated({ rate: 1, weightDecay: 1, epsilon: 0.25 })).toBeCloseTo(rule(0.1, 0.1, 0.125), 6);
});

test("a head that begins at zeros gives every token the same chance", async () => {
  const [loss] = await losses({}, { kind: "mup", baseWidth: 8, zeroHead: true });
  expect(loss).toBeCloseTo(Math.log(6), 6);
});

test("a run keeps its parametrisation, and goes on with it", async () => {
  const base = mkdtempSync(join(tmpdir(), "scantling-parametrisation-"));
  try {
    const text = join(base, "abc.txt");
    writeFileSync(text, "abcd".repeat(60));
    const parametrisation = { kind: "completep", baseWidth: 4, baseDepth: 2 };
    const training = { ...tinyRun("", text).training!, parametrisation };
    const whole = tinyRun(join(base, "whole"), text, { training });
    await collect(train(whole));
    const { architecture, training: kept } = readConfiguration(whole.folder);
    expect(kept.parametrisation).toEqual({ ...parametrisation, zeroHead: false });
    expect([architecture.logitScale, architecture.residualScale]).toEqual([0.5, 2]);
    const controller = new AbortController();
    const parts = tinyRun(join(base, "parts"), text, { training, signal: controller.signal });
    await collect(train(parts), 7, () => controller.abort());
    const { machine, folder } = parts;
    const end = (await collect(resume({ machine, folder }))).at(-1)!;
    const straight = (await collect(resume({ machine, folder: whole.folder }))).at(-1)!;
    expect(end.kind === "end" && end.best).toEqual(straight.kind === "end" && straight.best);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});

test("what cannot be is refused in one line", () => {
  const refused = (run: () => unknown) => {
    expect(run).toThrow(RequestError);
    try {
      run();
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  expect(refused(() => defineTraining({ parametrisation: "mupp" }))).toMatch(/did you mean mup\?$/);
  expect(refused(() => defineTraining({ parametrisation: "mup" }))).toMatch(/baseWidth is missing/);
  expect(
    refused(() => defineTraining({ optimizer: "muon", parametrisation: { kind: "mup", baseWidth: 8 } })),
  ).toMatch(/muon; expected adamw/);
  const deep = defineParametrisation({ kind: "completep", baseWidth: 8, baseDepth: 1 });
  expect(refused(() => parametrise(small({ block: "none" }), deep))).toMatch(/no residual path/);
});
