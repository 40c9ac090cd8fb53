// Simulated studies, each raced and run in full on the same draws. Knows true scores, rates and noise; no model is trained.
import { compareArms } from "../../../dist/index.js";
import { createDraws, noises } from "./noise.js";
import { raceDrawn } from "./raceDrawn.js";

/** What each of three rates of an arm falls short of its best, in units of the seed spread: easy and hard to tell apart. */
const penaltiesOf = { clear: [10, 0, 10], near: [2, 0, 1] };
/** Spread of what the data that select say beside the data that test, in the same units. */
const selectionSpread = 0.5;

/**
 * Shares of both ways. The seed spread is 1, every rate of an arm has noise of its own under every seed. An arm is as good as its
 * best rate; a way that settles on a worse one pays for it. `regret` is how far the arm that looks best lies below the best.
 */
export function raceBesideGrid({ noise, arms, seeds, rates, scores, studies, seed }) {
  const penalties = penaltiesOf[rates];
  const ways = { race: newCounts(), grid: newCounts() };
  for (let study = 0; study < studies; study++) {
    const drawn = draw({ noise, arms, seeds, penalties, scores, draws: createDraws(seed * 100_000 + study) });
    count(ways.race, raced({ arms, seeds, penalties, ...drawn }), scores);
    count(ways.grid, inFull({ arms, seeds, penalties, ...drawn }), scores);
  }
  const all = arms * penalties.length * seeds;
  return Object.fromEntries(
    Object.entries(ways).map(([name, { falseWins, right, pairs, runs, regret }]) => [
      name,
      {
        anyFalseWin: falseWins / studies,
        decidedRightly: pairs > 0 ? right / pairs : null,
        regret: regret / studies,
        runs: runs / studies / all,
      },
    ]),
  );
}

const newCounts = () => ({ falseWins: 0, right: 0, pairs: 0, runs: 0, regret: 0 });

function draw({ noise, arms, seeds, penalties, scores, draws }) {
  const own = Array.from({ length: 2 * arms * penalties.length * seeds }, () => noises[noise](draws));
  const at = ({ arm, candidate, seed }) => (arm * penalties.length + candidate) * seeds + seed;
  const scoreOf = (one) => scores[one.arm] - penalties[one.candidate] + own[2 * at(one)];
  return { scoreOf, selectionOf: (one) => scoreOf(one) + selectionSpread * own[2 * at(one) + 1] };
}

function raced({ arms, seeds, penalties, scoreOf, selectionOf }) {
  const { comparisons, spent, ranking } = raceDrawn({
    ...{ arms, items: 1, candidates: penalties.length, seeds },
    read: (entry) => ({ score: scoreOf(entry), selection: selectionOf(entry) }),
  });
  return { comparisons, runs: spent, best: ranking[0] };
}

/** Every rate under every seed; each arm has the rate with the best mean of what selects. */
function inFull({ arms, seeds, penalties, scoreOf, selectionOf }) {
  const each = (length) => Array.from({ length }, (_, at) => at);
  const table = each(arms).map((arm) => {
    const meanOf = (candidate) =>
      each(seeds).reduce((sum, seed) => sum + selectionOf({ arm, candidate, seed }), 0) / seeds;
    const means = each(penalties.length).map(meanOf);
    const candidate = means.indexOf(Math.max(...means));
    return each(seeds).map((seed) => ({ score: scoreOf({ arm, candidate, seed }), itemVariance: 0 }));
  });
  const sums = table.map((row) => row.reduce((sum, { score }) => sum + score, 0));
  return {
    comparisons: compareArms([table], { margin: 0 }),
    ...{ runs: arms * penalties.length * seeds, best: sums.indexOf(Math.max(...sums)) },
  };
}

function count(counts, { comparisons, runs, best }, scores) {
  let isAnyFalse = false;
  for (const { arms, verdict } of comparisons) {
    const [a, b] = arms;
    const better = scores[a] === scores[b] ? null : scores[a] > scores[b] ? a : b;
    if (better !== null) counts.pairs++;
    if (verdict.kind !== "win") continue;
    if (verdict.winner === better) counts.right++;
    else isAnyFalse = true;
  }
  if (isAnyFalse) counts.falseWins++;
  counts.runs += runs;
  counts.regret += Math.max(...scores) - scores[best];
}
