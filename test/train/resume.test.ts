// Runs that stop at any moment and go on: the same bits, told where they cannot be the same; what may change then.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Machine, Store } from "../../src/backend/machine.ts";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError } from "../../src/errors.ts";
import { readCheckpoint } from "../../src/train/checkpoint.ts";
import type { EndEvent, StartEvent, TrainEvent } from "../../src/train/events.ts";
import { readLog } from "../../src/train/log.ts";
import { openModel } from "../../src/train/model.ts";
import { resume } from "../../src/train/resume.ts";
import { readConfiguration } from "../../src/train/runFolder.ts";
import { type TrainOptions, train } from "../../src/train/train.ts";
import { collect, failure, tinyRun } from "./harness.ts";

let base: string;
let text: string;
/** A finished run of twelve steps. */
let finished: string;
let finishedEvents: TrainEvent[];
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "scantling-resume-"));
  text = join(base, "abc.txt");
  writeFileSync(text, "abcd".repeat(60));
  finished = freshFolder();
  finishedEvents = await collect(train(optionsOf(finished)));
}, 60_000);
afterAll(() => rmSync(base, { recursive: true, force: true }));

let counter = 0;
const freshFolder = () => join(base, `run${counter++}`);
const optionsOf = (folder: string, more: Partial<TrainOptions> = {}) => tinyRun(folder, text, more);
const copyOfFinished = () => {
  const folder = freshFolder();
  cpSync(finished, folder, { recursive: true });
  return folder;
};

const kinds = (events: readonly TrainEvent[]) => events.map(({ kind }) => kind);
const losses = (events: readonly TrainEvent[]) =>
  events.flatMap((event) =>
    event.kind === "step" || event.kind === "evaluation" ? [[event.step, event.kind, event.loss]] : [],
  );
const bytesOf = (folder: string, step: number) =>
  ["model.safetensors", "optimizer.safetensors"].map((file) =>
    readFileSync(join(folder, "checkpoints", String(step), file)),
  );

/** A machine that calls `after` when a program has run. */
function watched(after: () => void): Machine {
  const machine = createReference();
  return {
    ...machine,
    load: (program) => {
      const executable = machine.load(program);
      const run = async (store: Store) => {
        await executable.run(store);
        after();
      };
      return { ...executable, run };
    },
  };
}

test("a run that is aborted at any moment, in samples and evaluations too, comes to the same end", async () => {
  const training = { ...optionsOf("").training, sampleEvery: 4, evaluateEvery: 4, steps: 8 };
  const told = (folder: string) =>
    readLog(folder)
      .filter(({ kind }) => kind === "step" || kind === "evaluation" || kind === "sample")
      .map(({ kind, step, loss, text: written }) => [kind, step, loss ?? written]);
  let programs = 0;
  const whole = freshFolder();
  // The first program after each of these: of a step, a sample, an evaluation.
  const moments: number[] = [];
  for await (const event of train(optionsOf(whole, { training, machine: watched(() => programs++) }))) {
    if (event.kind === "start" || event.kind === "sample") moments.push(programs + 1);
    if (event.kind === "step" && event.step % 4 === 0) moments.push(programs + 1, programs + 40);
  }
  expect(moments).toHaveLength(7);
  for (const at of moments) {
    const folder = freshFolder();
    const stop = new AbortController();
    let left = at;
    const machine = watched(() => --left === 0 && stop.abort());
    const first = await collect(train(optionsOf(folder, { training, machine, signal: stop.signal })));
    expect(first.at(-1)).toMatchObject({ kind: "end", reason: "aborted" });
    // Little more than the program at work is waited for.
    expect(left).toBeGreaterThan(-3);
    const second = await collect(resume({ machine: createReference(), folder }));
    expect(told(folder)).toEqual(told(whole));
    expect(second.at(-1)).toMatchObject({ kind: "end", reason: "done", step: 8 });
    expect(bytesOf(folder, 8)).toEqual(bytesOf(whole, 8));
    const manifest = (of: string) => readCheckpoint(join(of, "checkpoints"), 8).manifest;
    expect(manifest(folder)).toEqual(manifest(whole));
  }
}, 60_000);

test.each(["adamw", "muon", "lamb", "sgd"])(
  "%s goes on with the same bits, in micro-batches and epochs",
  async (optimizer) => {
    const order = "epochs" as const;
    const training = { ...optionsOf("").training, optimizer, microBatches: 2, order, clip: 0.1 };
    const [whole, folder] = [freshFolder(), freshFolder()];
    await collect(train(optionsOf(whole, { training })));
    const stop = new AbortController();
    await collect(train(optionsOf(folder, { training, signal: stop.signal })), 7, () => stop.abort());
    await collect(resume({ machine: createReference(), folder }));
    expect(bytesOf(folder, 12)).toEqual(bytesOf(whole, 12));
  },
  30_000,
);

