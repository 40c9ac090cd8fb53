// Event files of runs, read by a decoder of the test's own: what they show, and what a resume adds.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createReference } from "../../src/backend/reference.ts";
import { WorkError } from "../../src/errors.ts";
import type { TrainEvent } from "../../src/train/events.ts";
import { resume } from "../../src/train/resume.ts";
import { boardPath, openBoard } from "../../src/train/tensorboard.ts";
import { train } from "../../src/train/train.ts";
import { refusal, scantling } from "../cli/harness.ts";
import { type DecodedEvent, decodeRecords } from "../report/eventDecoder.ts";

let base: string;
let text: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "scantling-board-"));
  text = join(base, "text.txt");
  writeFileSync(text, "abcd".repeat(60));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const files = (folder: string): string[] => readdirSync(boardPath(folder)).sort();
const decode = (folder: string, name: string): DecodedEvent[] =>
  decodeRecords(readFileSync(join(boardPath(folder), name)));

/** [step, value] of every number under a tag. */
function series(events: readonly DecodedEvent[], tag: string): [number, number][] {
  return events.flatMap(({ step, scalars }) => (scalars?.has(tag) ? [[step, scalars.get(tag)!]] : []));
}

async function record(events: AsyncIterable<TrainEvent>, folder: string, now: () => number, until = 99) {
  const board = openBoard(folder, now);
  const all: TrainEvent[] = [];
  for await (const event of events) {
    board.write(event);
    all.push(event);
    if (event.kind === "step" && event.step === until) break;
  }
  board.close();
  return all;
}

describe("openBoard", () => {
  test("shows a run, and a resumed one in a file of its own", async () => {
    const folder = join(base, "run");
    const machine = createReference();
    const architecture = { length: 4, width: 8, heads: 2, feedforward: 8 };
    const schedule = { rate: 0.03, warmup: 1 };
    const training = { steps: 8, batch: 2, evaluateEvery: 3, sampleEvery: 4, schedule };
    const start = { machine, folder, architecture, training, data: { data: text } };
    const before = await record(train(start), folder, () => 1_000_500, 5);
    // The clock of the second process goes wrong.
    const after = await record(resume({ machine, folder }), folder, () => 500_000);

    const [first, second, ...others] = files(folder);
    expect([first, second, others.length]).toEqual([
      "events.out.tfevents.0000001000.scantling",
      "events.out.tfevents.0000001001.scantling",
      0,
    ]);
    const [old, fresh] = [decode(folder, first!), decode(folder, second!)];
    expect(old[0]).toEqual({ seconds: 1000.5, step: 0, version: "brain.Event:2" });
    expect(fresh.slice(0, 2)).toEqual([
      { seconds: 500, step: 0, version: "brain.Event:2" },
      { seconds: 500, step: 4, session: 1 },
    ]);
    for (const [decoded, told] of [
      [old, before],
      [fresh, after],
    ] as const) {
      const steps = told.flatMap((event) => (event.kind === "step" ? [event] : []));
      const rounded = (pick: (event: (typeof steps)[number]) => number) =>
        steps.map((event) => [event.step, Math.fround(pick(event))]);
      expect(series(decoded, "loss/training")).toEqual(rounded(({ loss }) => loss));
      expect(series(decoded, "optimizer/gradient_norm")).toEqual(rounded((event) => event.gradientNorm));
      expect(series(decoded, "optimizer/learning_rate")).toEqual(rounded(({ rate }) => rate));
      const evaluations = told.flatMap((event) => (event.kind === "evaluation" ? [event] : []));
      expect(series(decoded, "loss/validation")).toEqual(
        evaluations.map(({ step, loss }) => [step, Math.fround(loss)]),
      );
      const samples = told.flatMap((event) => (event.kind === "sample" ? [event] : []));
      expect(decoded.flatMap(({ step, text: found }) => (found ? [[step, found.text]] : []))).toEqual(
        samples.map((sample) => [sample.step, sample.text.replace(/^/gm, "    ")]),
      );
    }
    expect(series(fresh, "speed/tokens_per_second").every(([, speed]) => speed > 0)).toBe(true);
  });

  test("makes nothing before a run begins", () => {
    const folder = join(base, "none");
    mkdirSync(folder);
    const board = openBoard(folder);
    board.write({ kind: "damaged", step: 3, path: "x", why: "y" });
    board.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a file in the way is one line", () => {
    const folder = join(base, "blocked");
    mkdirSync(folder);
    writeFileSync(boardPath(folder), "");
    const attempt = () => openBoard(folder).write({ kind: "start", step: 0 } as TrainEvent);
    expect(attempt).toThrow(WorkError);
    expect(attempt).toThrow("a file is in the way");
  });
});

test("scantling train --tensorboard writes them, --resume adds, --force begins anew", async () => {
  const folder = join(base, "cli");
  const small = ["--length", "4", "--width", "8", "--layers", "1", "--batch", "2", "--sample-tokens", "3"];
  const common = ["--backend", "reference", "--tensorboard"];
  const begin = ["train", "--data", text, "--out", folder, ...small, ...common];
  expect(await scantling([...begin, "--steps", "2"])).toMatchObject({ exitCode: 0 });
  expect(await scantling(["train", "--resume", folder, "--steps", "3", ...common])).toMatchObject({
    exitCode: 0,
  });
  const events = files(folder).map((name) => decode(folder, name));
  expect(events.map((decoded) => series(decoded, "loss/training").map(([step]) => step))).toEqual([
    [1, 2],
    [3],
  ]);
  expect(events.map((decoded) => decoded.at(-1)!.text?.tag)).toEqual(["sample", "sample"]);
  expect((await refusal([...begin, "--steps", "2"])).exitCode).toBe(2);
  expect(await scantling([...begin, "--steps", "2", "--force"])).toMatchObject({ exitCode: 0 });
  expect(files(folder).length).toBe(1);
});
