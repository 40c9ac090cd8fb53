// Training and evaluation on images by the command line, on the reference backend and pictures of 4 by 4.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ImageEvaluation } from "../../src/train/evaluateImages.ts";
import { plainPng } from "../data/images/files.ts";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
const pictures = join(folder.path, "pictures");
const run = join(folder.path, "run");
const small = ["--patch", "2", "--width", "8", "--layers", "1", "--batch", "8", "--backend", "reference"];
const onPictures = ["train", "--data", pictures, ...small];
const changes = [
  "--crop",
  "1",
  "--flip",
  "--mixup",
  "0.2",
  "--label-smoothing",
  "0.1",
  "--rand-augment",
  "1,2",
];

beforeAll(async () => {
  for (const [label, name] of ["dark", "light"].entries()) {
    for (const part of ["train", "test"]) mkdirSync(join(pictures, part, name), { recursive: true });
    for (let i = 0; i < 24; i++) {
      const part = i < 16 ? "train" : "test";
      writeFileSync(join(pictures, part, name, `${i}.png`), plainPng(4, 180 * label + 3 * i));
    }
  }
  const { exitCode } = await scantling([
    ...onPictures,
    "--steps",
    "20",
    "--evaluate-every",
    "10",
    "--out",
    run,
  ]);
  expect(exitCode).toBe(0);
});
afterAll(() => folder.remove());

const records = (of: string) =>
  readFileSync(join(of, "log.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("train on images", () => {
  test("the log has loss, accuracy and images a second; the configuration says how images become numbers", () => {
    const log = records(run);
    const steps = log.filter(({ kind }) => kind === "step");
    expect(steps).toHaveLength(20);
    expect(steps[19]).toMatchObject({ loss: expect.any(Number), imagesPerSecond: expect.any(Number) });
    const evaluations = log.filter(({ kind }) => kind === "evaluation");
    expect(evaluations.at(-1)).toMatchObject({ statistics: { accuracy: 1 } });
    const { data, architecture, training, tokenizer } = JSON.parse(
      readFileSync(join(run, "config.json"), "utf8"),
    );
    expect(data).toMatchObject({
      kind: "images",
      patch: 2,
      classes: ["dark", "light"],
      testImages: 16,
      channels: 1,
    });
    expect(architecture).toMatchObject({ vocabulary: 2, length: 4, inputs: 4, pool: "average" });
    expect(training).toMatchObject({ order: "epochs", objective: { name: "classification", labels: "ids" } });
    expect(tokenizer).toBeNull();
    expect(readFileSync(join(run, "report.html"), "utf8")).toContain("validation accuracy");
  });

  test("a run that is stopped and goes on ends with the bits of one that was not, all changes included", async () => {
    const [whole, parts] = [join(folder.path, "whole"), join(folder.path, "parts")];
    const words = [
      ...onPictures,
      ...changes,
      "--schedule",
      "constant",
      "--evaluate-every",
      "4",
      "--warmup",
      "0",
    ];
    await scantling([...words, "--steps", "8", "--out", whole]);
    await scantling([...words, "--steps", "4", "--out", parts]);
    expect(
      (await scantling(["train", "--resume", parts, "--steps", "8", "--backend", "reference"])).exitCode,
    ).toBe(0);
    const weights = (of: string) => readFileSync(join(of, "checkpoints/8/model.safetensors"));
    expect(weights(parts).equals(weights(whole))).toBe(true);
  });

  test("wrong requests are one line, before anything is written", async () => {
    const out = ["--out", join(folder.path, "none")];
    const line = async (...words: string[]) => (await refusal([...onPictures, ...out, ...words])).err;
    expect(await line("--patch", "3")).toMatch(/patches of 3; expected one of 1, 2, 4/);
    expect(await line("--tokenizer", "bytes")).toMatch(/--tokenizer is for text/);
    expect(await line("--label-smoothing", "1")).toMatch(/labelSmoothing is 1/);
    expect(await line("--length", "9")).toMatch(/--length is for text/);
    const text = join(folder.path, "a.txt");
    writeFileSync(text, "abc ".repeat(300));
    expect((await refusal(["train", "--data", text, "--flip", ...out])).err).toMatch(/--flip is for images/);
    const architecture = join(folder.path, "a.json");
    writeFileSync(architecture, JSON.stringify({ width: 8, length: 9, causal: false }));
    expect(await line("--architecture", architecture)).toMatch(
      /length is 9; pictures has 4 patches of an image/,
    );
  });
});

test("export says in the file how images become numbers", async () => {
  for (const format of ["safetensors", "onnx"]) {
    const file = join(folder.path, `model.${format}`);
    expect((await scantling(["export", run, "--to", format, "--out", file])).exitCode).toBe(0);
    expect(readFileSync(file, "latin1")).toMatch(/classes\\?\\?":\[/);
  }
});

describe("evaluate on images", () => {
  test("gives the accuracy on the test part, by class, with an interval", async () => {
    const { out, exitCode } = await scantling(["evaluate", run, "--backend", "reference", "--json"]);
    expect(exitCode).toBe(0);
    const result = JSON.parse(out) as ImageEvaluation;
    expect(result).toMatchObject({ data: "pictures", part: "test", images: 16, complete: true });
    expect(result.accuracy.value).toBe(1);
    expect(result.classes).toEqual([
      { name: "dark", images: 8, right: 8 },
      { name: "light", images: 8, right: 8 },
    ]);
    const lines = (await scantling(["evaluate", run, "--backend", "reference"])).out;
    expect(lines).toMatch(/^accuracy {4}100\.00 %/m);
  });

  test("refuses what only text has, test images that have changed, and to write text", async () => {
    expect((await refusal(["evaluate", run, "--stride", "2"])).err).toMatch(/--stride is for text/);
    expect((await refusal(["sample", run, "--backend", "reference"])).err).toMatch(/trained on images/);
    const extra = join(pictures, "test", "dark", "more.png");
    writeFileSync(extra, plainPng(4, 255));
    expect((await refusal(["evaluate", run, "--backend", "reference"])).err).toMatch(
      /pictures is not what the run in .* was trained on/,
    );
  });
});
