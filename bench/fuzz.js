#!/usr/bin/env node
// Feeds damaged and hostile files to everything that reads one: no crash, no hang, no excess memory, and always a
// result or an error of a known type in one line. Knows only how to run targets. See bench/README.md.
import { readdirSync, renameSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { commitOf } from "./compare/run.js";
import { fuzz } from "./fuzz/watch.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const targets = readdirSync(new URL("fuzz/targets", import.meta.url)).map((file) =>
  file.replace(/\.js$/, ""),
);

const HELP = `Usage: node bench/fuzz.js [options]        (after npm run build)

  --target LIST   of ${targets.join(", ")} (default: all)
  --minutes X     for each target (default 10)
  --inputs N      this many inputs of each target instead
  --seed N        the same seed makes the same inputs (default 1)
  --from N        number of the first input (default 0): to repeat one that was at fault, with --inputs 1
  --out FILE      also write the counts as JSON
  --help

Example: node bench/fuzz.js --target safetensors,log --minutes 1 --seed 7
`;

const { values: options } = parseArgs({
  options: {
    target: { type: "string" },
    minutes: { type: "string", default: "10" },
    inputs: { type: "string" },
    seed: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    out: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

/** @param {string} name @param {string} text */
function number(name, text) {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && Number.isFinite(value)) return value;
  throw new Error(`--${name} ${text}: expected a number of at least 0`);
}

async function main() {
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const chosen = options.target?.split(",") ?? targets;
  const unknown = chosen.find((target) => !targets.includes(target));
  if (unknown !== undefined) throw new Error(`--target ${unknown}: expected some of ${targets.join(", ")}`);
  const [seed, from] = [number("seed", options.seed), number("from", options.from)];
  const until =
    options.inputs === undefined
      ? { milliseconds: 60_000 * number("minutes", options.minutes) }
      : { inputs: number("inputs", options.inputs) };
  const results = [];
  for (const target of chosen) {
    const summary = await fuzz({ target, seed, from, ...until });
    const { inputs, seconds, outcomes, slowestInput, peakMebibytes, faults } = summary;
    console.log(`${target}: seed ${seed}, ${inputs} inputs in ${seconds} s, ${JSON.stringify(outcomes)}`);
    console.log(
      `  slowest ${slowestInput.milliseconds} ms (input ${slowestInput.input}), peak ${peakMebibytes} MiB`,
    );
    for (const { input, what, detail } of faults.slice(0, 20))
      console.log(`  FAULT input ${input}: ${what}\n${detail ?? ""}`);
    results.push({ ...summary, faults: faults.slice(0, 100), allFaults: faults.length });
  }
  if (results.some(({ allFaults }) => allFaults > 0)) process.exitCode = 1;
  if (options.out === undefined) return;
  const command = ["node bench/fuzz.js", ...process.argv.slice(2)].join(" ");
  const machine = { cpu: os.cpus()[0]?.model, cores: os.cpus().length, node: process.version };
  const content = { command, date: new Date().toISOString(), commit: commitOf(ROOT), machine, results };
  writeFileSync(`${options.out}.partial`, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(`${options.out}.partial`, join(options.out));
}

main().catch((error) => {
  console.error(`fuzz: ${error.message}`);
  process.exitCode = 2;
});
