// What others predict of depth at equal parameters, beside what a study of shapes found. Shown; the claim's verdict is not made of
// it. Trains nothing.
import type { ReportSection } from "../report/document.ts";
import type { TrialResult } from "../trial/result.ts";
import { distance } from "./distance.ts";
import { judgeArms } from "./judge.ts";
import { type Judgement, together } from "./verdict.ts";

/** An arm: layers × width. */
export type Shape = readonly [layers: number, width: number];

export const shapeName = ([layers, width]: Shape): string => `${layers} × ${width}`;

/** Levine et al. 2020: the depth up to which it pays, ln d = a + b · L, fitted to depths from 6 to 48. */
const [LEVINE_A, LEVINE_B] = [5.039, 0.0555];

/** Layers that Levine's fit asks for of so many parameters, 12 · L · d². */
export function levineDepth(parameters: number): number {
  let [low, high] = [0, 1000];
  for (let pass = 0; pass < 60; pass++) {
    const layers = (low + high) / 2;
    if (12 * layers * Math.exp(2 * (LEVINE_A + LEVINE_B * layers)) < parameters) low = layers;
    else high = layers;
  }
  return low;
}

/**
 * Kaplan et al. 2020: 6 × 4288 reaches a loss within 3 % of that of 48 × 1600. Taken to be so of shapes of more than one layer whose
 * width / depth lie no further apart than those two; over a factor of 40 the paper says a few per cent, which nothing is judged by.
 */
const KAPLAN = { share: 0.03, shapes: [[6, 4288] as Shape, [48, 1600] as Shape] } as const;

export function depthPredictions(
  shapes: readonly Shape[],
  parameters: number,
  result: Pick<TrialResult, "pairs" | "arms">,
): ReportSection {
  const levine = levineDepth(parameters);
  const nearest = shapes.reduce((best, one) =>
    distance(one[0], levine) < distance(best[0], levine) ? one : best,
  );
  const others = shapes.filter((shape) => shape !== nearest).map(shapeName);
  const missing = result.arms.filter(({ test }) => test === null).map(({ name }) => name);
  const best = judgeArms({ text: "", better: [shapeName(nearest)], than: others }, result.pairs, missing);
  const [wide, deep] = KAPLAN.shapes;
  const factor = ratio(wide) / ratio(deep);
  const alike = shapes.flatMap((one, i) =>
    shapes
      .slice(i + 1)
      .filter((other) => one[0] > 1 && other[0] > 1 && distance(ratio(one), ratio(other)) <= Math.log(factor))
      .map((other) => [shapeName(one), shapeName(other)] as const),
  );
  const near = alike.map(([one, other]) => nearness(one, other, result));
  return {
    heading: "Predictions of depth",
    parts: [
      {
        ...{ kind: "table", title: "Predictions of depth" },
        note: "Shown, not part of the verdict; by the same intervals, which hold for all pairs at once.",
        columns: [
          { heading: "by" },
          { heading: "as published, or at the article's 50,331,648 parameters" },
          { heading: `here, at ${parameters.toLocaleString("en-US")}` },
          { heading: "ours say" },
          { heading: "because" },
        ],
        rows: [
          [
            "Levine et al. 2020",
            `${levineDepth(50_331_648).toFixed(1)} layers; of the article's shapes 16 × 512 is nearest`,
            `${levine.toFixed(1)} layers, which is outside its fit: ${shapeName(nearest)} is best`,
            ...[best.judgement, best.reason],
          ],
          [
            "Kaplan et al. 2020",
            `${shapeName(wide)} within ${100 * KAPLAN.share} % of ${shapeName(deep)}, ${factor.toFixed(0)} times apart in width / depth; ` +
              "a few per cent over a factor of 40; one layer off the trend",
            alike.length === 0
              ? `nothing: no two shapes of more than one layer are within ${factor.toFixed(0)} times`
              : `${alike.map((pair) => pair.join(" and ")).join("; ")} within ${100 * KAPLAN.share} %`,
            ...[
              near.length === 0
                ? "not decidable at this scale"
                : together(near.map(({ judgement }) => judgement)),
              near.map(({ reason }) => reason).join("; "),
            ],
          ],
        ],
      },
    ],
  };
}

const ratio = ([layers, width]: Shape): number => width / layers;

/** Whether two arms surely differ by less than the share of their loss that Kaplan's figure has. */
function nearness(
  one: string,
  other: string,
  { pairs, arms }: Pick<TrialResult, "pairs" | "arms">,
): { readonly judgement: Judgement; readonly reason: string } {
  const pair = pairs.find(({ first, second }) => first === one && second === other);
  const losses = [one, other].flatMap((name) => arms.find((arm) => arm.name === name)?.test?.loss ?? []);
  if (pair?.difference == null || losses.length < 2) {
    return { judgement: "not decidable at this scale", reason: `${one} or ${other} has no result` };
  }
  const lowest = Math.min(...losses);
  const [low, high] = (pair.interval ?? [-Infinity, Infinity]).map((end) => end / lowest) as [number, number];
  const reason = `${one} - ${other} is ${percent(pair.difference / lowest)}${pair.interval === null ? "" : ` [${percent(low)}, ${percent(high)}]`}`;
  const isNear = Math.max(-low, high) < KAPLAN.share;
  const isFar = low > KAPLAN.share || high < -KAPLAN.share;
  return {
    judgement: isNear ? "supported" : isFar ? "not supported" : "not decidable at this scale",
    reason,
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
