#!/usr/bin/env node
// Whether verdicts keep their promise: studies are simulated, raced by the rule that ships, and what it calls a win is held
// against the truth. Knows no training: a run's score is drawn. Needs `npm run build`. See docs/verdicts.md.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { noises } from "./promise/noise.js";
import { simulate } from "./promise/simulate.js";

const HELP = `Usage: node bench/mad/promise.js [options]        (after npm run build)

  --studies N     of each kind (default 500)
  --seed N        (default 1)
  --out FILE      write the shares as JSON after each kind; kinds that it has already are not simulated again
  --help

Example: node bench/mad/promise.js --out bench/mad/promise.json
`;

const { values: options } = parseArgs({
  options: {
    studies: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
    out: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const studies = Number(options.studies);

/** What is true of the arms, in units of the seed spread. */
const truths = {
  equal: (arms) => Array.from({ length: arms }, () => 0),
  "half of them 2 better": (arms) => Array.from({ length: arms }, (_, arm) => (arm < arms / 2 ? 2 : 0)),
  "half of them 10 better": (arms) => Array.from({ length: arms }, (_, arm) => (arm < arms / 2 ? 10 : 0)),
  "each 2 better than the next": (arms) => Array.from({ length: arms }, (_, arm) => 2 * (arms - arm)),
};

const better = Object.keys(truths)[1];

const makeKind =
  (noise, seeds) =>
  (arms, items, truth, shared = 0, quiet = 0) => ({ noise, seeds, arms, items, truth, shared, quiet });

/** Of each noise; the normal one, to compare with, at five seeds alone. */
const kinds = [kindsOf, fewArms].flatMap((of) =>
  [5, 2, 3].flatMap((seeds) =>
    Object.keys(noises).flatMap((noise) => (noise === "normal" && seeds !== 5 ? [] : of(noise, seeds))),
  ),
);

/** As many as most studies have, where the spread rests on few degrees of freedom. */
function fewArms(noise, seeds) {
  const kind = makeKind(noise, seeds);
  return [3, 5].flatMap((arms) => [
    kind(arms, 1, "equal"),
    kind(arms, 1, better),
    kind(arms, 1, better, 0.5),
    kind(arms, 1, "equal", 0, 1),
  ]);
}

function kindsOf(noise, seeds) {
  const kind = makeKind(noise, seeds);
  return [2, 12].flatMap((arms) => [
    ...[1, 6].flatMap((items) => [
      kind(arms, items, "equal"),
      kind(arms, items, better),
      kind(arms, items, better, 0.5),
    ]),
    ...(arms === 2
      ? []
      : [
          ...Object.keys(truths)
            .slice(2)
            .map((truth) => kind(arms, 1, truth)),
          kind(arms, 1, "equal", 0, 6),
          kind(arms, 1, "equal", 0, 9),
        ]),
  ]);
}

const { out } = options;
const before = out !== undefined && existsSync(out) ? JSON.parse(readFileSync(out, "utf8")) : { results: [] };
const results = [];
for (const [index, kind] of kinds.entries()) {
  const scores = truths[kind.truth](kind.arms);
  const seed = 1000 * Number(options.seed) + index;
  const given = { ...kind, studies, seed };
  const found =
    before.results.find((one) => Object.entries(given).every(([key, value]) => one[key] === value)) ??
    simulate({ ...given, scores });
  results.push({ ...given, ...found });
  if (out !== undefined) writeFileSync(out, `${JSON.stringify({ results }, null, 1)}\n`);
  const share = (value) => (value === null ? "    -" : value.toFixed(3));
  process.stdout.write(
    `${kind.noise.padEnd(12)} ${String(kind.arms).padStart(2)} arms ${kind.seeds} seeds ${kind.items} tasks  ${kind.truth.padEnd(28)}` +
      ` shared ${kind.shared} quiet ${kind.quiet}  any false win ${share(found.anyFalseWin)} (at most ${share(found.bound)})` +
      `  decided rightly ${share(found.decidedRightly)}  runs ${share(found.runs)} of the grid${found.anyFalseWin > found.bound ? "  BROKEN" : ""}\n`,
  );
}
process.exit(results.some(({ anyFalseWin, bound }) => anyFalseWin > bound) ? 1 : 0);
