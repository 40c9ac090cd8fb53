#!/usr/bin/env node
// What racing saves and what it costs: simulated studies are raced by the rule that ships and run in full, on the same draws. Knows
// no training: a run's score is drawn. Needs `npm run build`. See docs/verdicts.md.
import { readOptions, wholeOption } from "../options.js";
import { raceBesideGrid } from "./promise/beside.js";
import { keptResults } from "./promise/kept.js";

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

const given = kinds.map((kind, index) => ({ ...kind, studies, seed: 7000 + index }));
const find = (kind) => {
  const { arms, truth } = kind;
  const scores = Array.from({ length: arms }, (_, arm) => truths[truth](arm, arms));
  return raceBesideGrid({ ...kind, scores });
};
for (const found of keptResults(given, values.out, find)) {
  const { noise, arms, seeds, rates, truth, race, grid } = found;
  const share = (value) => (value === null ? "    -" : value.toFixed(3));
  const told = ({ anyFalseWin, decidedRightly, regret, runs }) =>
    `false ${share(anyFalseWin)} right ${share(decidedRightly)} regret ${share(regret)} runs ${share(runs)}`;
  console.log(
    `${noise} ${arms} arms ${seeds} seeds, ${rates} rates, ${truth}: race ${told(race)}; grid ${told(grid)}`,
  );
}
