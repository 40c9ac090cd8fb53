#!/usr/bin/env node
// The coordinate check on five seeds: widths 64 to 512, steps 1 to 10, under muP, CompleteP and the standard parametrisation.
// A parametrisation that is in coordinates.json already is not checked again.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { checkTransfer, loadDataset, openMachine, slopeRange } from "../../dist/index.js";

const file = path.join(path.dirname(fileURLToPath(import.meta.url)), "coordinates.json");
const results = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
const dataset = await loadDataset({});
const { machine } = await openMachine({ threads: 1 });
for (const parametrisation of ["mup", "completep", "standard"]) {
  if (results[parametrisation] === undefined) {
    const started = performance.now();
    const check = await checkTransfer({
      ...{ machine, dataset, parametrisation, widths: [64, 128, 256, 512], layers: 4 },
      architecture: (width, layers) => ({
        ...{ length: 64, width, layers, heads: width / 32, feedforward: 2 * width },
        ...{ activation: "swiglu", norm: "rms", positions: "rope" },
      }),
    });
    const { least, most } = slopeRange(check.coordinates);
    results[parametrisation] = { seconds: (performance.now() - started) / 1000, least, most, ...check };
    writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
  }
  const { least, most } = results[parametrisation];
  const told = [least, most].map(({ slope, name, step }) => `${slope.toFixed(2)} (${name}, step ${step})`);
  console.log(`${parametrisation}: slopes from ${told.join(" to ")}`);
}
machine.dispose();
