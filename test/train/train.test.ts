// Whole runs on tiny models and the reference backend: they learn, stop, resume with the same bits, and refuse what is
// wrong without leaving anything half done.
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError, WorkError } from "../../src/errors.ts";
import type { TrainEvent } from "../../src/train/events.ts";
import { readLog } from "../../src/train/log.ts";
import { openModel } from "../../src/train/model.ts";
import { resume } from "../../src/train/resume.ts";
import type { RunOptions } from "../../src/train/run.ts";
import { createTextSampler } from "../../src/train/sample.ts";
import { type TrainOptions, train } from "../../src/train/train.ts";
import { collect, failure, tinyRun } from "./harness.ts";

let base: string;
let text: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "scantling-train-"));
  text = join(base, "abc.txt");
  writeFileSync(text, "abcd".repeat(60));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

let counter = 0;
const freshFolder = () => join(base, `run${counter++}`);
const optionsOf = (folder: string, more: Partial<TrainOptions> = {}) => tinyRun(folder, text, more);

const kinds = (events: readonly TrainEvent[]) => events.map(({ kind }) => kind);
const losses = (events: readonly TrainEvent[]) =>
  events.flatMap((event) =>
    event.kind === "step" || event.kind === "evaluation" ? [[event.step, event.kind, event.loss]] : [],
  );
const bytesOf = (folder: string, step: number) =>
  ["model.safetensors", "optimizer.safetensors"].map((file) =>
    readFileSync(join(folder, "checkpoints", String(step), file)),
  );

/** One finished run that the tests below read, and copy before they spoil it. */
let finished: string;
let finishedEvents: TrainEvent[];
beforeAll(async () => {
  finished = freshFolder();
  finishedEvents = await collect(train(optionsOf(finished)));
}, 60_000);

const copyOfFinished = () => {
  const folder = freshFolder();
  cpSync(finished, folder, { recursive: true });
  return folder;
};

describe("a run", () => {
  test("tells what happens, in order", () => {
    const steps = (count: number) => Array<string>(count).fill("step");
    expect(kinds(finishedEvents)).toEqual([
      "start",
      ...steps(5),
      "evaluation",
      "checkpoint",
      ...steps(5),
      "evaluation",
      "checkpoint",
      ...steps(2),
      "evaluation",
      "checkpoint",
      "end",
    ]);
    expect(finishedEvents.at(-1)).toMatchObject({ kind: "end", reason: "done", step: 12 });
    const last = finishedEvents.findLast((event) => event.kind === "step");
    expect(last).toMatchObject({ step: 12, steps: 12, tokens: 12 * 4 * 4, shareOfPeak: null });
    expect(last!.tokensPerSecond).toBeGreaterThan(0);
  });

  test("leaves a configuration, a log, and checkpoints", () => {
    expect(readdirSync(finished).sort()).toEqual(["checkpoints", "config.json", "log.jsonl"]);
    const evaluations = finishedEvents.filter((event) => event.kind === "evaluation");
    expect(evaluations.map(({ step }) => step)).toEqual([5, 10, 12]);
    expect(readdirSync(join(finished, "checkpoints")).sort()).toEqual(["10", "12", "5"]);
    const configuration = JSON.parse(readFileSync(join(finished, "config.json"), "utf8"));
    expect(configuration.architecture).toMatchObject({
      vocabulary: 5,
      positions: "learned",
      stripe: [{ heads: 2 }, {}],
    });
    expect(configuration.training.optimizer).toMatchObject({ name: "adamw", beta2: 0.999 });
    const records = readLog(finished);
    expect(records.filter(({ kind }) => kind === "step").map(({ loss }) => loss)).toEqual(
      finishedEvents.flatMap((event) => (event.kind === "step" ? [event.loss] : [])),
    );
  });

  test("learns a sequence that repeats, and samples it", async () => {
    const folder = freshFolder();
    const training = { steps: 60, batch: 4, schedule: { rate: 0.03 }, sampleEvery: 60 };
    const architecture = { length: 4, width: 8, heads: 2, feedforward: 8 };
    const events = await collect(train(optionsOf(folder, { training, architecture })));
    const evaluations = events.filter((event) => event.kind === "evaluation");
    expect(evaluations.at(-1)!.loss).toBeLessThan(0.1);
    const sample = events.find((event) => event.kind === "sample");
    expect(sample!.text.length).toBe(200);
    expect(sample!.text.split("abcd").length).toBeGreaterThan(35);
    const machine = createReference();
    const model = openModel(machine, folder);
    expect(model.best).toEqual({ step: model.step, loss: Math.min(...evaluations.map(({ loss }) => loss)) });
    const sampler = createTextSampler(machine, model.architecture, model.store);
    const drawn: number[] = [];
    const prompt = model.tokenizer!.encode("bc");
    for await (const token of sampler.sample({ prompt, tokens: 7, temperature: 0 })) drawn.push(...token);
    expect(model.tokenizer!.decode(drawn)).toBe("dabcdab");
  }, 30_000);

  test("is the same again with the same seed and another with another", async () => {
    const [again, other] = [freshFolder(), freshFolder()];
    expect(losses(await collect(train(optionsOf(again))))).toEqual(losses(finishedEvents));
    const training = { ...optionsOf(other).training, seed: 4 };
    expect(losses(await collect(train(optionsOf(other, { training }))))).not.toEqual(losses(finishedEvents));
  }, 30_000);
});

