// What a run leaves when its process is stopped or its disk is full: real processes of the built command.

import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCheckpoint } from "../../src/train/checkpoint.ts";
import { builtFolder } from "../built.ts";
import { commandIn, type Life } from "../command.ts";
import { mountSmallDisk } from "../smallDisk.ts";

const folder = builtFolder();
const { live, killAll } = commandIn(folder.path);

beforeAll(() => {
  writeFileSync(join(folder.path, "short.txt"), "the ship and the keel of the ship ".repeat(60));
  writeFileSync(join(folder.path, "long.txt"), "the ship and the keel of the ship ".repeat(200_000));
});
afterAll(killAll);

const tiny = [
  "--length",
  "8",
  "--width",
  "8",
  "--heads",
  "2",
  "--layers",
  "1",
  "--batch",
  "2",
  "--threads",
  "1",
];
const short = ["train", "--data", "short.txt", "--json", "--sample-tokens", "0"];
const manifestOf = (run: string, step: number) =>
  readCheckpoint(join(folder.path, run, "checkpoints"), step).manifest;
const filesOf = (run: string, step: number) =>
  ["model.safetensors", "optimizer.safetensors"].map((file) =>
    readFileSync(join(folder.path, run, "checkpoints", String(step), file)).toString("base64"),
  );
/** Seconds until a process that was told to end has ended. */
async function secondsToEnd(life: Life): Promise<number> {
  const start = performance.now();
  await life.ended;
  return (performance.now() - start) / 1000;
}

