#!/usr/bin/env node
// Times Scantling and PyTorch side by side, one process after the other in turn on the same machine, and prints
// the ratio of their speeds and of their peak memories. Knows only how both are called. See bench/README.md.

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { commitOf, describeMachine, otherWork, runOnce } from "./compare/run.js";
import { disagreements, median, summarise, table } from "./compare/summary.js";
import { RequestError, selectWorkloads } from "./compare/workloads.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.dirname(HERE);
// Above this share of busy cores before a run, OpenMP's spinning threads make the peer several times slower.
const BUSY = 0.05;

// Options of `scantling bench`.
const BACKENDS = {
  native: ["--backend", "native"],
  wasm: ["--backend", "wasm"],
  "wasm-relaxed": ["--backend", "wasm", "--relaxed-simd"],
};

const HELP = `Usage: node bench/compare.js [options]

Runs \`scantling bench\` and the PyTorch peer in turn and prints the ratio of their speeds.

  --workloads LIST   W1, W2 or both (default: both, or none when --shapes is given)
  --shapes FILE      also every decoder of this file, e.g. bench/shapes.json
  --only LIST        of --shapes, those with these names
  --backends LIST    of Scantling: native, wasm, wasm-relaxed, each a side of its own (default: native);
                     wasm-relaxed needs a --scantling on Node 22 or later
  --rounds N         runs of each side (default 3)
  --steps N          steps of a run, the first two being warm-up (default 12)
  --threads N        threads on both sides (default 2)
  --scantling CMD    shell command that runs scantling (default: node dist/cli/main.js)
  --python CMD       shell command that runs a Python with PyTorch (default: python3)
  --out FILE         also write every run and a description of the machine as JSON
  --help

Example: node bench/compare.js --workloads W1 --rounds 5 --python ~/torch/bin/python
`;

function parseOptions() {
  try {
    return parseArgs({
      options: {
        workloads: { type: "string" },
        shapes: { type: "string" },
        only: { type: "string" },
        backends: { type: "string", default: "native" },
        rounds: { type: "string", default: "3" },
        steps: { type: "string", default: "12" },
        threads: { type: "string", default: "2" },
        scantling: {
          type: "string",
          default: `"${process.execPath}" "${path.join(ROOT, "dist/cli/main.js")}"`,
        },
        python: { type: "string", default: "python3" },
        out: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new RequestError(`${error.message}; node bench/compare.js --help lists the options`);
  }
}

/** @param {string} option @param {string} text @param {number} least */
function wholeNumber(option, text, least) {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new RequestError(`--${option} ${text}: expected a whole number of at least ${least}`);
}

/** @param {string | undefined} text */
function list(text) {
  return (text ?? "").split(",").filter((item) => item !== "");
}

/** @param {string} text @returns {string[]} */
function selectBackends(text) {
  const backends = list(text);
  const unknown = backends.find((name) => !Object.hasOwn(BACKENDS, name));
  if (unknown === undefined && backends.length > 0) return backends;
  throw new RequestError(`--backends ${text}: expected some of ${Object.keys(BACKENDS).join(", ")}`);
}

/**
 * All rounds of one workload: every backend of Scantling, then PyTorch; who goes first changes from round to round, so that
 * no side always meets the warmer machine.
 * @param {string} name @param {string[]} backends @param {number} rounds
 * @param {(side: string) => Promise<import("./compare/run.js").Run>} run a backend's or "torch"
 * @returns {Promise<import("./compare/summary.js").Measured[]>} one for each backend, beside the same runs of PyTorch
 */
async function measure(name, backends, rounds, run) {
  const order = [...backends, "torch"];
  const runs = Object.fromEntries(order.map((side) => [side, []]));
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? order : order.toReversed()) {
      const busyBefore = await otherWork();
      const measured = await run(side);
      runs[side].push({ ...measured, busyBefore });
      const speed = `${measured.tokensPerSecond.toFixed(0)} tokens/s`;
      process.stderr.write(`${name} round ${round + 1}/${rounds} ${side}: ${speed}\n`);
    }
  }
  return backends.map((backend) => ({
    name: backend === "native" ? name : `${name} ${backend}`,
    scantling: runs[backend],
    torch: runs.torch,
  }));
}

/** Prints the table and what to think of it. @param {import("./compare/summary.js").Measured[]} measured */
function show(measured) {
  const summary = measured.map(summarise);
  const ratios = summary.map((row) => row.ratio);
  const overall = `median ${median(ratios).toFixed(2)}, lowest ${Math.min(...ratios).toFixed(2)}`;
  const lines = [table(summary), `speed ratio over ${ratios.length} workloads: ${overall}`];
  lines.push(...measured.flatMap(disagreements));
  const busiest = Math.max(
    ...measured.flatMap((m) => [...m.scantling, ...m.torch]).map((run) => run.busyBefore),
  );
  if (busiest > BUSY) {
    const share = `${(100 * busiest).toFixed(0)} % of the cores`;
    lines.push(`these figures mean little: up to ${share} did other work before a run`);
  }
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** Writes the whole file or nothing. @param {string} file @param {unknown} record */
function writeRecord(file, record) {
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  writeFileSync(`${file}.part`, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(`${file}.part`, file);
}

/** What was asked, without the commands of either side, which are paths of one machine. */
function describeRequest(options) {
  const shapes = options.shapes && path.relative(ROOT, path.resolve(options.shapes));
  const settings = ["workloads", "only", "backends", "rounds", "steps", "threads"].map((key) => [
    key,
    options[key],
  ]);
  const given = [...settings, ["shapes", shapes]].filter(([, value]) => value !== undefined);
  return ["node bench/compare.js", ...given.map(([key, value]) => `--${key} ${value}`)].join(" ");
}

async function main() {
  const options = parseOptions();
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const rounds = wholeNumber("rounds", options.rounds, 1);
  const steps = wholeNumber("steps", options.steps, 3);
  const threads = wholeNumber("threads", options.threads, 1);
  const names = options.shapes === undefined ? list(options.workloads ?? "W1,W2") : list(options.workloads);
  const backends = selectBackends(options.backends);
  const workloads = selectWorkloads(names, options.shapes, list(options.only));

  const common = ["--steps", String(steps), "--threads", String(threads)];
  const record = {
    date: new Date().toISOString(),
    command: describeRequest(options),
    commit: commitOf(ROOT),
    machine: describeMachine(),
    loadBefore: os.loadavg(),
  };
  const measured = [];
  for (const workload of workloads) {
    const run = (side) =>
      side === "torch"
        ? runOnce(options.python, [path.join(HERE, "peer/decoder.py"), ...workload.torch, ...common])
        : runOnce(`${options.scantling} bench`, [
            ...workload.scantling,
            ...common,
            ...BACKENDS[side],
            "--json",
          ]);
    measured.push(...(await measure(workload.name, backends, rounds, run)));
  }
  show(measured);
  if (options.out !== undefined) {
    writeRecord(options.out, { ...record, summary: measured.map(summarise), runs: measured });
  }
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof RequestError ? 2 : 1;
});
