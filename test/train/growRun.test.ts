// Runs that are made larger go on where they stood.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError, WorkError } from "../../src/errors.ts";
import type { GrowthStep } from "../../src/growth/steps.ts";
import type { StepEvent, TrainEvent } from "../../src/train/events.ts";
import { type GrowOptions, growRun } from "../../src/train/growRun.ts";
import { resume } from "../../src/train/resume.ts";
import { readConfiguration } from "../../src/train/runFolder.ts";
import { train } from "../../src/train/train.ts";
import { collect, tinyRun, unsteadyMachine } from "./harness.ts";

const machine = createReference();
let base: string;
let text: string;
/** Stopped after 6 of 12 steps, without dropout. */
let stopped: string;
/** The same run, to its end. */
let whole: TrainEvent[];
let counter = 0;
const freshFolder = () => join(base, `run${counter++}`);

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "scantling-grow-"));
  text = join(base, "abc.txt");
  writeFileSync(text, "abcd".repeat(60));
  const architecture = { length: 4, width: 8, heads: 2, feedforward: 8 };
  stopped = await stoppedRun({ architecture });
  const copy = freshFolder();
  cpSync(stopped, copy, { recursive: true });
  whole = await collect(resume({ machine, folder: copy }));
}, 60_000);
afterAll(() => rmSync(base, { recursive: true, force: true }));

async function stoppedRun(more: Parameters<typeof tinyRun>[2]): Promise<string> {
  const folder = freshFolder();
  const stop = new AbortController();
  await collect(train(tinyRun(folder, text, { ...more, signal: stop.signal })), 6, () => stop.abort());
  return folder;
}

const steps: GrowthStep[] = [
  { grow: "settings", to: { feedforward: 12, headWidth: 6 } },
  { grow: "width", to: 12 },
  { grow: "layers", add: 1, at: "last" },
];

async function grown(folder: string, more: Partial<GrowOptions> = {}): Promise<string> {
  const out = freshFolder();
  await growRun({ folder, out, machine, steps, ...more });
  return out;
}

const stepsOf = (events: readonly TrainEvent[]) =>
  events.filter((event): event is StepEvent => event.kind === "step");
const bytesOf = (folder: string, step: number) =>
  ["model.safetensors", "optimizer.safetensors"].map((file) =>
    readFileSync(join(folder, "checkpoints", String(step), file)),
  );

test("a grown run goes on with the next batch, at its rate, from the loss it had", async () => {
  const events = stepsOf(await collect(resume({ machine, folder: await grown(stopped) })));
  const [next, expected] = [events[0]!, stepsOf(whole)[0]!];
  expect(events.map(({ step }) => step)).toEqual([7, 8, 9, 10, 11, 12]);
  expect(next.loss).toBeCloseTo(expected.loss, 6);
  expect(events.map(({ rate }) => rate)).toEqual(stepsOf(whole).map(({ rate }) => rate));
});

test.each(["adamw", "muon"])(
  "with %s it stops and goes on with the same bits, grown twice",
  async (optimizer) => {
    const { training } = tinyRun("", text);
    const start = await stoppedRun({ training: { ...training, optimizer } });
    const once = await grown(start);
    const stop = new AbortController();
    await collect(resume({ machine, folder: once, signal: stop.signal }), 8, () => stop.abort());
    const folder = await grown(once, { steps: [{ grow: "settings", to: { feedforward: 16 } }] });
    const copy = freshFolder();
    cpSync(folder, copy, { recursive: true });
    await collect(resume({ machine, folder }));
    const again = new AbortController();
    await collect(resume({ machine, folder: copy, signal: again.signal }), 9, () => again.abort());
    await collect(resume({ machine, folder: copy }));
    expect(bytesOf(copy, 12)).toEqual(bytesOf(folder, 12));
  },
  30_000,
);

