// The train command on a tiny model and the reference backend.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Interruption } from "../../src/cli/failure.ts";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
const text = join(folder.path, "abc.txt");
const before = process.cwd();

beforeAll(() => {
  writeFileSync(text, "abcd ".repeat(100));
  process.chdir(folder.path);
});
afterAll(() => {
  process.chdir(before);
  folder.remove();
});

const model = ["--length", "4", "--width", "8", "--heads", "2", "--layers", "1", "--batch", "4"];
const tiny = ["train", "--backend", "reference", "--data", text, ...model, "--sample-tokens", "8"];

interface Result {
  folder: string;
  hash: string;
  ending: string;
  step: number;
  steps: number;
  tokens: number;
  validationLoss: number;
  sample: string | null;
  report: string;
}

describe("train", () => {
  it("trains, samples and leaves a report; --json prints one document and nothing else", async () => {
    const { exitCode, out, err } = await scantling([...tiny, "--steps", "6", "--out", "runs/one", "--json"]);
    expect(exitCode).toBe(0);
    const result = JSON.parse(out) as Result;
    expect(out.trim().split("\n")).toHaveLength(1);
    expect(result).toMatchObject({
      ...{
        folder: "runs/one",
        ending: "finished",
        step: 6,
        steps: 6,
        tokens: 6 * 4 * 4,
        backend: "reference",
      },
    });
    expect(result.validationLoss).toBeGreaterThan(0);
    expect(result.sample).toHaveLength(8);
    expect(err).toMatch(/^step 6\/6 {2}loss \d/m);
    expect(err).toMatch(/^step 6 {2}validation \d/m);
    const page = readFileSync(result.report, "utf8");
    expect(page).toContain(result.hash);
    expect(page).toContain("scantling train --backend reference");
    expect(readdirSync("runs/one").sort()).toEqual([
      "checkpoints",
      "config.json",
      "log.jsonl",
      "report.html",
    ]);
  });

  it("prints a summary for people", async () => {
    const { out } = await scantling([...tiny, "--steps", "2", "--out", "runs/people"]);
    expect(out).toMatch(/^abc\.txt: finished$/m);
    expect(out).toMatch(/^ {2}validation loss +\d\.\d{4}$/m);
    expect(out).toContain(`report: ${join("runs/people", "report.html")}`);
  });

  it("replaces no run without --force", async () => {
    const config = readFileSync("runs/one/config.json", "utf8");
    const { exitCode, err } = await refusal([...tiny, "--steps", "3", "--out", "runs/one"]);
    expect(exitCode).toBe(2);
    expect(err).toContain("already holds a run");
    expect(readFileSync("runs/one/config.json", "utf8")).toBe(config);
    const forced = await scantling([...tiny, "--steps", "3", "--out", "runs/one", "--force", "--json"]);
    expect((JSON.parse(forced.out) as Result).steps).toBe(3);
  });

  it("gives a run without --out the data's name, and a number where that is taken", async () => {
    const folders = [];
    for (let i = 0; i < 2; i++) {
      const { out } = await scantling([...tiny, "--steps", "1", "--json"]);
      folders.push((JSON.parse(out) as Result).folder);
    }
    expect(folders).toEqual([join("runs", "abc"), join("runs", "abc-2")]);
  });

  it("stops at an interrupt with a checkpoint and a report, and resumes to the same end", async () => {
    const whole = await scantling([...tiny, "--steps", "9", "--out", "runs/whole", "--json"]);
    const stop = new AbortController();
    const settings = {
      signal: stop.signal,
      onError: (line: string) => {
        if (line.startsWith("step 4/9")) stop.abort();
      },
    };
    const stopped = await scantling([...tiny, "--steps", "9", "--out", "runs/stopped", "--json"], settings);
    expect(stopped.exitCode).toBe(130);
    expect(JSON.parse(stopped.out)).toMatchObject({
      ending: "interrupted after step 4",
      step: 4,
      sample: null,
    });
    expect(stopped.err).toContain("scantling train --resume runs/stopped");
    expect(existsSync("runs/stopped/report.html")).toBe(true);
    const resumed = await scantling([
      ...["train", "--resume", "runs/stopped", "--backend", "reference", "--sample-tokens", "8", "--json"],
    ]);
    expect(resumed.exitCode).toBe(0);
    const [one, other] = [whole.out, resumed.out].map((out) => JSON.parse(out) as Result);
    expect(other).toMatchObject({ ending: "finished", step: 9 });
    expect(other!.validationLoss).toBe(one!.validationLoss);
    expect(other!.sample).toBe(one!.sample);
  });

  it("ends with the code of the signal that stopped it", async () => {
    const stop = new AbortController();
    const onError = (line: string) => line.startsWith("step 1/") && stop.abort(new Interruption(143));
    const words = [...tiny, "--steps", "9", "--out", "runs/terminated"];
    const { exitCode, err } = await scantling(words, { signal: stop.signal, onError });
    expect(exitCode).toBe(143);
    expect(err).toMatch(/^stopping {3}after this step; once more ends at once$/m);
  });

  it("tells of each damaged checkpoint on a line and goes on from an older one", async () => {
    await scantling([...tiny, "--steps", "9", "--evaluate-every", "3", "--out", "runs/damaged"]);
    const weights = join("runs/damaged/checkpoints/9", "model.safetensors");
    writeFileSync(weights, readFileSync(weights).subarray(1));
    const words = ["train", "--resume", "runs/damaged", "--backend", "reference", "--sample-tokens", "0"];
    const { exitCode, err } = await scantling([...words, "--json"]);
    expect(exitCode).toBe(0);
    expect(err).toMatch(
      /^damaged {4}runs.damaged.checkpoints.9.model\.safetensors: it has \d+ bytes and .*; it is not used$/m,
    );
    expect(err).toMatch(/^resumed {4}after step 6$/m);
    for (const step of [3, 6, 9]) writeFileSync(`runs/damaged/checkpoints/${step}/manifest.json`, "{");
    const refused = await refusal(words);
    expect(refused.exitCode).toBe(1);
    expect(refused.err).toMatch(
      /checkpoints has no checkpoint that can be used \(.*manifest\.json: it is not JSON/,
    );
  });

  it("goes on for more steps, and keeps as many checkpoints as it is told", async () => {
    await scantling([...tiny, "--steps", "2", "--evaluate-every", "1", "--out", "runs/longer"]);
    const words = ["train", "--resume", "runs/longer", "--backend", "reference", "--sample-tokens", "0"];
    const { exitCode, out, err } = await scantling([...words, "--steps", "5", "--keep", "1", "--json"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ ending: "finished", step: 5, steps: 5 });
    expect(err).toMatch(/^note {7}5 steps instead of 2: the learning rate was .* and goes on at /m);
    expect(readdirSync("runs/longer/checkpoints").length).toBeLessThanOrEqual(2);
    expect((await refusal([...words, "--steps", "4"])).err).toContain("has done 5; expected more");
  });

  it("counts tokens in steps", async () => {
    const { out } = await scantling([...tiny, "--tokens", "100", "--out", "runs/tokens", "--json"]);
    expect((JSON.parse(out) as Result).steps).toBe(Math.ceil(100 / 16));
  });

  it("chooses the steps that fit into a time", async () => {
    const start = performance.now();
    const { out, err } = await scantling([...tiny, "--minutes", "0.02", "--out", "runs/time", "--json"]);
    const { steps } = JSON.parse(out) as Result;
    expect(steps).toBeGreaterThan(1);
    expect(err).toContain(`${steps} steps fit into 0.02 minutes`);
    // Sampling and the report come on top; the machine may be busy.
    expect(performance.now() - start).toBeLessThan(15_000);
  });

  it("reads an architecture from a file and changes single settings of it", async () => {
    const settings = {
      length: 4,
      width: 8,
      heads: 2,
      stripe: ["attention", { primitive: "relu", feedforward: 12 }],
    };
    writeFileSync("small.json", JSON.stringify(settings));
    const words = ["--backend", "reference", "--data", text, "--batch", "2", "--steps", "1"];
    const shape = ["--architecture", "small.json", "--norm", "rms", "--tied"];
    const { exitCode } = await scantling(["train", ...words, ...shape, "--out", "runs/file"]);
    expect(exitCode).toBe(0);
    const { architecture } = JSON.parse(readFileSync("runs/file/config.json", "utf8")) as {
      architecture: Record<string, unknown>;
    };
    expect(architecture).toMatchObject({ width: 8, norm: "rms", tie: true, positions: "learned" });
  });

  it("passes the settings of training on", async () => {
    const words = ["--schedule", "wsd", "--warmup", "2", "--learning-rate", "0.01", "--optimizer", "muon"];
    const more = ["--weight-decay", "0.2", "--clip", "0", "--micro-batches", "2", "--order", "epochs"];
    const { exitCode, err } = await scantling([
      ...tiny,
      "--steps",
      "10",
      ...words,
      ...more,
      "--out",
      "runs/set",
    ]);
    expect([exitCode, err.includes("scantling:")]).toEqual([0, false]);
    const { training } = JSON.parse(readFileSync("runs/set/config.json", "utf8")) as {
      training: Record<string, unknown>;
    };
    expect(training).toMatchObject({
      ...{ steps: 10, batch: 4, microBatches: 2, clip: null, order: "epochs" },
      schedule: { decay: "wsd", rate: 0.01, warmup: 2 },
      optimizer: { name: "muon", weightDecay: 0.2 },
    });
  });
});

describe("train refuses in one line, writing nothing", () => {
  const files: Record<string, string | Buffer> = {
    "empty.txt": "",
    "short.txt": "ab",
    "binary.txt": Buffer.from([1, 0, 2, 255]),
    "list.json": "[1]",
    "broken.json": "{",
    "unknown.json": '{"widht": 8}',
  };
  beforeAll(() => {
    for (const [name, content] of Object.entries(files)) writeFileSync(name, content);
    mkdirSync("nothing");
  });

  it.each([
    [["--data", "missing.txt"], "missing.txt does not exist"],
    [["--data", "empty.txt"], "empty.txt is empty"],
    [["--data", "short.txt"], "the training text has 1 tokens"],
    [["--data", "binary.txt"], "is not text"],
    [["--data", "nothing"], "holds no .txt"],
    [["--data", "*.none"], "no file matches"],
    [["--data", text, "--width", "10", "--heads", "4"], "width 10 is not divisible by heads 4"],
    [["--data", text, "--length", "1000"], "1000"],
    [["--data", text, "--activation", "swigloo"], "did you mean swiglu"],
    [["--data", text, "--norm", "rsm"], "expected one of layer, layerUnbiased, rms"],
    [["--data", text, "--schedule", "cosin"], "did you mean cosine"],
    [["--data", text, "--optimizer", "adam"], "did you mean adamw"],
    [["--data", text, "--warmup", "5", "--steps", "3"], "do not fit into 3 steps"],
    [["--data", text, "--tokenizer", "words"], "words"],
    [["--tokenizer", "bytes"], "built-in language"],
    [["--architecture", "missing.json"], "--architecture missing.json: there is no such file"],
    [
      ["--architecture", "gpt3"],
      '--architecture "gpt3" is neither a preset nor a file; expected one of gpt3-s',
    ],
    [["--architecture", "mlp-3-4-2"], "it takes 3 numbers at each place (inputs), not tokens"],
    [["--architecture", "mad-mamba", "--layers", "9999"], "repeated 9999 times has 19998 primitives"],
    [["--architecture", "list.json"], "expected an object of settings"],
    [["--architecture", "broken.json"], "is not JSON"],
    [["--architecture", "unknown.json"], 'did you mean "width"'],
    [["--resume", "nowhere"], "nowhere holds no run"],
    [["--resume", "runs/one", "--width", "8"], "leave out --width"],
  ])("%j", async (words, message) => {
    const { exitCode, err } = await refusal(["train", "--backend", "reference", ...words], {
      environment: { SCANTLING_DATA: folder.path },
    });
    expect(err).toContain(message);
    expect(exitCode).toBe(2);
    for (const name of ["missing", "empty", "short", "binary", "nothing", "language"]) {
      expect(existsSync(join("runs", name))).toBe(false);
    }
  });

  it("finds data sets by name in the folder that SCANTLING_DATA names", async () => {
    mkdirSync("sets/letters", { recursive: true });
    writeFileSync("sets/letters/input.txt", "abcd ".repeat(60));
    const words = ["train", "--backend", "reference", ...model, "--steps", "1", "--sample-tokens", "0"];
    const environment = { SCANTLING_DATA: join(folder.path, "sets") };
    expect((await scantling([...words, "--data", "letters"], { environment })).exitCode).toBe(0);
    const { exitCode, err } = await refusal([...words, "--data", "leters"], { environment });
    expect([exitCode, err.endsWith("did you mean letters?")]).toEqual([2, true]);
  });

  it("says where a folder cannot be written", async () => {
    writeFileSync("file", "");
    const { exitCode, err } = await refusal([...tiny, "--steps", "1", "--out", "file/run"]);
    expect(err).toContain("file/run");
    expect(exitCode).toBe(1);
  });
});
