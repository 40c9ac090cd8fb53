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

const HELP = `Usage: node bench/compare.js [options]

Runs \`scantling bench\` and the PyTorch peer in turn and prints the ratio of their speeds.

  --workloads LIST   W1, W2 or both (default: both, or none when --shapes is given)
  --shapes FILE      also every decoder of this file, e.g. bench/shapes.json
  --only LIST        of --shapes, those with these names
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

/**
 * All rounds of one workload. Who goes first changes from round to round, so that neither side always meets the
 * warmer machine.
 * @param {import("./compare/workloads.js").Workload} workload @param {number} rounds
 * @param {{ scantling: () => Promise<import("./compare/run.js").Run>, torch: () => Promise<import("./compare/run.js").Run> }} sides
 */
async function measure(workload, rounds, sides) {
  const measured = { name: workload.name, scantling: [], torch: [] };
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? ["scantling", "torch"] : ["torch", "scantling"]) {
      const busyBefore = await otherWork();
      const run = await sides[side]();
      measured[side].push({ ...run, busyBefore });
      const speed = `${run.tokensPerSecond.toFixed(0)} tokens/s`;
      process.stderr.write(`${workload.name} round ${round + 1}/${rounds} ${side}: ${speed}\n`);
    }
  }
  return measured;
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
  const settings = ["workloads", "only", "rounds", "steps", "threads"].map((key) => [key, options[key]]);
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
    const sides = {
      scantling: () => runOnce(`${options.scantling} bench`, [...workload.scantling, ...common, "--json"]),
      torch: () =>
        runOnce(options.python, [path.join(HERE, "peer/decoder.py"), ...workload.torch, ...common]),
    };
    measured.push(await measure(workload, rounds, sides));
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