describe("a signal finishes the step, saves it and ends the process with its own code", () => {
  it.each([
    ["SIGINT", 130, "native"],
    ["SIGTERM", 143, "native"],
    ["SIGHUP", 129, "native"],
    ["SIGINT", 130, "reference"],
    ["SIGTERM", 143, "reference"],
  ] as const)("%s, %i, %s", async (signal, code, backend) => {
    const run = `${signal}-${backend}`;
    const more = ["--steps", "100000", "--evaluate-every", "90000", "--out", run, "--backend", backend];
    const life = live([...short, ...tiny, ...more]);
    await life.said(/^step +1\//m);
    life.child.kill(signal);
    const { code: ended, out } = await life.ended;
    expect(ended).toBe(code);
    const { step, ending } = JSON.parse(out) as { step: number; ending: string };
    expect(ending).toBe(`interrupted after step ${step}`);
    expect(manifestOf(run, step).complete).toBe(true);
    expect(readdirSync(join(folder.path, run)).sort()).toEqual([
      "checkpoints",
      "config.json",
      "log.jsonl",
      "report.html",
    ]);
  });
});

describe("an interrupt is prompt", () => {
  it("in an evaluation, which a resume makes then", async () => {
    const words = ["train", "--data", "long.txt", "--json", ...tiny, "--steps", "2", "--evaluate-every", "1"];
    const life = live([...words, "--out", "evaluating"]);
    await life.said(/^step 1\/2/m);
    await wait(300);
    life.child.kill("SIGINT");
    expect(await secondsToEnd(life)).toBeLessThan(5);
    const { code, out, err } = await life.ended;
    expect([code, /validation/.test(err.replace(/^data.*/m, ""))]).toEqual([130, false]);
    expect(JSON.parse(out)).toMatchObject({ step: 1, validationLoss: null });
    expect(manifestOf("evaluating", 1)).toMatchObject({ complete: false, best: null });
  });

  it("in the sample at the end, when the run is finished", async () => {
    const words = [
      "train",
      "--data",
      "short.txt",
      "--json",
      ...tiny,
      "--steps",
      "2",
      "--sample-tokens",
      "1e6",
    ];
    const life = live([...words, "--out", "sampling"]);
    await life.said(/^step 2 +validation/m);
    await wait(300);
    life.child.kill("SIGINT");
    expect(await secondsToEnd(life)).toBeLessThan(5);
    const { code, out, err } = await life.ended;
    expect(code).toBe(130);
    expect(JSON.parse(out)).toMatchObject({ ending: "finished", step: 2, sample: null });
    expect(err).toMatch(/^interrupted: scantling sample sampling writes$/m);
  });

  it("when it is the second, in the middle of a step", async () => {
    // A step of this takes far longer than the test waits.
    const large = ["--length", "512", "--width", "512", "--layers", "8", "--batch", "64", "--threads", "1"];
    const life = live(["train", "--data", "long.txt", ...large, "--steps", "5", "--out", "large"]);
    await life.said(/^folder +large/m);
    await wait(1000);
    life.child.kill("SIGINT");
    await life.said(/^stopping /m);
    await wait(300);
    expect(life.child.exitCode).toBe(null);
    life.child.kill("SIGINT");
    expect(await secondsToEnd(life)).toBeLessThan(3);
    const { code, signal } = await life.ended;
    expect([code, signal]).toEqual([130, null]);
    expect(readdirSync(join(folder.path, "large", "checkpoints"))).toEqual([]);
  });
});

describe("a folder that another process works in", () => {
  it("is left alone, in one line", async () => {
    const more = ["--steps", "100000", "--evaluate-every", "90000", "--out", "shared"];
    const first = live([...short, ...tiny, ...more]);
    await first.said(/^step +1\//m);
    for (const words of [
      ["train", "--resume", "shared"],
      [...short, ...tiny, "--out", "shared", "--force"],
    ]) {
      const { code, out, err } = await live([...words, "--threads", "1"]).ended;
      expect([code, out]).toEqual([1, ""]);
      expect(err).toBe(
        `scantling: shared is in use by process ${first.child.pid}; wait until it ends, or stop it\n`,
      );
    }
    first.child.kill("SIGINT");
    expect((await first.ended).code).toBe(130);
  });
});

const steps = ["--steps", "40", "--evaluate-every", "10", "--threads", "1"];

describe("a full disk", () => {
  const model = ["--length", "8", "--width", "48", "--heads", "2", "--layers", "2", "--batch", "2"];
  beforeAll(async () => {
    const { code } = await live([...short, ...model, ...steps, "--out", "whole"]).ended;
    expect(code).toBe(0);
  });

  it.runIf(process.platform !== "win32").each([
    ["optimizer.safetensors", 300],
    ["model.safetensors", 100],
    ["log.jsonl", 6],
    ["config.json", 1],
  ])("in the middle of %s ends a run with one line, and nothing is lost", async (_, kibibytes) => {
    // No file may become longer than that many blocks of 512 bytes; further writes fail as on a full disk.
    const limited = ["/bin/sh", "-c", `ulimit -f ${2 * kibibytes}; exec "$@"`, "sh"];
    const run = `limited-${kibibytes}`;
    const { code, out, err } = await live([...short, ...model, ...steps, "--out", run], { program: limited })
      .ended;
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/^scantling: cannot write .*: no space is left on the disk; .*\n$/m);
    const names = existsSync(join(folder.path, run)) ? readdirSync(join(folder.path, run)) : [];
    expect(names.filter((name) => name.startsWith("."))).toEqual([]);
    if (!names.includes("config.json")) return;
    const resumed = await live(["train", "--resume", run, "--threads", "1", "--json"]).ended;
    expect(resumed.code).toBe(0);
    expect(filesOf(run, 40)).toEqual(filesOf("whole", 40));
  });

  const disk = join(folder.path, "disk");
  const unmount = mountSmallDisk(disk);
  afterAll(() => unmount?.());

  it.runIf(unmount)(
    "that fills up meanwhile is told with both sizes, and the run goes on later",
    async () => {
      const run = join("disk", "run");
      const life = live([...short, ...model, ...steps, "--out", run]);
      await life.said(/^step 10 +validation/m);
      life.child.kill("SIGSTOP");
      const { bavail, bsize } = statfsSync(disk);
      // Leaves less than one checkpoint.
      writeFileSync(join(disk, "filler"), Buffer.alloc(bavail * bsize - 300_000));
      life.child.kill("SIGCONT");
      const { code, out, err } = await life.ended;
      expect([code, out]).toEqual([1, ""]);
      expect(err).toMatch(
        /^scantling: .*: (a checkpoint needs [\d.]+[kM]B and the disk has [\d.]+kB|no space is) left[^\n]*\n$/m,
      );
      rmSync(join(disk, "filler"));
      expect((await live(["train", "--resume", run, "--threads", "1", "--json"]).ended).code).toBe(0);
      expect(filesOf(run, 40)).toEqual(filesOf("whole", 40));
    },
  );

  it.runIf(unmount)("that is too small is told before anything is written", async () => {
    const large = ["--length", "8", "--width", "256", "--heads", "2", "--layers", "2", "--batch", "2"];
    const { code, err } = await live([...short, ...large, ...steps, "--out", join("disk", "large")]).ended;
    expect(code).toBe(1);
    expect(err).toMatch(
      /^scantling: disk.large: a run with 5 checkpoints needs [\d.]+MB and the disk has .*; free some/m,
    );
    expect(existsSync(join(disk, "large"))).toBe(false);
  });
});

describe.runIf(process.platform !== "win32")("a folder that may not be written", () => {
  // The administrator may write everywhere.
  const uid = process.getuid?.() === 0 ? 65534 : undefined;
  const reference = ["--backend", "reference", "--json"];

  it("is named in one line, for a new run and for one that is resumed", async () => {
    const made = await live([
      ...short,
      ...tiny,
      "--steps",
      "2",
      "--backend",
      "reference",
      "--out",
      "readonly",
    ]).ended;
    expect(made.code).toBe(0);
    cpSync(join(folder.path, "readonly"), join(folder.path, "unreadable"), { recursive: true });
    chmodSync(folder.path, 0o755);
    for (const name of ["readonly", "unreadable"]) chmodSync(join(folder.path, name), 0o555);
    chmodSync(join(folder.path, "unreadable", "config.json"), 0o000);
    const cases = [
      [["train", "--resume", "readonly", "--steps", "3"], "cannot write to readonly: permission is denied; "],
      [["train", "--resume", "unreadable"], "cannot read unreadable/config.json: permission is denied; "],
      [[...short, ...tiny, "--out", "readonly/run"], "cannot write to readonly/run: permission is denied; "],
      [["train", "--resume", "short.txt"], "short.txt holds no run: "],
      [[...short, "--out", "short.txt"], "short.txt is a file; expected a new folder"],
    ] as const;
    for (const [words, message] of cases) {
      const { code, out, err } = await live([...words, ...reference], uid === undefined ? {} : { uid }).ended;
      expect([err, out]).toEqual([expect.stringMatching(/^scantling: [^\n]*\n$/), ""]);
      expect(err).toContain(`scantling: ${message}`);
      expect(code).toBe(message.startsWith("cannot") ? 1 : 2);
    }
    for (const name of ["readonly", "unreadable"]) chmodSync(join(folder.path, name), 0o755);
  });
});
