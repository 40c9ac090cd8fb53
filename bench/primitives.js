#!/usr/bin/env node
// Holds the speed of every primitive to PyTorch's best, as shares of the measured peak of either machine; or, with
// --scaling, the time per token of long sequences to that of shorter ones. Knows only how scantling is called. See
// bench/README.md.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compareShares, compareTimes, linearTime, tableOf } from "./compare/primitives.js";
import { otherWork } from "./compare/run.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.dirname(HERE);
// Above this share of busy cores before the run, the figures are the machine's, not ours.
const BUSY = 0.05;

const HELP = `Usage: node bench/primitives.js [options]

Runs \`scantling bench --primitives\` and prints our share of the peak, PyTorch's, their ratio and the goal.

  --scaling        instead: time per token at length 8192 over that at 512, of the mixers that are linear in time
  --only LIST      primitives (default: all of bench/primitives.json; with --scaling, all that are linear in time)
  --widths LIST    (default 128,512)
  --lengths LIST   (default 128,2048; not with --scaling)
  --repeats N      timed runs of each (default 5)
  --threads N      (default 2)
  --backend NAME   of Scantling (default native)
  --scantling CMD  shell command that runs scantling (default: node dist/cli/main.js)
  --out FILE       keep every measurement in this file as it ends, and go on behind those it has
  --help

Exit code 1: a goal was missed or a cell could not be measured.
Example: node bench/primitives.js --only mamba,mamba2 --out bench/results/primitives.json
`;

/** A request that cannot be served: one line, exit code 2. */
class RequestError extends Error {}

function parsed(configuration) {
  try {
    return parseArgs(configuration);
  } catch (error) {
    throw new RequestError(`${error.message}; node bench/primitives.js --help lists the options`);
  }
}

function readOptions() {
  const { values } = parsed({
    options: {
      scaling: { type: "boolean", default: false },
      only: { type: "string" },
      widths: { type: "string", default: "128,512" },
      lengths: { type: "string" },
      repeats: { type: "string", default: "5" },
      threads: { type: "string", default: "2" },
      backend: { type: "string", default: "native" },
      scantling: {
        type: "string",
        default: `"${process.execPath}" "${path.join(ROOT, "dist/cli/main.js")}"`,
      },
      out: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.scaling && values.lengths !== undefined)
    throw new RequestError("--lengths: --scaling has its own");
  return values;
}

/**
 * What scantling prints, its progress going to our standard error. An interrupt reaches it, too: it ends after the cell.
 * @param {string} command @param {string[]} args
 * @returns {Promise<import("./compare/primitives.js").Measurements>}
 */
function run(command, args) {
  return new Promise((resolve, reject) => {
    process.on("SIGINT", () => {});
    const child = spawn("/bin/sh", ["-c", `${command} "$@"`, "sh", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(JSON.parse(output));
      else if (code === 2) reject(new RequestError("scantling bench refused the request"));
      else reject(new Error(`scantling bench ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

async function main() {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const anchors = JSON.parse(readFileSync(path.join(HERE, "primitives.json"), "utf8"));
  const usual = options.scaling ? linearTime : [...new Set(anchors.rows.map(({ name }) => name))];
  const lengths = options.scaling ? "512,8192" : (options.lengths ?? "128,2048");
  const busy = await otherWork();
  const measured = await run(options.scantling, [
    ...["bench", "--primitives", options.only ?? usual.join(","), "--widths", options.widths],
    ...["--lengths", lengths, "--repeats", options.repeats, "--threads", options.threads],
    ...["--backend", options.backend, "--json", ...(options.scaling ? ["--tokens", "8192"] : [])],
    ...(options.out === undefined ? [] : ["--out", options.out, "--resume"]),
  ]);
  const rows = options.scaling ? compareTimes(measured) : compareShares(measured, anchors);
  const missed = rows.filter((row) => row.missed).length;
  process.stdout.write(`${tableOf(rows)}\n${rows.length - missed} of ${rows.length} goals reached\n`);
  for (const { reason } of measured.skipped) process.stdout.write(`left out: ${reason}\n`);
  if (busy > BUSY) {
    const share = `${(100 * busy).toFixed(0)} % of the cores`;
    process.stdout.write(`these figures mean little: ${share} did other work before the run\n`);
  }
  process.exitCode = missed > 0 || measured.skipped.length > 0 ? 1 : 0;
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof RequestError ? 2 : 1;
});
