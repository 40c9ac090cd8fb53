#!/usr/bin/env node
// Whether `design` finds what brute force finds: every candidate at every rate to the end, then the design's search among the same
// candidates for a quarter of that at most, on three seeds. Every finished run is on the disk as it ends; the same command goes on.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  costOfDesign,
  costOfTrial,
  dataFolders,
  prepareDesign,
  prepareTrial,
  runTrial,
  searchDesign,
} from "../../dist/index.js";
import { readOptions, stopSignal, wholeOption } from "../options.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const DATA = "gutenberg_novels";

const HELP = `Usage: SCANTLING_DATA=FOLDER node bench/design/design.js [options]

Reads ${DATA} from SCANTLING_DATA. Brute force: the 24 candidates of candidates.json, about 200,000 parameters each, at three rates
for 3e12 FLOPs a run under one seed (72 runs). Then design's search among them on seeds 1, 2 and 3, its winner's run of the same
3e12 FLOPs reckoned in; that run is brute force's own of the same candidate and rate. Wanted: at most a quarter of the candidates
within 1 % of the best and the worst at least 10 % off; on every seed a choice within 1 % of the best loss for at most a quarter
of brute force's FLOPs. Losses are those of the test, which chooses nothing.
Results: bench/design/brute.json, design-SEED.json, and design.json with the outcome.

  --processes N   runs at a time (default: one a core)
  --smoke         six tiny candidates, two rates, one seed, in a minute or two: the way through, no measurement
  --estimate      say how long it takes, and stop
  --help
`;

const values = readOptions(HELP, {
  processes: { type: "string" },
  smoke: { type: "boolean", default: false },
  estimate: { type: "boolean", default: false },
});

const signal = stopSignal();
const { smoke } = values;
const processes = wholeOption(values, "processes");
const results = smoke ? path.join(tmpdir(), "scantling-design-smoke") : HERE;
mkdirSync(results, { recursive: true });
const folderOf = (name) => path.join(results, "studies", name);
const write = (name, content) =>
  writeFileSync(path.join(results, `${name}.json`), `${JSON.stringify(content, null, 1)}\n`);

const all = JSON.parse(readFileSync(path.join(HERE, "candidates.json"), "utf8"));
const few = {
  wide: [1, 32],
  middle: [2, 24],
  deep: [4, 16],
  local: [2, 24, 4],
  "local-deep": [4, 16, 4],
  trigrams: [1, 32, 3],
};
const tiny = ([layers, width, window]) => ({
  architecture: {
    ...{ width, layers, norm: "rms", positions: "rope" },
    stripe: [{ primitive: "attention", heads: 2, ...(window === undefined ? {} : { window }) }, "swiglu"],
  },
});
const candidates = smoke
  ? Object.fromEntries(Object.entries(few).map(([name, sizes]) => [name, tiny(sizes)]))
  : all;
const rates = smoke ? [3e-3, 1e-2] : [1.6e-3, 4e-3, 1e-2];
const seeds = smoke ? [1] : [1, 2, 3];
const FLOPS = smoke ? 2e9 : 3e12;
const count = Object.keys(candidates).length * rates.length;
/** Of everything that brute force costs: a little less than a quarter, since runs are whole updates. */
const SHARE = smoke ? 0.5 : 0.24;

const common = {
  ...{ data: DATA, rates, ...(smoke ? { length: 32, batch: 4 } : { length: 128, batch: 16 }) },
  training: { parametrisation: { kind: "mup", baseWidth: 64, zeroHead: true }, order: "epochs" },
};
const where = { dataFolder: dataFolders(process.env), processes };
const timed = values.estimate;

const brute = await prepareTrial({
  ...{ ...where, folder: folderOf("brute"), timed },
  input: {
    ...{ ...common, name: "brute force", arms: candidates, train: { flops: FLOPS } },
    ...{ seeds: 1, stop: "full", evaluationTokens: smoke ? 2048 : 16_384 },
  },
});
const designs = [];
for (const seed of seeds) {
  const input = {
    ...{ ...common, candidates, firstSeed: seed, seeds: 3 },
    ...{ budget: `${SHARE * count * FLOPS}flops`, final: `${FLOPS}flops` },
  };
  designs.push({ seed, ...(await prepareDesign({ ...where, input })) });
}

