// The built command as a process: interrupts, a reader that goes away, a machine without a compiler, starting up.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "./harness.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = join(root, "dist", "cli", "main.js");
const folder = temporaryFolder();

beforeAll(() => execFileSync(process.execPath, ["scripts/build.js"], { cwd: root }));
afterAll(() => folder.remove());

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `scantling ...words`; `interruptAt` is what standard error must say before the process gets a SIGINT. */
function scantling(words: readonly string[], environment: NodeJS.ProcessEnv = {}, interruptAt?: RegExp) {
  const child = spawn(process.execPath, [main, ...words], {
    ...{ cwd: folder.path, env: { ...process.env, ...environment } },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  let interrupted = false;
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
    if (interrupted || interruptAt === undefined || !interruptAt.test(err)) return;
    interrupted = true;
    child.kill("SIGINT");
  });
  return new Promise<Ended>((done) => child.on("close", (code) => done({ code, out, err })));
}

describe("an interrupt", () => {
  const train = [
    "train",
    "--width",
    "32",
    "--batch",
    "4",
    "--steps",
    "300",
    "--sample-tokens",
    "10",
    "--json",
  ];

  it("ends a run with exit code 130, and the run goes on to the same bits", async () => {
    const whole = await scantling([...train, "--out", "whole"]);
    expect([whole.code, whole.code === 0 ? "" : whole.err]).toEqual([0, ""]);
    const stopped = await scantling([...train, "--out", "stopped"], {}, /^step +15\/300/m);
    expect(stopped.code).toBe(130);
    const { step } = JSON.parse(stopped.out) as { step: number };
    expect(step).toBeGreaterThanOrEqual(15);
    expect(step).toBeLessThan(300);
    const resumed = await scantling(["train", "--resume", "stopped", "--sample-tokens", "10", "--json"]);
    expect(resumed.code).toBe(0);
    const [one, other] = [whole.out, resumed.out].map((out) => JSON.parse(out) as Record<string, unknown>);
    for (const key of ["step", "trainingLoss", "validationLoss", "bestStep", "sample", "hash"]) {
      expect(other![key], key).toEqual(one![key]);
    }
  });
});

describe("without a compiler", () => {
  const withoutCompiler = (): NodeJS.ProcessEnv => {
    const bin = join(folder.path, "bin");
    mkdirSync(bin, { recursive: true });
    if (!existsSync(join(bin, "node"))) symlinkSync(process.execPath, join(bin, "node"));
    return { PATH: bin, CC: "", SCANTLING_CACHE: join(folder.path, "cache") };
  };

  it("uses the wasm backend, which one line says", async () => {
    const bench = ["bench", "--workload", "W1", "--steps", "3", "--json"];
    const { code, out, err } = await scantling(bench, withoutCompiler());
    expect([code, (JSON.parse(out) as { backend: string }).backend]).toEqual([0, "wasm"]);
    expect(err.match(/^scantling: .*$/gm)).toEqual([
      expect.stringMatching(/using the wasm backend, .* needs a C compiler/),
    ]);
  });

  it("says what is missing where native kernels were asked for, in one line, with exit code 1", async () => {
    const { code, out, err } = await scantling(["bench", "--backend", "native", "--json"], withoutCompiler());
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/^scantling: the native backend needs a C compiler .*\n$/);
    expect(err).toContain("--backend wasm");
  });
});

describe("standard output", () => {
  it("may be closed by its reader", () => {
    const command = `"${process.execPath}" "${main}" --help | head -c 1; echo " $?"`;
    expect(execFileSync("/bin/sh", ["-c", command], { encoding: "utf8" })).toBe("U 0\n");
  });
});

describe("starting", () => {
  it("needs little time for --help", async () => {
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      expect((await scantling(["--help"])).code).toBe(0);
      times.push(performance.now() - start);
    }
    // The fastest of five: other processes may be at work.
    expect(Math.min(...times)).toBeLessThan(500);
  });

  it("W1 has its first step within 1.5 s, and plans in under 0.2 s, where Node itself starts in 40 ms", async () => {
    const figures: { bareMs: number; firstStepMs: number; planMs: number }[] = [];
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      execFileSync(process.execPath, ["-e", "0"]);
      const bareMs = performance.now() - start;
      const { out } = await scantling(["bench", "--workload", "W1", "--steps", "3", "--json"]);
      figures.push({ ...(JSON.parse(out) as { firstStepMs: number; planMs: number }), bareMs });
    }
    const least = (of: "bareMs" | "firstStepMs" | "planMs") => Math.min(...figures.map((one) => one[of]));
    // A machine that is slow today is slow to start anything.
    const slowness = Math.max(1, least("bareMs") / 40);
    expect(least("firstStepMs") / slowness).toBeLessThan(1500);
    expect(least("planMs") / slowness).toBeLessThan(200);
  });
});
