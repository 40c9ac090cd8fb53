// Memory of a step: what is predicted, how a step is made to fit, and that it trains the same model then.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Architecture, defineArchitecture } from "../../src/architecture/architecture.ts";
import type { Machine, ProgramNeeds } from "../../src/backend/machine.ts";
import { createNative } from "../../src/backend/native/index.ts";
import { createReference } from "../../src/backend/reference.ts";
import { createWasm } from "../../src/backend/wasm/index.ts";
import { RequestError } from "../../src/errors.ts";
import type { StartEvent } from "../../src/train/events.ts";
import { collectGarbage } from "../../src/train/garbage.ts";
import { memoryWarning, predictMemory, residentBytes, stepNeeds } from "../../src/train/memory.ts";
import { fitStep, loadStep, type Planner } from "../../src/train/memoryPlan.ts";
import { createOptimizer } from "../../src/train/optimizers.ts";
import { resume } from "../../src/train/resume.ts";
import { readConfiguration } from "../../src/train/runFolder.ts";
import type { StepOptions } from "../../src/train/step.ts";
import { train } from "../../src/train/train.ts";
import { createTrainer, type Trainer } from "../../src/train/trainer.ts";
import { generator } from "../tensor/harness.ts";
import { collect } from "./harness.ts";

const BATCH = 8;
const VOCABULARY = 40;

const sizes = { vocabulary: VOCABULARY, length: 8, width: 16, layers: 3, heads: 2, standardDeviation: 0.1 };
const plain = defineArchitecture(sizes);
const dropping = defineArchitecture({ ...sizes, dropout: 0.2, tie: true, norm: "rms", positions: "rope" });

function optionsOf({ length }: Architecture, changes: Partial<StepOptions> = {}): StepOptions {
  const optimizer = createOptimizer("adamw");
  return { optimizer, batch: BATCH, length, microBatches: 1, clip: 1, decay: "all", ...changes };
}

async function lossesOf(trainer: Trainer, { length, vocabulary }: Architecture): Promise<number[]> {
  trainer.initialize(3);
  const losses: number[] = [];
  const random = generator(1);
  const draw = () => Int32Array.from({ length: BATCH * length }, () => Math.floor(vocabulary * random()));
  const batch = { inputs: draw(), targets: draw() };
  for (let update = 1; update <= 3; update++) {
    const { loss, gradientNorm, finite } = await trainer.step(batch, update, 0.01, 5);
    expect(finite).toBe(true);
    losses.push(loss, gradientNorm);
  }
  trainer.dispose();
  return losses;
}

function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  actual.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(tolerance * Math.max(1, expected[i]!));
  });
}

const machines: Record<string, { start: () => Promise<Machine>; tolerance: number }> = {
  reference: { start: async () => createReference(), tolerance: 1e-12 },
  native: { start: () => createNative({ threads: 2 }), tolerance: 1e-6 },
  wasm: { start: () => createWasm({ threads: 2 }), tolerance: 1e-6 },
};

describe.each(Object.keys(machines))("on %s the losses stay the same", (name) => {
  const { start, tolerance } = machines[name]!;
  let machine: Machine;
  beforeAll(async () => {
    machine = await start();
  }, 300_000);
  afterAll(() => machine.dispose());
  const losses = (architecture: Architecture, changes: Partial<StepOptions>) =>
    lossesOf(createTrainer(machine, architecture, optionsOf(architecture, changes)), architecture);

  test("where values are computed again, what is dropped out included", async () => {
    for (const architecture of [plain, dropping]) {
      const expected = await losses(architecture, {});
      for (const recompute of [1, 4])
        expectClose(await losses(architecture, { recompute }), expected, tolerance);
    }
  });

  test("in micro-batches, with logits in parts, and with all of it", async () => {
    const expected = await losses(plain, {});
    for (const changes of [
      { microBatches: 4 },
      { lossParts: 4 },
      { microBatches: 2, lossParts: 8, recompute: 2 },
    ]) {
      expectClose(await losses(plain, changes), expected, tolerance);
    }
  });
});

