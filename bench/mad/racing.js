#!/usr/bin/env node
// What racing saves and what it costs: simulated studies are raced by the rule that ships and run in full, on the same draws. Knows
// no training: a run's score is drawn. Needs `npm run build`. See docs/verdicts.md.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { readOptions, wholeOption } from "../options.js";
import { raceBesideGrid } from "./promise/beside.js";

const HELP = `Usage: node bench/mad/racing.js [options]        (after npm run build)

  --studies N     of each kind (default 500)
  --out FILE      write the shares as JSON after each kind; kinds that it has already are not simulated again
  --help

Example: node bench/mad/racing.js --out bench/mad/racing.json
`;

const values = readOptions(HELP, { studies: { type: "string" }, out: { type: "string" } });
const studies = wholeOption(values, "studies") ?? 500;

const truths = {
  equal: () => 0,
  "half of them 2 better": (arm, arms) => (arm < arms / 2 ? 2 : 0),
};
const kinds = ["t3", "contaminated"].flatMap((noise) =>
  [2, 12].flatMap((arms) =>
    [2, 3, 5].flatMap((seeds) =>
      ["clear", "near"].flatMap((rates) =>
        Object.keys(truths).map((truth) => ({ noise, arms, seeds, rates, truth })),
      ),
    ),
  ),
);

const { out } = values;
const before = out !== undefined && existsSync(out) ? JSON.parse(readFileSync(out, "utf8")) : { results: [] };
const results = [];
for (const [index, kind] of kinds.entries()) {
  const { arms, truth } = kind;
  const scores = Array.from({ length: arms }, (_, arm) => truths[truth](arm, arms));
  const given = { ...kind, studies, seed: 7000 + index };
  const found =
    before.results.find((one) => Object.entries(given).every(([key, value]) => one[key] === value)) ??
    raceBesideGrid({ ...given, scores });
  results.push({ ...given, ...found });
  if (out !== undefined) writeFileSync(out, `${JSON.stringify({ results }, null, 1)}\n`);
  const share = (value) => (value === null ? "    -" : value.toFixed(3));
  const told = ({ anyFalseWin, decidedRightly, regret, runs }) =>
    `false ${share(anyFalseWin)} right ${share(decidedRightly)} regret ${share(regret)} runs ${share(runs)}`;
  const { race, grid } = results.at(-1);
  console.log(
    `${kind.noise} ${arms} arms ${kind.seeds} seeds, ${kind.rates} rates, ${truth}: race ${told(race)}; grid ${told(grid)}`,
  );
}
