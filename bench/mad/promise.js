#!/usr/bin/env node
// Whether verdicts keep their promise: studies are simulated, raced by the rule that ships, and what it calls a win is held
// against the truth. Knows no training: a run's score is drawn. Needs `npm run build`. See docs/verdicts.md.
import { keptResults } from "./promise/kept.js";
import { noises } from "./promise/noise.js";
import { simulationOptions } from "./promise/options.js";
import { simulate } from "./promise/simulate.js";

const { studies, firstSeed, out } = simulationOptions("promise");

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

const given = kinds.map((kind, index) => ({ ...kind, studies, seed: firstSeed + index }));
const find = (kind) => simulate({ ...kind, scores: truths[kind.truth](kind.arms) });
const results = [];
for (const found of keptResults(given, out, find)) {
  results.push(found);
  const share = (value) => (value === null ? "    -" : value.toFixed(3));
  process.stdout.write(
    `${found.noise.padEnd(12)} ${String(found.arms).padStart(2)} arms ${found.seeds} seeds ${found.items} tasks  ${found.truth.padEnd(28)}` +
      ` shared ${found.shared} quiet ${found.quiet}  any false win ${share(found.anyFalseWin)} (at most ${share(found.bound)})` +
      `  decided rightly ${share(found.decidedRightly)}  runs ${share(found.runs)} of the grid${found.anyFalseWin > found.bound ? "  BROKEN" : ""}\n`,
  );
}
process.exit(results.some(({ anyFalseWin, bound }) => anyFalseWin > bound) ? 1 : 0);