describe("a step that would not fit", () => {
  const deep = defineArchitecture({ ...sizes, length: 256, width: 64, layers: 6, vocabulary: 64 });
  let machine: Machine;
  beforeAll(async () => {
    machine = await createNative({ threads: 2 });
  }, 300_000);
  afterAll(() => machine.dispose());

  test("is made to fit, and trains the same", async () => {
    const options = optionsOf(deep);
    const asked = loadStep(machine, deep, options);
    const needs = stepNeeds(asked)!;
    const memory = residentBytes(needs, 0) - needs.arenaBytes / 2;
    const { loaded, note } = fitStep(machine, deep, options, { memory, besideBytes: 0 });
    expect(note).toMatch(/would be needed, .* may be: the batch in \d parts; \d % more operations$/);
    expect(residentBytes(stepNeeds(loaded)!, 0)).toBeLessThanOrEqual(memory);
    const expected = await lossesOf(createTrainer(machine, deep, asked), deep);
    expectClose(await lossesOf(createTrainer(machine, deep, loaded), deep), expected, 1e-6);
  });

  test("stays as it is where it fits", () => {
    const options = optionsOf(deep);
    const { loaded, note } = fitStep(machine, deep, options, { memory: 1e12, besideBytes: 0 });
    expect(note).toBeNull();
    expect(loaded.step.options).toBe(options);
  });
});

/** Plans like a machine of a fixed size, whatever this process has taken. */
function planner(machine: Machine, memoryLimit: number): Planner<ReturnType<Machine["load"]>> {
  return { name: "wasm", memoryLimit, load: (program) => machine.load(program) };
}

describe("the choice", () => {
  const deep = defineArchitecture({ ...sizes, length: 64, width: 32, layers: 8, vocabulary: 64 });
  let machine: Machine;
  let whole: ProgramNeeds & { storeBytes: number };
  const within = (limit: number, changes: Partial<StepOptions> = {}, architecture = deep) =>
    fitStep(planner(machine, limit / 0.95), architecture, optionsOf(architecture, changes), {
      besideBytes: 0,
    });
  beforeAll(async () => {
    machine = await createNative({ threads: 2 });
    whole = stepNeeds(loadStep(machine, deep, optionsOf(deep)))!;
  }, 300_000);
  afterAll(() => machine.dispose());

  test("is the fewest parts that do", () => {
    const bytes = whole.storeBytes + whole.threadBytes + 0.7 * whole.arenaBytes;
    const { microBatches, recompute } = within(bytes).loaded.step.options;
    expect({ microBatches, recompute }).toEqual({ microBatches: 2, recompute: 0 });
  });

  test("computes values again where the batch cannot be divided, as few as will do", () => {
    const long = { ...deep, length: 1024 };
    const single = stepNeeds(loadStep(machine, long, optionsOf(long, { batch: 1 })))!;
    const flops = [0.85, 0.6].map((share) => {
      const bytes = single.storeBytes + single.threadBytes + share * single.arenaBytes;
      const { loaded } = within(bytes, { batch: 1 }, long);
      expect(loaded.step.options.recompute).toBeGreaterThan(0);
      return stepNeeds(loaded)!.flops;
    });
    expect(flops[0]).toBeGreaterThan(single.flops);
    expect(flops[1]).toBeGreaterThan(flops[0]!);
  });

  test("keeps what the user asked for", () => {
    const bytes = whole.storeBytes + whole.threadBytes + 0.2 * whole.arenaBytes;
    const { microBatches, recompute } = within(bytes, { microBatches: 2, recompute: 4 }).loaded.step.options;
    expect(recompute).toBe(4);
    expect(microBatches % 2).toBe(0);
  });

  test("is refused with the least that would do, which does", () => {
    let least = 0;
    try {
      within(1e5);
    } catch (error) {
      expect(error).toBeInstanceOf(RequestError);
      const { message } = error as RequestError;
      expect(message).toMatch(
        /^memory: the wasm backend has at most .*, and \d+ MiB is the least that would do, with /,
      );
      expect(message).not.toContain("\n");
      least = Number(/and (\d+) MiB/.exec(message)![1]);
    }
    expect(least).toBeGreaterThan(0);
    expect(within((least + 1) * 2 ** 20).note).not.toBeNull();
  });

  test("needs a backend that plans memory", () => {
    const of = () => fitStep(createReference(), plain, optionsOf(plain), { memory: 1e9, besideBytes: 0 });
    expect(of).toThrow(/^memory: the reference backend keeps every value/);
    expect(fitStep(createReference(), plain, optionsOf(plain), { besideBytes: 0 }).note).toBeNull();
  });
});

