// Runs one side once and reads the JSON it prints; and says how busy the machine is with other work, what it is
// and at which commit this checkout stands. Knows nothing of workloads.

import { execFileSync, spawn } from "node:child_process";
import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * What either side prints, as far as it is read here. Losses are in nats, memory is the whole process's ru_maxrss.
 * `busyBefore` is the share of the cores that did other work just before the run.
 * @typedef {{ tokensPerSecond: number, msPerStep: number, peakMemoryBytes: number, lossFirst: number, lossLast: number, busyBefore?: number }} Run
 */

/**
 * Runs `command ...args` through the shell, so that a command may be several words.
 * @param {string} command @param {string[]} args @returns {Promise<Run>}
 */
export async function runOnce(command, args) {
  const { output, errors, ending } = await collect(command, args);
  const call = `${command} ${args.join(" ")}`;
  if (ending !== "exit code 0") throw new Error(`${call}\nended with ${ending}\n${errors.slice(-2000)}`);
  let run;
  try {
    run = JSON.parse(output);
  } catch {
    run = undefined;
  }
  if (!(run?.tokensPerSecond > 0 && run.peakMemoryBytes > 0)) {
    throw new Error(`${call}\nprinted no result, which is one JSON document:\n${output.slice(0, 500)}`);
  }
  return run;
}

/** @param {string} command @param {string[]} args @returns {Promise<{ output: string, errors: string, ending: string }>} */
function collect(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn("/bin/sh", ["-c", `${command} "$@"`, "sh", ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let errors = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ output, errors, ending: signal ?? `exit code ${code}` }));
  });
}

/** Share of all cores that is busy while nothing of ours runs, 0 to 1, over a quarter of a second. */
export async function otherWork() {
  const before = cpuTime();
  await sleep(250);
  const after = cpuTime();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}

function cpuTime() {
  const times = os.cpus().map((cpu) => cpu.times);
  return {
    idle: times.reduce((sum, t) => sum + t.idle, 0),
    all: times.reduce((sum, t) => sum + t.user + t.nice + t.sys + t.idle + t.irq, 0),
  };
}

export function describeMachine() {
  return {
    cpu: os.cpus()[0]?.model ?? "unknown",
    cores: os.cpus().length,
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
  };
}

/** The commit of the checkout at `folder`, with "+" where files differ from it; null outside git. @param {string} folder */
export function commitOf(folder) {
  try {
    return (
      git(folder, ["rev-parse", "HEAD"]).trim() + (git(folder, ["status", "--porcelain"]) === "" ? "" : "+")
    );
  } catch {
    return null;
  }
}

/** @param {string} folder @param {string[]} args */
function git(folder, args) {
  return execFileSync("git", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}