describe("what may change when a run goes on", () => {
  test("the number of steps: a constant rate gives the bits of a run that was asked for as many at once", async () => {
    const schedule = { rate: 0.03, decay: "constant" as const };
    const training = { steps: 12, batch: 4, evaluateEvery: 5, schedule };
    const [short, long] = [freshFolder(), freshFolder()];
    await collect(train(optionsOf(short, { training })));
    await collect(train(optionsOf(long, { training: { ...training, steps: 20 } })));
    const changes = { steps: 20, keep: 5 };
    const [start] = await collect(resume({ machine: createReference(), folder: short, changes }));
    expect(start).toMatchObject({ kind: "start", step: 12, notBitwise: null });
    expect(start).toHaveProperty("notes", [
      "20 steps instead of 12: the learning rate was 0.03 and goes on at 0.03",
    ]);
    expect(bytesOf(short, 20)).toEqual(bytesOf(long, 20));
    expect(readdirSync(join(short, "checkpoints")).sort()).toEqual(["10", "12", "15", "20", "5"]);
    // The run keeps its new settings, and its older checkpoints are its own.
    expect(readConfiguration(short).training).toMatchObject(changes);
    expect(openModel(createReference(), short, 10).step).toBe(10);
    for (const step of ["15", "20"]) rmSync(join(short, "checkpoints", step), { recursive: true });
    expect(kinds(await collect(resume({ machine: createReference(), folder: short })))[0]).toBe("damaged");
    expect(bytesOf(short, 20)).toEqual(bytesOf(long, 20));
  }, 30_000);

  test("a schedule that had come to its end goes up again, which is said", async () => {
    const request = { machine: createReference(), folder: copyOfFinished(), changes: { steps: 24 } };
    const [start] = await collect(resume(request));
    const note = /^24 steps instead of 12: the learning rate was (.*) and goes on at (.*)$/;
    const [, before, after] = note.exec((start as StartEvent).notes.at(-1)!)!;
    expect(Number(after)).toBeGreaterThan(2 * Number(before));
  });

  test.each([
    [{ steps: 11 }, "steps is 11 and the run in"],
    [{ steps: 1 }, "warmup 2"],
    [{ keep: 0 }, "keep is 0"],
  ])("not to what cannot be: %j", async (changes, message) => {
    const folder = copyOfFinished();
    const configuration = readFileSync(join(folder, "config.json"), "utf8");
    const said = await failure(resume({ machine: createReference(), folder, changes }), RequestError);
    expect(said).toContain(message);
    expect(readFileSync(join(folder, "config.json"), "utf8")).toBe(configuration);
  });
});

test("a resume where bits can differ says so", async () => {
  const on = (identity: string): Machine => ({ ...createReference(), identity });
  const [folder, copy] = [freshFolder(), freshFolder()];
  const stop = new AbortController();
  const first = optionsOf(folder, { machine: on("CPU A, cc 12"), signal: stop.signal });
  await collect(train(first), 3, () => stop.abort());
  cpSync(folder, copy, { recursive: true });
  const [same] = await collect(resume({ machine: on("CPU A, cc 12"), folder: copy }));
  expect(same).toHaveProperty("notBitwise", null);
  const [other] = await collect(resume({ machine: on("CPU B, cc 12"), folder }));
  expect(other).toHaveProperty(
    "notBitwise",
    "the checkpoint was made by backend reference (CPU A, cc 12), this is backend reference (CPU B, cc 12)",
  );
});

test("a clock that jumps changes nothing", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const folder = freshFolder();
    const events: TrainEvent[] = [];
    for await (const event of train(optionsOf(folder))) {
      vi.setSystemTime(event.kind === "step" && event.step % 2 === 0 ? 0 : 4e13);
      events.push(event);
    }
    expect(losses(events)).toEqual(losses(finishedEvents));
    expect(bytesOf(folder, 12)).toEqual(bytesOf(finished, 12));
    const { seconds } = events.at(-1) as EndEvent;
    expect(seconds > 0 && seconds < 100).toBe(true);
    const speeds = events.flatMap((event) => (event.kind === "step" ? [event.tokensPerSecond] : []));
    expect(Math.min(...speeds)).toBeGreaterThan(0);
  } finally {
    vi.useRealTimers();
  }
});
