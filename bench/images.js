#!/usr/bin/env node
// Trains two image classifiers by one recipe, a ViT and the same with WideNet's sharing and experts, and records what came
// out: accuracy on the test images, parameters, active FLOPs, seconds, what the routers told. Knows only how scantling is
// called and what its runs leave. See bench/README.md.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { commitOf, describeMachine, otherWork } from "./compare/run.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.dirname(HERE);

const HELP = `Usage: node bench/images.js [options]

Trains a ViT and a WideNet by the same recipe and writes accuracy, parameters, active FLOPs, seconds and router statistics.
Run it again after an interrupt: runs go on where they stopped, finished ones are not repeated.

  --data WHAT      as of scantling train (default: mnist, found by SCANTLING_DATA)
  --arms LIST      vit, widenet (default: both)
  --epochs N       (default 10)
  --seed N         (default 0)
  --threads N      (default 2)
  --runs FOLDER    where the runs lie (default: runs/bench-images)
  --out FILE       (default: bench/results/images.json)
  --help

Example: SCANTLING_DATA=~/data node bench/images.js
`;

// Patches of 4 by 4 pixels; every matrix begins with a deviation of 1 / sqrt(width).
const recipe = { patch: 4, crop: 2, batch: 128, "learning-rate": 2e-3, "weight-decay": 0.05 };
const width = 64;
const common = {
  ...{ width, repeat: 5, norm: "layer", positions: "learned", pool: "average", headBias: true },
  standardDeviation: 0.125,
};
const attention = { primitive: "attention", heads: 4, bias: true, causal: false };

/** Under 0.3 million parameters each. */
const arms = {
  vit: { ...common, stripe: [attention, { primitive: "gelu", feedforward: 4 * width, bias: true }] },
  // One attention and one set of experts for all blocks, norms of their own; routing as in WideNet's code.
  widenet: {
    ...common,
    stripe: [
      attention,
      {
        ...{ primitive: "moe", experts: 4, chosen: 2, feedforward: 4 * width, bias: true, network: "gelu" },
        ...{ gates: "raw", noise: 1, balance: 0.01, activationAfter: true },
        ...{ capacity: 1.2, capacityGroup: "batch", firstPlaceUnused: true },
      },
    ],
    share: { norms: "individual" },
  },
};

/** A request that cannot be served: one line, exit code 2. */
class RequestError extends Error {}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        data: { type: "string", default: "mnist" },
        arms: { type: "string", default: Object.keys(arms).join(",") },
        epochs: { type: "string", default: "10" },
        seed: { type: "string", default: "0" },
        threads: { type: "string", default: "2" },
        runs: { type: "string", default: "runs/bench-images" },
        out: { type: "string", default: path.join(HERE, "results/images.json") },
        help: { type: "boolean", default: false },
      },
    });
    const unknown = values.arms.split(",").find((arm) => !Object.hasOwn(arms, arm));
    if (unknown !== undefined)
      throw new Error(`--arms ${unknown}: expected ${Object.keys(arms).join(" or ")}`);
    if (!(Number(values.epochs) > 0)) throw new Error(`--epochs ${values.epochs}: expected a number above 0`);
    return values;
  } catch (error) {
    throw new RequestError(`${error.message}; node bench/images.js --help lists the options`);
  }
}

