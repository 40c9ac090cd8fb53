// Predictions against what came out, and reasons to look at where they failed. Trains nothing.
import type { Estimate } from "../scaling/intervals.ts";
import type { Prediction, RungPrediction } from "./predict.ts";
import { lowestOf, type Rung } from "./progress.ts";
import type { LadderRequest } from "./request.ts";

/** A prediction beside its measurement. */
export interface Compared {
  readonly predicted: Estimate;
  /** Null where there is none. */
  readonly measured: number | null;
  /** Null where there is no interval or no measurement. */
  readonly isInside: boolean | null;
}

/** What became of the prediction of a rung. */
export interface RungOutcome {
  readonly rung: string;
  readonly best: Compared | null;
  readonly loss: Compared;
  readonly runs: readonly (Compared & { readonly run: string })[];
  /** In one line. */
  readonly text: string;
  /** Where something lies outside or has no measurement: what speaks against the prediction, a line each. */
  readonly reasons: readonly string[];
}

export function outcomesOf(
  request: LadderRequest,
  { rungs: predicted, doubts }: Prediction,
  rungs: readonly Rung[],
): RungOutcome[] {
  return predicted.flatMap((one) => {
    const rung = rungs.find(({ name }) => name === one.rung);
    return rung === undefined || !rung.isComplete ? [] : [outcomeOf(request, one, rung, doubts)];
  });
}

function outcomeOf(
  request: LadderRequest,
  prediction: RungPrediction,
  rung: Rung,
  doubts: Prediction["doubts"],
): RungOutcome {
  const vertex = rung.valley?.inside === true ? rung.valley.vertex : null;
  const best = prediction.best === null ? null : compare(prediction.best, vertex?.parameters ?? null);
  const loss = compare(
    prediction.loss,
    best === null ? (lowestOf(rung.runs)?.loss ?? null) : (vertex?.loss ?? null),
  );
  const runs = prediction.runs.map(({ run, loss: predicted }) => ({
    run,
    ...compare(predicted, rung.runs.find((one) => one.run.run === run)?.loss ?? null),
  }));
  const all = [...(best === null ? [] : [best]), loss, ...runs];
  const said = [
    ...(best === null ? [] : [sentence(request.kind === "shape" ? "depth" : "parameters", best, 3)]),
    sentence("loss", loss, 4),
    ...(runs.length === 0
      ? []
      : [`${runs.filter(({ isInside }) => isInside).length} of ${runs.length} runs inside their intervals`]),
  ];
  return {
    ...{ rung: prediction.rung, best, loss, runs },
    text: `${prediction.rung}: ${said.join("; ")}`,
    reasons: all.some(isMissed) ? reasonsOf(request, rung, runs, doubts) : [],
  };
}

function compare(predicted: Estimate, measured: number | null): Compared {
  const { interval } = predicted;
  const isInside =
    interval === null || measured === null ? null : measured >= interval[0] && measured <= interval[1];
  return { predicted, measured, isInside };
}

/** Outside its interval, or there is nothing to compare with; what has no interval cannot be missed. */
function isMissed({ measured, isInside }: Compared): boolean {
  return isInside === false || measured === null;
}

function sentence(name: string, { predicted, measured, isInside }: Compared, digits: number): string {
  const { value, interval } = predicted;
  const write = (number: number) => String(Number(number.toPrecision(digits + 1)));
  const between = interval === null ? "" : ` [${interval.map(write).join(", ")}]`;
  const verdict = isInside === null ? "" : isInside ? ", inside" : ", OUTSIDE";
  return `${name} predicted ${write(value)}${between}, measured ${measured === null ? "none" : write(measured)}${verdict}`;
}

function reasonsOf(
  { trainingTokens }: LadderRequest,
  { runs, valley }: Rung,
  compared: readonly Compared[],
  doubts: Prediction["doubts"],
): string[] {
  const lost = runs.filter(({ loss }) => loss === null).length;
  const errors = compared.flatMap(({ predicted, measured }) =>
    measured === null ? [] : [measured / predicted.value - 1],
  );
  const sides = new Set(errors.map(Math.sign));
  const longest = Math.max(...runs.map(({ run }) => run.tokens));
  const reasons = [
    ...(lost === 0 ? [] : [`${lost} of ${runs.length} runs have no loss`]),
    ...(valley !== null && !valley.inside
      ? ["the parabola has no minimum among the sizes that were run"]
      : []),
    ...(compared.length > 0 && sides.size === 1 && errors.length > 2
      ? [
          `all runs are ${errors[0]! > 0 ? "worse" : "better"} than predicted, by ${(100 * Math.min(...errors.map(Math.abs))).toFixed(2)} to ${(100 * Math.max(...errors.map(Math.abs))).toFixed(2)} %: the law bends otherwise, or the rate suits other lengths of runs`,
        ]
      : []),
    ...(trainingTokens !== undefined && longest > trainingTokens
      ? [`its longest run sees the data ${(longest / trainingTokens).toFixed(1)} times`]
      : []),
    ...doubts.map(({ kind, text }) => `${kind}: ${text}`),
  ];
  return reasons.length > 0
    ? reasons
    : [
        "nothing that was looked at explains it: runs lost, minimum outside, one-sided errors, repeated data, a poor fit",
      ];
}
