// Runs a target in child processes for a while, starts another after each that hangs or dies, and counts what happens.
// Knows no target.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const CHILD = fileURLToPath(new URL("child.js", import.meta.url));
const MEBIBYTE = 2 ** 20;
/** Processor seconds for one input, and MiB that one input may add. */
const SECONDS = 2;
const MEBIBYTES = 256;
/** A busy machine may make everything this many times slower. */
const PATIENCE = 10;
const HEAP_MEBIBYTES = 1024;

/**
 * @typedef {{ input: number, what: string, detail?: string }} Fault
 * @typedef {{
 *   target: string, description: string, seed: number, inputs: number, seconds: number,
 *   outcomes: Record<string, number>, slowestInput: { input: number, milliseconds: number },
 *   peakMebibytes: number, largestGrowth: { input: number, mebibytes: number }, faults: Fault[],
 * }} Summary
 */

/**
 * @param {{ target: string, seed: number, from?: number, milliseconds?: number, inputs?: number }} options
 *   for so long, or so many inputs
 * @returns {Promise<Summary>}
 */
export async function fuzz({
  target,
  seed,
  from = 0,
  milliseconds = Number.POSITIVE_INFINITY,
  inputs = Number.POSITIVE_INFINITY,
}) {
  const { description, seconds = SECONDS, mebibytes = MEBIBYTES } = await import(`./targets/${target}.js`);
  const begun = performance.now();
  /** @type {Summary} */
  const summary = {
    ...{ target, description, seed, inputs: 0, seconds: 0, outcomes: {} },
    slowestInput: { input: 0, milliseconds: 0 },
    ...{ peakMebibytes: 0, largestGrowth: { input: 0, mebibytes: 0 }, faults: [] },
  };
  const done = () => summary.inputs >= inputs || performance.now() - begun >= milliseconds;
  const count = (/** @type {string} */ outcome) => {
    summary.outcomes[outcome] = (summary.outcomes[outcome] ?? 0) + 1;
  };
  const take = (
    /** @type {{ outcome: string, bad?: string, milliseconds: number, grown: number, rss: number }} */ line,
  ) => {
    const input = from + summary.inputs++;
    count(line.outcome);
    const fault = (/** @type {string} */ what, /** @type {string | undefined} */ detail) => {
      summary.faults.push({ input, what, ...(detail === undefined ? {} : { detail }) });
    };
    if (line.bad !== undefined) fault(line.outcome, line.bad);
    if (line.milliseconds > 1000 * seconds)
      fault(`${Math.round(line.milliseconds)} ms of processor time`, undefined);
    if (line.grown > mebibytes * MEBIBYTE) fault(`${Math.round(line.grown / MEBIBYTE)} MiB more`, undefined);
    if (line.milliseconds > summary.slowestInput.milliseconds) {
      summary.slowestInput = { input, milliseconds: Math.round(line.milliseconds) };
    }
    // The first inputs of a process make it as large as it has to be.
    if (input > from + 100 && line.grown > summary.largestGrowth.mebibytes * MEBIBYTE) {
      summary.largestGrowth = { input, mebibytes: Math.round(line.grown / MEBIBYTE) };
    }
    summary.peakMebibytes = Math.max(summary.peakMebibytes, Math.round(line.rss / MEBIBYTE));
  };
  while (!done()) {
    const ended = await runChild({
      target,
      seed,
      from: from + summary.inputs,
      allowed: PATIENCE * seconds,
      take,
      done,
    });
    if (ended === null) continue;
    summary.faults.push({ input: from + summary.inputs++, ...ended });
    count(ended.what);
  }
  summary.seconds = Math.round((performance.now() - begun) / 1000);
  return summary;
}

/**
 * @param {{
 *   target: string, seed: number, from: number, allowed: number, take: (line: any) => void, done: () => boolean,
 * }} options `allowed`: seconds for one input
 * @returns {Promise<{ what: string, detail?: string } | null>} how it came to an end by itself
 */
function runChild({ target, seed, from, allowed, take, done }) {
  const folder = mkdtempSync(join(tmpdir(), "scantling-fuzz-"));
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${HEAP_MEBIBYTES}`, CHILD, target, String(seed), String(from), folder],
    { stdio: ["ignore", "ignore", "pipe", "pipe"] },
  );
  let last = performance.now();
  let hung = false;
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said = (said + chunk).slice(-2000);
  });
  const lines = createInterface({ input: /** @type {import("node:stream").Readable} */ (child.stdio[3]) });
  lines.on("line", (line) => {
    last = performance.now();
    const what = JSON.parse(line);
    if (what === "ready" || done()) return;
    take(what);
  });
  const clock = setInterval(() => {
    hung = !done() && performance.now() - last > 1000 * allowed;
    if (hung || done()) child.kill("SIGKILL");
  }, 50);
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearInterval(clock);
      rmSync(folder, { recursive: true, force: true });
      if (done()) resolve(null);
      else if (hung) resolve({ what: "hung" });
      else resolve({ what: `ended by ${signal ?? code}`, detail: said });
    });
  });
}