if (values.estimate) {
  const cost = costOfTrial(brute.trial, brute.paces);
  const own = costOfDesign(designs[0].design, brute.paces);
  const hours = (seconds) => `${(seconds / 3600).toFixed(2)} h`;
  console.log(
    `brute force: ${cost.runs[1]} runs, ${cost.flops[1].toExponential(2)} FLOPs, about ${hours(cost.seconds[1])}`,
  );
  console.log(
    `design: ${seeds.length} searches of ${own.runs} runs, about ${hours(seeds.length * own.seconds)}`,
  );
  for (const { name, seconds } of [...cost.arms].sort((a, b) => b.seconds - a.seconds)) {
    console.log(`  ${name}: ${seconds.toFixed(0)} s a run`);
  }
  process.exit(0);
}

function tell({ event }) {
  if (event.kind === "result") {
    const { run, value, seconds } = event.result;
    console.log(`${run}: loss ${value.selection.toFixed(4)}, ${seconds.toFixed(0)} s`);
  } else if (event.kind === "failure") console.log(`${event.failure.run} failed: ${event.failure.reason}`);
}

// Brute force.
const { trial } = brute;
const names = Object.keys(candidates);
const byRun = new Map(trial.runs.flat(2).map((run) => [run.run, run]));
const made = new Map();
for await (const event of runTrial({ trial, folder: folderOf("brute"), signal })) {
  if (event.kind === "study") {
    tell(event);
    const known = event.event.kind === "end" ? event.event.known.results : [event.event.result];
    for (const result of known) {
      if (result === undefined) continue;
      const { arm, candidate } = byRun.get(result.run);
      const { flops, seconds, value } = result;
      const { selection, test } = value;
      made.set(result.run, { name: names[arm], rate: rates[candidate], selection, test, flops, seconds });
    }
    if (event.event.kind === "result" || event.event.kind === "end") write("brute", [...made.values()]);
  } else if (event.reason === "interrupted") process.exit(130);
}
const rows = [...made.values()];
const total = rows.reduce((sum, { flops }) => sum + flops, 0);
const bestOf = (name) =>
  rows
    .filter((row) => row.name === name)
    .reduce((best, row) => (row.selection < best.selection ? row : best));
const ranking = names
  .filter((name) => rows.some((row) => row.name === name))
  .map(bestOf)
  .sort((a, b) => a.test - b.test);
const lowest = ranking[0].test;
const off = (loss) => loss / lowest - 1;
console.log("\nbrute force, best first:");
for (const { name, rate, test } of ranking) {
  console.log(`  ${name}: ${test.toFixed(4)} at rate ${rate}, ${(100 * off(test)).toFixed(1)} % off`);
}
const near = ranking.filter(({ test }) => off(test) <= 0.01).length;
const spread = { near, of: ranking.length, worst: off(ranking.at(-1).test) };
spread.isWide = near <= ranking.length / 4 && spread.worst >= 0.1;

// The searches.
const outcomes = [];
for (const { seed, design } of designs) {
  let result;
  for await (const event of searchDesign({ design, folder: folderOf(`seed${seed}`), signal })) {
    if (event.kind === "study") tell(event);
    else if (event.reason === "interrupted") process.exit(130);
    else result = event.result;
  }
  write(`design-${seed}`, result);
  const { name, rate, reason } = result.winner;
  const run = rows.find((row) => row.name === name && row.rate === rate);
  const cost = result.cost.flops + run.flops;
  const outcome = {
    seed,
    name,
    rate,
    reason,
    loss: run.test,
    off: off(run.test),
    flops: cost,
    share: cost / total,
  };
  outcome.isGood = outcome.off <= 0.01 && outcome.share <= 0.25;
  outcomes.push(outcome);
}
console.log(
  `\n${near} of ${ranking.length} candidates lie within 1 % of the best, the worst is ${(100 * spread.worst).toFixed(1)} % off: ${spread.isWide ? "as wanted" : "NOT as wanted"}`,
);
for (const { seed, name, rate, off: above, share, isGood } of outcomes) {
  console.log(
    `seed ${seed}: ${name} at rate ${rate}, ${(100 * above).toFixed(2)} % off the best for ${(100 * share).toFixed(1)} % of its FLOPs: ${isGood ? "as wanted" : "NOT as wanted"}`,
  );
}
write("design", {
  data: DATA,
  flopsOfRun: FLOPS,
  brute: { runs: rows.length, flops: total, ranking },
  spread,
  outcomes,
});
