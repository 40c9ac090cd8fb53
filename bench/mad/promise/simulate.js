// Many simulated studies of one kind, raced. Knows true scores and noise; no model is trained.
import { createDraws, noises } from "./noise.js";
import { raceDrawn } from "./raceDrawn.js";

/**
 * Runs the racing rule on drawn scores. The seed spread, the standard deviation over seeds of one arm's mean over tasks, is
 * 1; `shared` of its variance is common to the arms of a seed; the last `quiet` arms have a hundredth of the spread, and the
 * first one `loud` times as much.
 * The grid that is compared with runs three candidates on every seed; the rule tries the three on the first seed.
 */
export function simulate({ noise, arms, seeds, items, shared, quiet, loud = 1, scores, studies, seed }) {
  let falseWins = 0;
  let pairs = 0;
  let right = 0;
  let wrong = 0;
  let runs = 0;
  for (let study = 0; study < studies; study++) {
    const standing = raceOnce({
      noise,
      arms,
      seeds,
      items,
      shared,
      quiet,
      loud,
      scores,
      draws: createDraws(seed * 100_000 + study),
    });
    const candidates = 3;
    runs += standing.spent / (arms * items * candidates * seeds);
    let any = false;
    for (const {
      arms: [a, b],
      verdict,
    } of standing.comparisons) {
      const better = scores[a] === scores[b] ? null : scores[a] > scores[b] ? a : b;
      const isWin = verdict.kind === "win";
      if (isWin && verdict.winner !== better) {
        any = true;
        wrong++;
      }
      if (better !== null) pairs++;
      if (better !== null && isWin && verdict.winner === better) right++;
    }
    if (any) falseWins++;
  }
  return {
    anyFalseWin: falseWins / studies,
    bound: 0.05 + 2 * Math.sqrt((0.05 * 0.95) / studies),
    decidedRightly: pairs > 0 ? right / pairs : null,
    wrongWins: wrong,
    runs: runs / studies,
  };
}

function raceOnce({ noise, arms, seeds, items, shared, quiet, loud, scores, draws }) {
  const draw = () => noises[noise](draws);
  // Of the mean over tasks the spread is 1, so of each task √tasks.
  const spread = (arm) => Math.sqrt(items) * (arm >= arms - quiet ? 0.01 : arm === 0 ? loud : 1);
  const common = Array.from({ length: seeds * items }, draw);
  const own = Array.from({ length: arms * seeds * items }, draw);
  const scoreOf = ({ arm, item, seed }) =>
    scores[arm] +
    spread(arm) *
      (Math.sqrt(shared) * common[seed * items + item] +
        Math.sqrt(1 - shared) * own[(arm * seeds + seed) * items + item]);
  // The first candidate is far better: choosing among them is not what is tested.
  const read = (entry) => ({ score: scoreOf(entry) - 1000 * entry.candidate, selection: -entry.candidate });
  return raceDrawn({ arms, items, candidates: 3, seeds, read });
}
