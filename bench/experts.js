#!/usr/bin/env node
// Times layers of experts against a dense feed-forward layer of the same active operations, in turn on one machine, and
// prints the ratio of tokens a second. The weights are random: routers are nearly even, as a balance loss keeps them. Knows
// only the library. See bench/README.md.

import { renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { commitOf, describeMachine, otherWork } from "./compare/run.js";
import { median } from "./compare/summary.js";
import { numberOptions } from "./options.js";

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const HELP = `Usage: node bench/experts.js [options]        (after npm run build)

Tokens a second of top-k experts with a capacity and of one dense feed-forward layer of as many hidden features as a token's
experts have together: the layer alone, forward and backward, and a decoder with it, with AdamW.

  --width N, --experts N, --chosen N   default 512, 8, 2
  --feedforward N   hidden features of an expert (default: 2 · width)
  --capacity X      (default 1.25)
  --length N, --tokens N   of a sequence, of a step (default 128, 8192)
  --layers N        blocks of the decoder (default 2; 0: the layer alone)
  --rounds N        of both sides in turn (default 5)
  --repeats N       timed runs of a side in a round (default 3)
  --threads N       (default 2)
  --out FILE        also write every round and a description of the machine as JSON
  --help

Example: node bench/experts.js --rounds 5 --out bench/results/experts.json
`;
const numbers = {
  ...{ width: 512, experts: 8, chosen: 2, feedforward: 0, capacity: 1.25 },
  ...{ length: 128, tokens: 8192, layers: 2, rounds: 5, repeats: 3, threads: 2 },
};

function parseOptions() {
  const values = numberOptions(HELP, numbers);
  for (const name of Object.keys(numbers)) {
    const isWhole = Number.isInteger(values[name]) && values[name] >= (numbers[name] === 0 ? 0 : 1);
    const isRight = name === "capacity" ? values[name] > 0 : name === "layers" ? values[name] >= 0 : isWhole;
    if (!isRight) throw new Error(`--${name}: expected a number that makes sense`);
  }
  return { ...values, feedforward: values.feedforward || 2 * values.width };
}

/** What is timed of each side: the layer alone and, with `layers`, a decoder. */
async function sides(options) {
  const library = await import(new URL("../dist/index.js", import.meta.url));
  const { primitives } = await import(new URL("../dist/nn/primitives.js", import.meta.url));
  const { width, length, tokens, layers, repeats, threads, experts, chosen, feedforward } = options;
  const { machine } = await library.openMachine({ backend: "native", threads });
  const settings = {
    experts: { experts, chosen, feedforward, capacity: options.capacity, capacityGroup: "batch" },
    dense: { feedforward: chosen * feedforward },
  };
  const primitive = { experts: "moe", dense: "gelu" };
  const layer = async (side) => {
    const of = { name: side, primitive: primitives.get(primitive[side]), useful: null };
    const prepared = library.prepareCell({ ...of, settings: () => settings[side] }, width, length, tokens);
    return (await library.timePrimitive(machine, prepared, { repeats, seed: 0 })).tokensPerSecond;
  };
  const decoder = async (side) => {
    const architecture = library.defineArchitecture({
      ...{ vocabulary: 96, width, length, repeat: layers, allowNonCausal: true },
      stripe: [
        { primitive: "attention", heads: width / 64 },
        { primitive: primitive[side], ...settings[side] },
      ],
    });
    const timing = { batch: Math.max(1, Math.floor(tokens / length)), steps: repeats + 2, seed: 0 };
    return (await library.timeSteps(machine, architecture, timing)).tokensPerSecond;
  };
  return layers === 0 ? { layer } : { layer, decoder };
}

async function main() {
  const options = parseOptions();
  const { rounds, out, help: _, ...settings } = options;
  const timed = await sides(options);
  const runs = [];
  for (let round = 0; round < rounds; round++) {
    const run = { busyBefore: await otherWork() };
    for (const [what, time] of Object.entries(timed)) {
      run[what] = {};
      for (const side of round % 2 === 0 ? ["dense", "experts"] : ["experts", "dense"]) {
        run[what][side] = await time(side);
      }
    }
    runs.push(run);
    process.stderr.write(`round ${round + 1}/${rounds}\n`);
  }
  const summary = Object.fromEntries(
    Object.keys(timed).map((what) => {
      const ratios = runs.map((run) => run[what].experts / run[what].dense);
      const of = (side) => median(runs.map((run) => run[what][side]));
      const spread = { lowest: Math.min(...ratios), highest: Math.max(...ratios) };
      return [what, { dense: of("dense"), experts: of("experts"), ratio: median(ratios), ...spread }];
    }),
  );
  for (const [what, { dense, experts, ratio, lowest, highest }] of Object.entries(summary)) {
    const speeds = [experts, dense].map((speed) => Math.round(speed).toLocaleString("en-US"));
    process.stdout.write(
      `${what.padEnd(8)} experts ${speeds[0]}, dense ${speeds[1]} tokens/s, ratio ${ratio.toFixed(2)} ` +
        `(${lowest.toFixed(2)} to ${highest.toFixed(2)})\n`,
    );
  }
  const busiest = Math.max(...runs.map(({ busyBefore }) => busyBefore));
  if (busiest > 0.05) {
    process.stdout.write(
      `up to ${(100 * busiest).toFixed(0)} % of the cores did other work before a round\n`,
    );
  }
  if (out === undefined) return;
  const record = {
    date: new Date().toISOString(),
    command: ["node bench/experts.js", ...process.argv.slice(2)].join(" "),
    commit: commitOf(ROOT),
    machine: describeMachine(),
    settings,
    summary,
    runs,
  };
  writeFileSync(`${out}.part`, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(`${out}.part`, out);
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
