#!/usr/bin/env node
// Does the best learning rate move? Widths at one depth under muP, depths at one width under CompleteP, the standard
// parametrisation beside each. Every finished run is on the disk as it ends; the same command goes on.

import { copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { defineTransfer, loadDataset, transfer } from "../../dist/index.js";
import { namesOf, readOptions, stopSignal, wholeOption } from "../options.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));

const HELP = `Usage: node bench/transfer/transfer.js [options]

Widths 64, 128, 256 and 512 at depth 4 under muP; depths 2, 4, 8 and 16 at width 128 under CompleteP; standard beside both.
Six rates a factor 2 apart, two seeds, 400 steps of 8 sequences of 64 tokens of the built-in language: 192 runs, and up to three
more rates for every size whose best one lies at an end of them.
Results: bench/transfer/width.json and depth.json, and the pages beside them.

  --only NAME     width or depth (default: both)
  --largest N     no wider or deeper models: a first look, in a folder of its own
  --processes N   runs at a time (default: one a core)
  --estimate      say how many FLOPs it takes, and stop
  --render        train nothing: the pages and the JSON again from the runs that are there
  --help
`;

const values = readOptions(HELP, {
  only: { type: "string" },
  largest: { type: "string" },
  processes: { type: "string" },
  estimate: { type: "boolean", default: false },
  render: { type: "boolean", default: false },
});

const processes = wholeOption(values, "processes");
const most = wholeOption(values, "largest") ?? Number.POSITIVE_INFINITY;
// A study that is stopped before it begins tells what is known and starts nothing.
const signal = values.render ? AbortSignal.abort() : stopSignal();

const designs = {
  width: { parametrisations: ["mup", "standard"], widths: [64, 128, 256, 512], depths: [4] },
  depth: { parametrisations: ["completep", "standard"], widths: [128], depths: [2, 4, 8, 16] },
};
const dataset = await loadDataset({});
const common = {
  architecture: (width, layers) => ({
    ...{ length: 64, width, layers, heads: width / 32, feedforward: 2 * width },
    ...{ activation: "swiglu", norm: "rms", positions: "rope" },
  }),
  rates: [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016],
  seeds: [1, 2],
  ...{ steps: 400, batch: 8, vocabulary: dataset.tokenizer.vocabulary },
};

for (const name of namesOf(values, Object.keys(designs))) {
  const design = designs[name];
  const axis = name === "width" ? "widths" : "depths";
  const sizes = design[axis].filter((size) => size <= most);
  const folder = path.join(HERE, "studies", values.largest === undefined ? name : `${name}-${most}`);
  const request = { ...common, ...design, [axis]: sizes };
  const { runs } = defineTransfer(request);
  const flops = runs.reduce((sum, run) => sum + run.flops, 0);
  console.log(`${name}: ${runs.length} runs, ${flops.toExponential(2)} FLOP`);
  if (values.estimate) continue;
  let seconds = 0;
  for await (const event of transfer({
    ...request,
    folder,
    processes,
    signal,
    command: "node bench/transfer/transfer.js",
  })) {
    if (event.kind === "study" && event.event.kind === "result") {
      const { run, value, seconds: took } = event.event.result;
      seconds += took;
      console.log(`${run}: loss ${value.loss?.toFixed(4) ?? "out of bounds"}, ${took.toFixed(0)} s`);
    } else if (event.kind === "study" && event.event.kind === "failure") {
      console.log(`${event.event.failure.run} failed: ${event.event.failure.reason}`);
    }
    if (event.kind !== "end") continue;
    if (event.reason === "interrupted" && !values.render) process.exit(130);
    if (values.render && event.result.series.some(({ verdict }) => verdict === "unfinished")) {
      console.error(`${name}: not all runs have ended; nothing is written. Without --render they go on`);
      process.exit(2);
    }
    for (const { text } of event.result.series) console.log(text);
    if (values.largest === undefined) {
      writeFileSync(path.join(HERE, `${name}.json`), `${JSON.stringify(event.result, null, 1)}\n`);
      copyFileSync(event.report, path.join(HERE, `${name}.html`));
    }
  }
  if (!values.render) console.log(`${name}: ${(seconds / 3600).toFixed(2)} h of processes`);
}
