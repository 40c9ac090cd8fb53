// `scantling sample` as a process on the native backend: interrupts, a reader that goes away, standard input.

import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { temporaryFolder } from "./harness.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = join(root, "dist", "cli", "main.js");
const folder = temporaryFolder();

beforeAll(() => {
  execFileSync(process.execPath, ["scripts/build.js"], { cwd: root });
  const words = [
    "train",
    "--width",
    "32",
    "--batch",
    "4",
    "--steps",
    "20",
    "--sample-tokens",
    "0",
    "--out",
    "run",
  ];
  execFileSync(process.execPath, [main, ...words], { cwd: folder.path, stdio: "ignore" });
}, 300_000);
afterAll(() => folder.remove());

/** Runs `scantling sample run ...words`, `input` on standard input (null: it stays open), and a SIGINT once `interruptAt` is written. */
function sample(words: readonly string[], input: string | null = "", interruptAt = Number.POSITIVE_INFINITY) {
  const child = spawn(process.execPath, [main, "sample", "run", ...words], { cwd: folder.path });
  let out = "";
  let err = "";
  let interrupted = false;
  const interrupt = () => {
    if (interrupted || out.length < interruptAt) return;
    interrupted = true;
    child.kill("SIGINT");
  };
  child.stdout.setEncoding("utf8").on("data", (text) => {
    out += text;
    interrupt();
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    err += text;
  });
  if (input !== null) child.stdin.end(input);
  if (interruptAt === 0) setTimeout(interrupt, 3000);
  return new Promise<{ code: number | null; out: string; err: string }>((done) =>
    child.on("close", (code) => done({ code, out, err })),
  );
}

it("comes as it is written, and an interrupt ends it with what was written and 130", async () => {
  const { code, out, err } = await sample(["--tokens", "100M", "--prompt", "The "], "", 50);
  expect([code, err]).toEqual([130, ""]);
  expect(out.length).toBeGreaterThan(50);
  expect(out.endsWith("\n")).toBe(true);
});

it("ends when its reader goes away, which is no error", () => {
  const command = `"${process.execPath}" "${main}" sample run --tokens 100M | head -c 40 > text; echo "$?"`;
  const shell = `set -o pipefail; ${command}`;
  expect(execFileSync("/bin/bash", ["-c", shell], { cwd: folder.path, encoding: "utf8" })).toBe("0\n");
});

it("reads its prompt from a pipe", async () => {
  const { code, out, err } = await sample(["--tokens", "5", "--prompt", "-"], "Once upon");
  expect([code, out.length, err]).toEqual([0, "Once upon".length + 5 + 1, ""]);
  expect(out.startsWith("Once upon")).toBe(true);
});

it("can be interrupted while it waits for its prompt", async () => {
  const { code, out, err } = await sample(["--prompt", "-"], null, 0);
  expect([code, out, err]).toEqual([130, "", ""]);
});
