#!/usr/bin/env node
// Where verdicts do not keep their promise: equal arms of which one varies several times as much as the others. Simulated as in
// promise.js, raced and in full. Needs `npm run build`. See docs/verdicts.md.
import { compareArms } from "../../dist/study/statistics/compare.js";
import { keptResults } from "./promise/kept.js";
import { createDraws, noises } from "./promise/noise.js";
import { simulationOptions } from "./promise/options.js";
import { simulate } from "./promise/simulate.js";

const { studies, firstSeed, out } = simulationOptions("unequal");

const kinds = [3, 5, 8, 12].flatMap((arms) =>
  [2, 3, 5].flatMap((seeds) =>
    [2, 5, 8].flatMap((loud) => [0, 0.5].map((shared) => ({ arms, seeds, loud, shared }))),
  ),
);
const common = { noise: "normal", items: 1, quiet: 0 };
const given = kinds.map((kind, index) => ({ ...common, ...kind, studies, seed: firstSeed + index }));

/** Every arm has every seed, and is looked at once: the share of studies with any win. */
function inFull({ noise, arms, seeds, loud, shared, studies: count, seed }) {
  let falseWins = 0;
  for (let study = 0; study < count; study++) {
    const draws = createDraws(seed * 100_000 + study);
    const common = Array.from({ length: seeds }, () => noises[noise](draws));
    const table = Array.from({ length: arms }, (_, arm) =>
      common.map((own) => ({
        score:
          (arm === 0 ? loud : 1) * (Math.sqrt(shared) * own + Math.sqrt(1 - shared) * noises[noise](draws)),
        itemVariance: 0,
      })),
    );
    if (compareArms([table], { margin: 0 }).some(({ verdict }) => verdict.kind === "win")) falseWins++;
  }
  return falseWins / count;
}

const find = (kind) => {
  const { anyFalseWin, bound } = simulate({ ...kind, scores: Array.from({ length: kind.arms }, () => 0) });
  return { raced: anyFalseWin, full: inFull(kind), bound };
};
for (const { arms, seeds, loud, shared, raced, full } of keptResults(given, out, find)) {
  process.stdout.write(
    `${String(arms).padStart(2)} arms ${seeds} seeds, one ${loud} times as noisy, shared ${shared}: any false win ` +
      `${raced.toFixed(3)} raced, ${full.toFixed(3)} in full\n`,
  );
}