describe("on request", () => {
  test("the schedule begins again", async () => {
    const events = stepsOf(
      await collect(resume({ machine, folder: await grown(stopped, { schedule: "restart" }) })),
    );
    // Two steps of warm-up.
    expect(events.map(({ step }) => step)).toEqual([7, 8, 9, 10, 11, 12]);
    expect(events.slice(0, 3).map(({ rate }) => rate)).toEqual([0.015, 0.03, 0.03]);
    expect(events.at(-1)!.rate).toBeLessThan(0.01);
  });

  test("the new run begins from the start, with a fresh optimiser", async () => {
    const events = stepsOf(await collect(resume({ machine, folder: await grown(stopped, { fresh: true }) })));
    expect(events.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  });
});

test("a run that has come to its end goes on when it is given more steps", async () => {
  const folder = freshFolder();
  await collect(train(tinyRun(folder, text)));
  const out = await grown(folder, { schedule: "restart" });
  expect(readConfiguration(out).training.schedule.start).toBe(12);
  expect((await collect(resume({ machine, folder: out }))).at(-1)).toMatchObject({
    reason: "done",
    step: 12,
  });
  const more = await collect(resume({ machine, folder: out, changes: { steps: 16 } }));
  expect(stepsOf(more).map(({ step }) => step)).toEqual([13, 14, 15, 16]);
  expect(stepsOf(more)[0]!.rate).toBe(0.015);
});

test("both networks are compared on the run's own validation data, where it is there", async () => {
  const made = await growRun({ folder: stopped, out: freshFolder(), machine, steps });
  for (const { float64 } of [made.proof, made.proof.data!]) {
    expect(float64.largest).toBeLessThanOrEqual(1e-12 * float64.scale);
  }
  expect(made.proof.data!.float64.scale).not.toBe(made.proof.float64.scale);
  expect(made.notes).toEqual([]);
  const content = readFileSync(text);
  writeFileSync(text, "other ".repeat(60));
  try {
    const blind = await growRun({ folder: stopped, out: freshFolder(), machine, steps });
    expect(blind.proof.data).toBeNull();
    expect(blind.notes).toEqual([expect.stringMatching(/^not compared on the run's own data: /)]);
  } finally {
    writeFileSync(text, content);
  }
});

test("where the larger network computes something else nothing is written, unless that is asked for", async () => {
  const out = freshFolder();
  const options = { folder: stopped, out, steps };
  const refused = growRun({ ...options, machine: unsteadyMachine() });
  await expect(refused).rejects.toThrow(
    /logits on random tokens differ by 0\.0\d+ in float32.*nothing is written$/,
  );
  await expect(refused).rejects.toThrow(WorkError);
  expect(existsSync(out)).toBe(false);
  const made = await growRun({ ...options, machine: unsteadyMachine(), unproven: true });
  expect(made.proof.float32.largest).toBeGreaterThan(0.009);
  expect(existsSync(out)).toBe(true);
});

test("a checkpoint that is not there is refused", async () => {
  await expect(grown(stopped, { checkpoint: 99 })).rejects.toThrow(RequestError);
});

describe("other methods", () => {
  const wider: GrowthStep[] = [{ grow: "settings", to: { feedforward: 12 } }];

  test("that look at data look at the run's own", async () => {
    const out = freshFolder();
    const made = await growRun({ folder: stopped, out, machine, steps: wider, method: "gradmax" });
    expect(made).toMatchObject({ step: 6, method: { name: "gradmax", preserves: true }, notes: [] });
    expect(made.proof.float64.largest).toBeLessThanOrEqual(1e-12 * made.proof.float64.scale);
    const next = stepsOf(await collect(resume({ machine, folder: out })))[0]!;
    expect(next.loss).toBeCloseTo(stepsOf(whole)[0]!.loss, 6);
    const content = readFileSync(text);
    writeFileSync(text, "other ".repeat(60));
    try {
      const blind = growRun({ folder: stopped, out: freshFolder(), machine, steps: wider, method: "ligo" });
      await expect(blind).rejects.toThrow(/^data: .* is not what the run .* was trained on/);
    } finally {
      writeFileSync(text, content);
    }
  });

  test("that learn take FLOPs, and memory that must be there", async () => {
    const out = freshFolder();
    const made = await growRun({ folder: stopped, out, machine, steps: wider, method: "ligo" });
    const spent = stepsOf(whole)[0]!.flops / 7;
    // Six steps of the run, and 100 of a larger network that most of its weights need no gradients in.
    expect(made.flops).toBeGreaterThan(60 * spent);
    const stop = new AbortController();
    const next = stepsOf(
      await collect(resume({ machine, folder: out, signal: stop.signal }), 1, () => stop.abort()),
    );
    expect(next[0]).toMatchObject({ step: 1 });
    expect(next[0]!.flops).toBeGreaterThan(made.flops);
    const plain = await growRun({ folder: stopped, out: freshFolder(), machine, steps: wider });
    expect(plain.flops).toBeCloseTo(6 * spent, 3);
    const small = { ...machine, memoryLimit: 1e3 };
    const refused = growRun({
      folder: stopped,
      out: freshFolder(),
      machine: small,
      steps: wider,
      method: "ligo",
    });
    await expect(refused).rejects.toThrow(RequestError);
    await expect(refused).rejects.toThrow(/^grow: this method learns on the run's data, which takes [^\n]+$/);
    const aborted = growRun({
      ...{ folder: stopped, out: join(base, "never"), machine, steps: wider, method: "ligo" },
      signal: AbortSignal.abort(new Error("enough")),
    });
    await expect(aborted).rejects.toThrow("enough");
    expect(existsSync(join(base, "never"))).toBe(false);
  });

  test("that copy go on where the run stood, with what its optimiser knew", async () => {
    const out = freshFolder();
    const made = await growRun({ folder: stopped, out, machine, steps: wider, method: "net2net", noise: 20 });
    expect(made.step).toBe(6);
    const next = stepsOf(await collect(resume({ machine, folder: out })))[0]!;
    expect(next).toMatchObject({ step: 7, rate: stepsOf(whole)[0]!.rate });
    expect(next.loss).toBeCloseTo(stepsOf(whole)[0]!.loss, 6);
  });
});
