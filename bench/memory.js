#!/usr/bin/env node
// Compares the memory that a training step is predicted to take with what its process had resident at most, and does the
// same again within a bound that the plain step would not fit. Knows only how scantling is called. See bench/README.md.

import { renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { commitOf, describeMachine, runOnce } from "./compare/run.js";
import { selectWorkloads } from "./compare/workloads.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.dirname(HERE);
const HELP = `Usage: node bench/memory.js [options]

  --shapes FILE    decoders to measure (default bench/shapes.json)
  --only LIST      of those, the ones with these names
  --bound X        part of the arena that the second run may have (default 0.75; 0: no second run)
  --steps N        steps of a run (default 4)
  --scantling CMD  shell command that runs scantling (default: node dist/cli/main.js)
  --out FILE       also write every run and a description of the machine as JSON
  --help

Example: node bench/memory.js --only narrow-deep --out bench/results/memory.json
`;

const { values: options } = parseArgs({
  options: {
    shapes: { type: "string", default: path.join(HERE, "shapes.json") },
    only: { type: "string", default: "" },
    bound: { type: "string", default: "0.75" },
    steps: { type: "string", default: "4" },
    scantling: { type: "string", default: `"${process.execPath}" "${path.join(ROOT, "dist/cli/main.js")}"` },
    out: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(0).padStart(6);

/** @param {string} name @param {string[]} args */
async function measure(name, args) {
  const run = await runOnce(options.scantling, ["bench", ...args, "--steps", options.steps, "--json"]);
  const ratio = run.memory.peakBytes / run.peakMemoryBytes;
  const figures = `predicted ${mebibytes(run.memory.peakBytes)} MiB, measured ${mebibytes(run.peakMemoryBytes)}`;
  const note = run.memoryNote === null ? "" : `  (${run.memoryNote})`;
  process.stdout.write(`${name.padEnd(18)} ${figures}, ratio ${ratio.toFixed(3)}${note}\n`);
  return { ratio, ...run };
}

/** Null where the bound is refused: what the process takes by itself cannot be planned. */
async function within(bound, args) {
  try {
    return await measure(`  within ${bound} MB`, [...args, "--memory", `${bound}MB`]);
  } catch (error) {
    if (!/is not enough/.test(error.message)) throw error;
    process.stdout.write(`  within ${bound} MB: refused\n`);
    return null;
  }
}

async function main() {
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const only = options.only.split(",").filter((name) => name !== "");
  const workloads = selectWorkloads([], options.shapes, only);
  const runs = [];
  for (const { name, scantling } of workloads) {
    const plain = await measure(name, scantling);
    const spared = (1 - Number(options.bound)) * plain.memory.arenaBytes;
    const bound = Math.floor((plain.memory.peakBytes - spared) / 1e6);
    const bounded = Number(options.bound) === 0 ? null : await within(bound, scantling);
    runs.push({ name, plain, within: bounded, boundBytes: 1e6 * bound });
  }
  const ratios = runs.flatMap(({ plain, within }) => [plain, within]).flatMap((run) => run?.ratio ?? []);
  const [lowest, highest] = [Math.min(...ratios), Math.max(...ratios)];
  process.stdout.write(`predicted / measured: ${lowest.toFixed(3)} to ${highest.toFixed(3)}\n`);
  if (options.out === undefined) return;
  const record = {
    date: new Date().toISOString(),
    command: `node bench/memory.js --bound ${options.bound} --steps ${options.steps}`,
    commit: commitOf(ROOT),
    machine: describeMachine(),
    lowest,
    highest,
    runs,
  };
  writeFileSync(`${options.out}.part`, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(`${options.out}.part`, options.out);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
