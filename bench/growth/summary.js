// What the runs say: losses at equal FLOPs, verdicts against scratch, FLOPs saved. Runs nothing.

import { armIntervals, compareArms } from "../../dist/index.js";
import { chosenRate, foundValue, runName } from "./design.js";

/** Losses closer than this do not matter: half of what another seed usually changes. */
export const MARGIN = 0.01;

/**
 * The share of scratch's FLOPs that an arm saves: 1 - F / C where its curve reaches scratch's last loss at F. Where it never does,
 * the same from the other side: C is more by so much than what scratch needs for the arm's last loss, and the share is negative.
 */
export function savedShare(scratch, grown) {
  const end = scratch.at(-1);
  const reached = firstAt(grown, end[1]);
  if (reached !== null) return 1 - reached / end[0];
  const last = grown.at(-1);
  return firstAt(scratch, last[1]) / last[0] - 1;
}

/** FLOPs at which a curve first is at a loss or below, on straight lines between its points; null: never. */
function firstAt(curve, loss) {
  const i = curve.findIndex(([, at]) => at <= loss);
  if (i < 0) return null;
  if (i === 0) return curve[0][0];
  const [[x0, y0], [x1, y1]] = [curve[i - 1], curve[i]];
  return x0 + ((x1 - x0) * (y0 - loss)) / (y0 - y1);
}

/** Everything of one design, of the runs that there are. */
export function summarise(arms, size, results) {
  const { rates, seeds } = size;
  const tuned = arms.map((arm) => {
    const rate = chosenRate(arm, size, results);
    const values = seeds.map((seed) => foundValue(results, runName(arm, rate, seed)) ?? null);
    const good = values.map((value) => (value === null || value.loss === null ? null : value));
    const selection = rates.map((one) => foundValue(results, runName(arm, one, seeds[0]))?.selection ?? null);
    return { arm, rate: rate ?? null, selection, values: good };
  });
  const table = (scoreOf) =>
    tuned.map(({ values }) =>
      values.map((value, seed) => {
        const score = value === null ? null : scoreOf(value, seed);
        return score === null ? null : { score, itemVariance: 0 };
      }),
    );
  const losses = table(({ loss }) => -loss);
  const comparisons = compareArms([losses], { margin: MARGIN }).filter(({ arms: [first] }) => first === 0);
  const intervals = armIntervals([losses]);
  const [scratch] = tuned;
  const savedTable = table((value, seed) => {
    const other = scratch.values[seed];
    return other === null ? null : savedShare(other.curve, value.curve);
  });
  // Scratch saves nothing of itself, whatever the seed: it is no arm here.
  const saved = armIntervals([savedTable.slice(1)]);
  return tuned.map(({ arm, rate, selection, values }, i) => ({
    ...{ arm: arm.arm, steps: arm.steps, flops: arm.flops, smallFlops: arm.smallFlops, rate, selection },
    isAtEdge: rate !== null && (rate === rates[0] || rate === rates.at(-1)),
    losses: values.map((value) => value?.loss ?? null),
    loss: bounds(intervals[i], -1),
    growth: values.map((value) => value?.growth ?? null),
    saved: i === 0 ? null : bounds(saved[i - 1], 1),
    savedBySeed: i === 0 ? null : savedTable[i].map((cell) => cell?.score ?? null),
    comparison: i === 0 ? null : againstScratch(comparisons[i - 1]),
    curve: meanCurve(values),
  }));
}

const bounds = (interval, sign) => {
  if (interval === null || interval === undefined) return null;
  const ends = [sign * interval.low, sign * interval.high].sort((a, b) => a - b);
  return { value: sign * interval.score, interval: ends, seeds: interval.seeds };
};

/** Of the loss: below zero where the arm is better than scratch. */
function againstScratch({ difference, low, high, seeds, verdict }) {
  const said =
    verdict.kind === "win" ? { verdict: verdict.winner === 0 ? "loss" : "win" } : { verdict: verdict.kind };
  return { difference, low, high, seeds, ...said, furtherSeeds: verdict.furtherSeeds ?? null };
}

/** Mean over seeds, point by point: all seeds of an arm have the same steps. */
function meanCurve(values) {
  const curves = values.filter((value) => value !== null).map(({ curve }) => curve);
  const [first] = curves;
  if (first === undefined) return [];
  return first.map(([flops], i) => [flops, mean(curves.map((curve) => curve[i][1]))]);
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