describe("a run that was aborted", () => {
  test.each([3, 5])(
    "after step %i goes on with the same bits",
    async (stopAfter) => {
      const folder = freshFolder();
      const controller = new AbortController();
      const first = await collect(train(optionsOf(folder, { signal: controller.signal })), stopAfter, () =>
        controller.abort(),
      );
      expect(first.at(-1)).toMatchObject({ kind: "end", reason: "aborted", step: stopAfter });
      const second = await collect(resume({ machine: createReference(), folder }));
      expect(second[0]).toMatchObject({ kind: "start", step: stopAfter, notBitwise: null });
      expect(losses([...first, ...second])).toEqual(losses(finishedEvents));
      expect(bytesOf(folder, 12)).toEqual(bytesOf(finished, 12));
      expect(readLog(folder).map(({ kind }) => kind)).toContain("resume");
    },
    30_000,
  );

  test("without notice goes on from its last checkpoint, and the log keeps the last record of a step", async () => {
    const folder = freshFolder();
    for await (const event of train(optionsOf(folder))) if (event.kind === "step" && event.step === 8) break;
    appendFileSync(join(folder, "log.jsonl"), '{"kind":"step","st');
    const second = await collect(resume({ machine: createReference(), folder }));
    expect(second[0]).toMatchObject({ kind: "start", step: 5 });
    expect(bytesOf(folder, 12)).toEqual(bytesOf(finished, 12));
    const steps = readLog(folder).filter(({ kind }) => kind === "step");
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  }, 30_000);

  test("before its first checkpoint begins again", async () => {
    const folder = freshFolder();
    for await (const event of train(optionsOf(folder))) if (event.kind === "step") break;
    const events = await collect(resume({ machine: createReference(), folder }));
    expect(losses(events)).toEqual(losses(finishedEvents));
  }, 30_000);

  test("when already done ends at once", async () => {
    const events = await collect(resume({ machine: createReference(), folder: copyOfFinished() }));
    expect(kinds(events)).toEqual(["start", "end"]);
  });
});

describe("numbers that go bad", () => {
  test("stop the run, name step, rate and tensor, and keep the last checkpoint", async () => {
    const folder = freshFolder();
    // The rate is harmless in the warm-up's first steps and beyond all numbers after it.
    const training = {
      steps: 9,
      batch: 2,
      evaluateEvery: 1,
      clip: null,
      schedule: { rate: 1e200, warmup: 9 },
      optimizer: "sgd",
    };
    const events: TrainEvent[] = [];
    const run = async () => {
      for await (const event of train(optionsOf(folder, { training }))) events.push(event);
    };
    await expect(run()).rejects.toThrow(WorkError);
    const bad = events.at(-1)!;
    expect(bad).toMatchObject({ kind: "nonFinite", step: 2, lastCheckpoint: 1, rate: (1e200 * 2) / 9 });
    expect(bad).toHaveProperty("tensor", expect.stringMatching(/^(embedding|block|norm|logits|gradient)/));
    await expect(collect(resume({ machine: createReference(), folder }))).rejects.toThrow(
      /^step 2: loss .*learning rate 2.2\d*e\+199; first bad tensor: .*checkpoint of step 1 is kept in .*checkpoints.1: /,
    );
    expect(readdirSync(join(folder, "checkpoints"))).toEqual(["1"]);
    expect(readLog(folder).at(-1)).toMatchObject({ kind: "nonFinite", step: 2 });
  }, 30_000);
});

