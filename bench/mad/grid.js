#!/usr/bin/env node
// Time to decision: an exhaustive grid that is run in full, then the default racing mode on seeds of its own; how the two
// rank the architectures, and what the race spent. Goes on where it was stopped. See bench/README.md.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { readOptions, wholeOption } from "../options.js";
import { compareRankings, separation } from "./compare.js";
import { architectures, gridSeeds, profileOf, raceSeeds } from "./grid.profile.js";
import { run } from "./run.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));

const HELP = `Usage: node bench/mad/grid.js [options]

Runs ${architectures.length} architectures on four tasks at three rates with three seeds, 3,000 steps each: 550M tokens, three hours or more
on two cores. Every finished run is on the disk as it ends; the same command goes on.

  --only NAME     grid or race (default: both)
  --processes N   runs at a time (default: one a core)
  --help
`;

const values = readOptions(HELP, { only: { type: "string" }, processes: { type: "string" } });

const common = { architectures, processes: wholeOption(values, "processes") };
const grid =
  values.only === "race"
    ? undefined
    : await run("grid", { profile: profileOf(true), full: true, ...common, ...gridSeeds });
if (grid !== undefined) console.log(JSON.stringify(separation(grid), null, 2));
const race =
  values.only === "grid"
    ? undefined
    : await run("grid-race", { profile: profileOf(false), ...common, ...raceSeeds });
if (grid !== undefined && race !== undefined) {
  const compared = { separation: separation(grid), race: compareRankings(grid, race) };
  console.log(JSON.stringify(compared.race, null, 2));
  writeFileSync(
    path.join(HERE, "grid.json"),
    `${JSON.stringify({ ...compared, grid, raced: race }, null, 1)}\n`,
  );
}
