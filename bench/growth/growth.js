#!/usr/bin/env node
// Does growing in the middle of training save FLOPs? Depth and width methods against scratch of the same final shape, at equal
// FLOPs. Every finished run is on the disk as it ends; the same command goes on.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { openMachine, runStudy, train } from "../../dist/index.js";
import { readOptions, stopSignal, wholeOption } from "../options.js";
import { NOVELS, prepareData } from "./data.js";
import { armsOf, BATCH, designs, LENGTH, network, planOf, runName, SMALL, sizes } from "./design.js";
import { studyPage, verdictLines } from "./report.js";
import { summarise } from "./summary.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));

const HELP = `Usage: node bench/growth/growth.js [options]

Blocks x width 4 x 64 grows to 16 x 64 (zero, stack, interleave) or to 4 x 128 (zero, aki, hypercloning, lemon) after a quarter or
a half of the FLOPs, each against scratch of the final shape. 1e13 training FLOPs a run, the small network's counted; three rates
with the first seed, then the best of each arm with two others: 80 runs, about two hours on two quiet cores.
SCANTLING_DATA must name a folder with gutenberg_novels. Results: bench/growth/growth.json, bench/growth/studies.

  --only NAME     depth or width (default: both)
  --processes N   runs at a time (default: one a core)
  --smoke         few FLOPs, two rates, two seeds, a folder that is removed: a minute or two to see that all of it works
  --help
`;

const values = readOptions(HELP, {
  only: { type: "string" },
  processes: { type: "string" },
  smoke: { type: "boolean", default: false },
});
if (values.only !== undefined && !Object.hasOwn(designs, values.only)) {
  console.error(`--only is ${values.only}; expected depth or width`);
  process.exit(2);
}
const processes = wholeOption(values, "processes") ?? availableParallelism();

const signal = stopSignal();

const size = values.smoke ? sizes.smoke : sizes.full;
const place = values.smoke
  ? mkdtempSync(path.join(tmpdir(), "scantling-growth-"))
  : path.join(HERE, "studies");
if (values.smoke) process.once("exit", () => rmSync(place, { recursive: true }));
const data = prepareData(path.join(place, "data"), size.heldOut);
if (data === undefined) {
  console.error("gutenberg_novels is not there; set SCANTLING_DATA to the folder of data sets");
  process.exit(2);
}
// The runs' processes find the data where all data are found.
process.env.SCANTLING_DATA = path.join(place, "data");
const names = Object.keys(designs).filter((name) => values.only === undefined || values.only === name);
const arms = Object.fromEntries(names.map((name) => [name, armsOf(name, size)]));

const results = {};
const pace = await measurePace();
for (const name of names) results[name] = await runDesign(name);
writeResults();

async function runDesign(name) {
  const folder = path.join(place, name);
  const runs = arms[name].flatMap((arm) => size.rates.map((rate) => [runName(arm, rate, ""), arm]));
  const secondsOf = (run) => secondsOfArm(runs.find(([prefix]) => run.startsWith(prefix))[1]);
  const later = (size.seeds.length - 1) * arms[name].reduce((sum, arm) => sum + secondsOfArm(arm), 0);
  let left = 0;
  const hours = () => `about ${(left / processes / 3600).toFixed(2)} h left`;
  for await (const event of runStudy({
    ...{ folder, processes, plan: planOf(arms[name], size), signal, silenceSeconds: 600 },
    request: JSON.parse(JSON.stringify({ data, size, arms: arms[name] })),
    worker: new URL("./worker.js", import.meta.url),
  })) {
    if (event.kind === "stage") {
      left = event.jobs.reduce((sum, { run }) => sum + secondsOf(run), event.stage === 1 ? later : 0);
      console.log(
        `${name}, stage ${event.stage}: ${event.jobs.length} runs to do, ${event.done} done; ${hours()} at this pace`,
      );
    } else if (event.kind === "failure") {
      console.log(`${event.failure.run} failed: ${event.failure.reason}`);
    } else if (event.kind === "result") {
      const { run, value, seconds } = event.result;
      left -= secondsOf(run);
      // Of a run that has ended its result is all that is needed.
      rmSync(path.join(folder, "runs", run, "checkpoints"), { recursive: true, force: true });
      const loss = value.loss === null ? "out of bounds" : `loss ${value.loss.toFixed(4)}`;
      console.log(`${run}: ${loss}, ${seconds.toFixed(0)} s; ${hours()}`);
    } else if (event.kind === "end") {
      if (event.reason === "interrupted") process.exit(130);
      const rows = summarise(arms[name], size, event.known.results);
      for (const { text } of verdictLines(name, rows)) console.log(text);
      return rows;
    }
  }
}

/** Seconds of a step of each network, from a few seconds of each on one thread. */
async function measurePace() {
  const { machine } = await openMachine({ threads: 1 });
  const known = new Map();
  for (const one of [SMALL, ...names.map((name) => designs[name])]) {
    const folder = mkdtempSync(path.join(tmpdir(), "scantling-growth-pace-"));
    const done = new AbortController();
    const training = { steps: 1e6, batch: BATCH, evaluateEvery: 1e6 };
    const architecture = network(one.layers, one.width);
    let [start, steps] = [0, 0];
    for await (const event of train({
      ...{ machine, folder, architecture, training, data: { data: NOVELS }, signal: done.signal },
      ...{ dataFolder: process.env.SCANTLING_DATA, force: true },
    })) {
      if (event.kind !== "step") continue;
      // The first steps compile.
      if (event.step === 2) start = performance.now();
      steps = event.step - 2;
      if (steps > 1 && performance.now() - start > (values.smoke ? 200 : 3000)) break;
    }
    known.set(one, (performance.now() - start) / 1000 / steps);
    done.abort();
    rmSync(folder, { recursive: true });
  }
  machine.dispose();
  return known;
}

/** Training, and evaluations, which cost a third of training on their tokens. */
function secondsOfArm({ design, steps, grow, evaluateEvery }) {
  const small = grow[0]?.at.step ?? 0;
  const evaluated = data.heldOutCharacters / (BATCH * LENGTH) / 3 / evaluateEvery;
  return (1 + evaluated) * (small * pace.get(SMALL) + (steps - small) * pace.get(designs[design]));
}

/** The page, and a summary in which designs that were not asked for now stay as they were. */
function writeResults() {
  const file = path.join(values.smoke ? place : HERE, "growth.json");
  const earlier = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).designs : {};
  const all = { ...earlier, ...results };
  writeFileSync(file, `${JSON.stringify({ size, data, designs: all }, null, 1)}\n`);
  const page = studyPage({ designs: all, size, data: data.sha256, command: "node bench/growth/growth.js" });
  writeFileSync(path.join(place, "report.html"), page);
  console.log(`written: ${file} and ${path.join(place, "report.html")}`);
}