/** What scantling prints as JSON, its progress going to our standard error. @param {string[]} words */
function scantling(words) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(ROOT, "dist/cli/main.js"), ...words, "--json"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(JSON.parse(output));
      else if (code === 2) reject(new RequestError(`scantling ${words[0]} refused the request`));
      else reject(new Error(`scantling ${words[0]} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

function recordsOf(folder) {
  return readFileSync(path.join(folder, "log.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** Of images that come as 54,000 and 6,000 of 60,000; other data say how many there are. */
async function stepsOf(options) {
  const { loadImages, dataFolders } = await import(path.join(ROOT, "dist/index.js"));
  const { training } = await loadImages({ data: options.data, dataFolder: dataFolders(process.env) });
  return Math.ceil((Number(options.epochs) * training.count) / recipe.batch);
}

async function trained(arm, options, steps) {
  const folder = path.join(options.runs, arm);
  if (!existsSync(path.join(folder, "config.json"))) {
    mkdirSync(options.runs, { recursive: true });
    const file = path.join(options.runs, `${arm}.json`);
    writeFileSync(file, JSON.stringify(arms[arm]));
    await scantling([
      ...["train", "--data", options.data, "--architecture", file, "--out", folder, "--steps", String(steps)],
      ...["--seed", options.seed, "--threads", options.threads],
      ...Object.entries(recipe).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ]);
  } else if (!recordsOf(folder).some(({ kind, reason }) => kind === "end" && reason === "done")) {
    await scantling(["train", "--resume", folder, "--threads", options.threads]);
  }
  return folder;
}

/** Means of every router's figures over the last tenth of what the log has of them, and how the load is spread. */
function routersOf(records) {
  const told = records.filter(({ kind }) => kind === "statistics");
  const last = told.slice(-Math.max(1, Math.floor(told.length / 10)));
  const means = {};
  for (const name of Object.keys(last[0]?.values ?? {})) {
    if (!name.startsWith("block.")) continue;
    const lists = last.map(({ values }) => [values[name]].flat());
    const mean = lists[0].map((_, i) => lists.reduce((sum, list) => sum + list[i], 0) / lists.length);
    means[name] = mean.length === 1 ? mean[0] : mean;
  }
  return means;
}

async function measure(arm, options, steps) {
  const folder = await trained(arm, options, steps);
  const records = recordsOf(folder);
  const { architecture } = JSON.parse(readFileSync(path.join(folder, "config.json"), "utf8"));
  const complete = path.join(options.runs, `${arm}.complete.json`);
  writeFileSync(complete, JSON.stringify(architecture));
  const costs = await scantling(["count", complete]);
  const test = await scantling(["evaluate", folder, "--threads", options.threads]);
  const ends = records.filter(({ kind }) => kind === "end");
  const speeds = records
    .filter(({ imagesPerSecond }) => imagesPerSecond > 0)
    .map((step) => step.imagesPerSecond);
  return {
    arm,
    accuracy: test.accuracy,
    loss: test.loss,
    bestStep: test.step,
    steps,
    parameters: costs.parameters.total,
    activeParameters: costs.parameters.active,
    // Of the experts that an image's patches meet; forward, one image.
    activeFlopsPerImage: costs.flopsPerToken.forward * architecture.length,
    trainingFlopsPerImage: costs.flopsPerToken.training * architecture.length,
    seconds: ends.reduce((total, { seconds }) => total + seconds, 0),
    imagesPerSecond: speeds.sort((a, b) => a - b)[speeds.length >> 1],
    evaluations: records
      .filter(({ kind }) => kind === "evaluation")
      .map(({ step, loss, statistics }) => ({ step, loss, ...statistics })),
    routers: routersOf(records),
  };
}

async function main() {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const busyBefore = await otherWork();
  const steps = await stepsOf(options);
  const results = [];
  for (const arm of options.arms.split(",")) {
    results.push(await measure(arm, options, steps));
    const document = {
      date: new Date().toISOString().slice(0, 10),
      machine: describeMachine(),
      commit: commitOf(ROOT),
      busyBefore,
      data: options.data,
      recipe: { ...recipe, epochs: Number(options.epochs), seed: Number(options.seed) },
      threads: Number(options.threads),
      results,
    };
    mkdirSync(path.dirname(options.out), { recursive: true });
    writeFileSync(options.out, `${JSON.stringify(document, null, 2)}\n`);
  }
  for (const { arm, accuracy, parameters, activeFlopsPerImage, seconds } of results) {
    const line = [
      `${(100 * accuracy.value).toFixed(2)} % of test images`,
      `${parameters} parameters`,
      `${(activeFlopsPerImage / 1e6).toFixed(1)} MFLOP an image`,
      `${seconds.toFixed(0)} s`,
    ];
    process.stdout.write(`${arm.padEnd(8)} ${line.join(", ")}\n`);
  }
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof RequestError ? 2 : 1;
});
