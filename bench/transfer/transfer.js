#!/usr/bin/env node
// Does the best learning rate move? Widths at one depth under muP, depths at one width under CompleteP, the standard
// parametrisation beside each. Every finished run is on the disk as it ends; the same command goes on.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadDataset, transfer } from "../../dist/index.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));

const HELP = `Usage: node bench/transfer/transfer.js [options]

Widths 64, 128, 256 and 512 at depth 4 under muP; depths 2, 4, 8 and 16 at width 128 under CompleteP; standard beside both.
Six rates a factor 2 apart, two seeds, 400 steps of 8 sequences of 64 tokens of the built-in language: 192 runs.
Results: bench/transfer/width.json and depth.json.

  --only NAME     width or depth (default: both)
  --largest N     no wider or deeper models: a first look, in a folder of its own
  --processes N   runs at a time (default: one a core)
  --help
`;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    largest: { type: "string" },
    processes: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => stop.abort());

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

for (const [name, design] of Object.entries(designs)) {
  if (values.only !== undefined && values.only !== name) continue;
  const most = Number(values.largest ?? Number.POSITIVE_INFINITY);
  const axis = name === "width" ? "widths" : "depths";
  const sizes = design[axis].filter((size) => size <= most);
  const folder = path.join(HERE, "studies", values.largest === undefined ? name : `${name}-${most}`);
  let seconds = 0;
  for await (const event of transfer({
    ...{ ...common, ...design, [axis]: sizes, folder, signal: stop.signal },
    ...(values.processes === undefined ? {} : { processes: Number(values.processes) }),
  })) {
    if (event.kind === "study" && event.event.kind === "result") {
      const { run, value, seconds: took } = event.event.result;
      seconds += took;
      console.log(`${run}: loss ${value.loss?.toFixed(4) ?? "out of bounds"}, ${took.toFixed(0)} s`);
    }
    if (event.kind !== "end") continue;
    if (event.reason === "interrupted") process.exit(130);
    for (const { text } of event.result.series) console.log(text);
    if (values.largest === undefined) {
      writeFileSync(path.join(HERE, `${name}.json`), `${JSON.stringify(event.result, null, 1)}\n`);
    }
  }
  console.log(`${name}: ${(seconds / 3600).toFixed(2)} h of processes`);
}