test("a run within a bound says what it chose, and a resumed one keeps to it", async () => {
  const machine = await createNative({ threads: 2 });
  const base = mkdtempSync(join(tmpdir(), "scantling-memory-"));
  const text = join(base, "text.txt");
  writeFileSync(text, "abcdefgh".repeat(1000));
  const runOf = (name: string, memory?: number) => ({
    ...{ machine, folder: join(base, name), data: { data: text }, memory },
    architecture: { length: 128, width: 64, layers: 4, heads: 2 },
    training: { steps: 1, batch: 16, keep: 1 },
  });
  try {
    const whole = (await collect(train(runOf("whole")))).find(({ kind }) => kind === "start") as StartEvent;
    expect(whole.notes).toEqual([]);
    const { arenaBytes, ...rest } = whole.memory!;
    expect(arenaBytes).toBeGreaterThan(rest.storeBytes);
    const events = await collect(
      train(
        runOf("bounded", residentBytes({ ...rest, arenaBytes, flops: 0 }, rest.besideBytes) - arenaBytes / 2),
      ),
    );
    const start = events.find(({ kind }) => kind === "start") as StartEvent;
    expect(start.notes).toEqual([
      expect.stringMatching(/would be needed, .* may be: the batch in \d+ parts/),
    ]);
    expect(start.memory!.arenaBytes).toBeLessThan(arenaBytes / 2);
    const { training } = readConfiguration(join(base, "bounded"));
    expect(training).toEqual(start.configuration.training);
    expect(training.microBatches).toBeGreaterThan(1);
    const more = await collect(resume({ machine, folder: join(base, "bounded"), changes: { steps: 2 } }));
    const again = more.find(({ kind }) => kind === "start") as StartEvent;
    expect(again.configuration.training).toEqual({ ...training, steps: 2 });
    expect(more.at(-1)).toMatchObject({ kind: "end", reason: "done", step: 2 });
  } finally {
    machine.dispose();
    rmSync(base, { recursive: true, force: true });
  }
}, 120_000);

test("a prediction is the sum of its parts, and warns of what the system has not", () => {
  collectGarbage();
  const needs = { storeBytes: 1e6, arenaBytes: 4e10, threadBytes: 2e6, flops: 1 };
  const prediction = predictMemory(needs, { besideBytes: 3e6 });
  expect(prediction.peakBytes).toBe(prediction.processBytes + 1e6 + 4e10 + 2e6 + 3e6);
  const small = predictMemory({ ...needs, arenaBytes: 0 }, { besideBytes: 0, restoreBytes: 5e6 });
  expect(small.peakBytes).toBeGreaterThanOrEqual(small.processBytes + 1e6 + 5e6);
  expect(memoryWarning(small)).toBeNull();
  expect(memoryWarning({ ...prediction, peakBytes: 1e15 })).toMatch(/are predicted and .* are free/);
  expect(memoryWarning(undefined)).toBeNull();
});