describe("a damaged configuration is refused by name", () => {
  test.each<[string, (content: string) => string, string]>([
    ["empty", () => "", "is damaged: it is not JSON"],
    ["cut short", (content) => content.slice(0, -20), "is damaged: it is not JSON"],
    ["not an object", () => "null", "is damaged: it is not an object"],
    ["changed", (content) => content.replace('"steps": 12', '"steps": 13'), "was changed"],
    ["of a later version", (content) => content.replace("run 1", "run 9"), 'the format "scantling run 9"'],
    ["with a part missing", (content) => content.replace('"tokenizer"', '"tokeniser"'), "is damaged"],
  ])("%s", async (_, change, message) => {
    const folder = copyOfFinished();
    const file = join(folder, "config.json");
    writeFileSync(file, change(readFileSync(file, "utf8")));
    const said = await failure(resume({ machine: createReference(), folder }), WorkError);
    expect(said).toContain(file);
    expect(said).toContain(message);
  });
});

describe("requests that are refused before anything is written", () => {
  const refused = async (more: Partial<TrainOptions>, folder = freshFolder()) => {
    const message = await failure(train(optionsOf(folder, more)), RequestError);
    expect(existsSync(folder)).toBe(false);
    return message;
  };
  test("impossible shapes", async () => {
    expect(await refused({ architecture: { length: 4, width: 9, heads: 2 } })).toContain(
      "width 9 is not divisible by heads 2",
    );
    expect(await refused({ architecture: { length: 0, width: 8 } })).toContain(
      "length is 0; expected a whole number",
    );
    const small = { length: 4, width: 8, heads: 2, vocabulary: 3 };
    expect(await refused({ architecture: small })).toContain("vocabulary is 3; expected at least the 5");
    const acausal = { length: 4, width: 8, heads: 2, causal: false };
    expect(await refused({ architecture: acausal })).toContain("attention is not causal");
  });
  test("impossible training", async () => {
    expect(await refused({ training: { steps: 0 } })).toContain(
      "steps is 0; expected a whole number of at least 1",
    );
    expect(await refused({ training: { batch: -1 } })).toContain("batch is -1");
    expect(await refused({ training: { seed: 0.5 } })).toContain("seed is 0.5");
    expect(await refused({ training: { batch: 4, microBatches: 3 } })).toContain(
      "not divisible by microBatches 3",
    );
    expect(await refused({ training: { step: 4 } as never })).toContain('did you mean "steps"?');
  });
  test("data that are missing, empty, binary or too short", async () => {
    expect(await refused({ data: { data: join(base, "none.txt") } })).toContain("none.txt");
    const write = (name: string, content: string | Buffer) => {
      const path = join(base, name);
      writeFileSync(path, content);
      return { data: { data: path } };
    };
    expect(await refused(write("empty.txt", ""))).toContain("empty.txt");
    expect(await refused(write("binary.txt", Buffer.from([0, 255, 254, 0])))).toContain("binary.txt");
    expect(await refused(write("short.txt", "ab ab"))).toMatch(/data: .* tokens/);
  });
  test("a folder that holds a run, unless it is forced", async () => {
    const folder = copyOfFinished();
    const message = await failure(train(optionsOf(folder)), RequestError);
    expect(message).toContain("already holds a run");
    expect(message).toContain("--force");
    expect(bytesOf(folder, 12)).toEqual(bytesOf(finished, 12));
    const training = { steps: 1, batch: 2 };
    await collect(train(optionsOf(folder, { training, force: true })));
    expect(readdirSync(join(folder, "checkpoints"))).toEqual(["1"]);
  });
  test("a folder without a run, and data that changed", async () => {
    const options = (folder: string): RunOptions => ({ machine: createReference(), folder });
    expect(await failure(resume(options(freshFolder())), RequestError)).toContain("holds no run");
    const [folder, changing] = [freshFolder(), join(base, "changing.txt")];
    writeFileSync(changing, "abcd".repeat(60));
    await collect(train(optionsOf(folder, { data: { data: changing }, training: { steps: 1, batch: 2 } })));
    writeFileSync(changing, "abdc".repeat(60));
    expect(await failure(resume(options(folder)), RequestError)).toContain("is not what the run");
  });
});

describe("a disk that refuses", () => {
  test("a folder that cannot be made", async () => {
    const folder = join(text, "run");
    expect(await failure(train(optionsOf(folder)), WorkError)).toContain(`cannot write to ${folder}`);
  });
  test.runIf(existsSync("/dev/full"))("a full disk under the log", async () => {
    const folder = freshFolder();
    await collect(train(optionsOf(folder, { training: { steps: 1, batch: 2 } })));
    rmSync(join(folder, "log.jsonl"));
    symlinkSync("/dev/full", join(folder, "log.jsonl"));
    const message = await failure(resume({ machine: createReference(), folder }), WorkError);
    expect(message).toContain("log.jsonl: no space is left");
  });
});
