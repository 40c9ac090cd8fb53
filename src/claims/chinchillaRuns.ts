// Sizes at equal compute, budget by budget: which runs a study of them has, and what their losses say of the best size. Knows no
// published figure but those that it is held against.
import { decoderFamily } from "../ladder/family.ts";
import { fitRuns } from "../ladder/predict.ts";
import { guessOf, type IsoflopRequest, isoflopRuns } from "../ladder/request.ts";
import type { LadderRun } from "../ladder/runs.ts";
import { formatCount } from "../report/format.ts";
import type { Estimate } from "../scaling/intervals.ts";
import { fitIsoflop } from "../scaling/isoflop.ts";
import { exponentTable, flopName, type Optimum, optimaTable } from "./chinchillaTables.ts";
import { distance } from "./distance.ts";
import { type JudgedMeasure, judgeMeasures, type Measure, meanOf, toldMeasures } from "./measures.ts";
import type { Conclusion, FigureAbout, LossOf, RunsContext, RunsInput } from "./runsStudy.ts";
import { valleyFigure, valleyThrough } from "./valleys.ts";
import { widthRule } from "./widthRule.ts";

/** How large. */
export interface ChinchillaSize {
  readonly label: string;
  /** FLOPs of a run. */
  readonly budgets: readonly number[];
  /** Multiples of the size that Besiroglu's law holds for best. */
  readonly sizes: readonly number[];
  readonly layers: number;
  /** Tokens of a sequence, and sequences of an update. */
  readonly length: number;
  readonly batch: number;
  readonly evaluationTokens: number;
  readonly seeds: number;
}

/** A size at a budget, under every seed. */
interface Model {
  readonly parameters: number;
  readonly runs: readonly LadderRun[];
}

interface ChinchillaRung {
  readonly budget: number;
  /** Parameters that are likely to be best. */
  readonly guess: number;
  /** From the smallest to the largest. */
  readonly models: readonly Model[];
}

export function chinchillaRuns(size: ChinchillaSize): RunsInput {
  return {
    ...{ label: size.label, name: "chinchilla", seeds: size.seeds },
    plan: (context) => {
      const rungs = size.budgets.map((budget) => rungAt(size, context, budget));
      return {
        runs: rungs.flatMap(({ models }) => models.flatMap(({ runs }) => runs)),
        conclude: (lossOf, about) => conclude(rungs, lossOf, about),
      };
    },
  };
}

function rungAt(
  { budgets, sizes, layers, length, batch, evaluationTokens }: ChinchillaSize,
  { seeds, ...context }: RunsContext,
  budget: number,
): ChinchillaRung {
  const requests = seeds.map(
    (seed): IsoflopRequest => ({
      ...{ kind: "isoflop", family: decoderFamily(length, widthRule), layers, budgets, sizes },
      ...{ ...context, batch, seed, evaluationTokens },
    }),
  );
  const guess = guessOf(requests[0]!, budget);
  const bySeed = requests.map((request) => isoflopRuns(request, budget, guess));
  const models = bySeed[0]!.map(({ parameters }, place) => ({
    parameters,
    runs: bySeed.map((runs) => runs[place]!),
  }));
  return { budget, guess, models };
}

async function conclude(
  rungs: readonly ChinchillaRung[],
  lossOf: LossOf,
  about: FigureAbout,
): Promise<Conclusion> {
  const judged = judgeMeasures(rungs.map((rung) => measureOf(rung, lossOf))).map((measure, place) =>
    withinReach(measure, rungs[place]!),
  );
  const valleys = rungs.map(({ budget, models }) => ({
    name: flopName(budget),
    valley: valleyThrough(
      models.map(({ parameters, runs }) => ({ parameters, loss: meanOf(runs.map(lossOf)) })),
      budget,
    ),
  }));
  const minima = valleys.flatMap(({ valley }) => (valley?.inside === true ? [valley] : []));
  const frontier = minima.length < 2 ? null : fitIsoflop(minima.flatMap(({ runs }) => runs));
  const measured = rungs.flatMap(({ models }) =>
    models.flatMap(({ runs }) => runs.map((run) => ({ run, loss: lossOf(run), hasEnded: true }))),
  );
  // Where there are no valleys the law through them is none.
  const law = frontier === null ? null : await fitRuns(measured);
  const optima = rungs.map(({ budget, models }, place) => {
    const valley = valleys[place]!.valley;
    const vertex = valley?.inside === true ? valley.vertex! : null;
    return { budget, ...vertexOf(vertex, models, budget) };
  });
  const told = toldMeasures(judged, about);
  const a = frontier?.constants.a;
  return {
    ...told,
    lines: [
      ...told.lines,
      ...(a === undefined
        ? []
        : [`best size as C^a, a = ${estimateText(a)}; published 0.50, 0.49, 0.46, Kaplan 0.73`]),
    ],
    sections: [
      {
        heading: "Best sizes",
        parts: [
          valleyFigure(valleys, about),
          optimaTable(optima),
          exponentTable(frontier?.constants.a ?? null, law?.fit.constants ?? {}),
        ],
      },
      ...told.sections,
    ],
    result: { optima, frontier, law: law?.fit ?? null },
  };
}

function measureOf({ budget, models }: ChinchillaRung, lossOf: LossOf): Measure {
  const names = models.map(({ parameters }) => `N ${formatCount(parameters)}`);
  return {
    ...{ title: `loss at ${flopName(budget)}`, unit: "nat", margin: 0.01 },
    arms: models.map(({ runs }, place) => ({ name: names[place]!, values: runs.map(lossOf) })),
    expectation: {
      text: `at ${flopName(budget)} a size between wins over the smallest (${names[0]}), trained longest, and the largest (${names.at(-1)})`,
      better: names.slice(1, -1),
      than: [names[0]!, names.at(-1)!],
    },
  };
}

/** That no size between is best says nothing where all sizes that were run are likely to be too big, or all too small. */
function withinReach(measure: JudgedMeasure, { guess, models }: ChinchillaRung): JudgedMeasure {
  const { judged } = measure;
  const [smallest, largest] = [models[0]!.parameters, models.at(-1)!.parameters];
  if (judged.judgement !== "not supported" || (smallest < guess && guess < largest)) return measure;
  const end =
    smallest < guess
      ? `the largest size, N ${formatCount(largest)}, lies below`
      : `the smallest size, N ${formatCount(smallest)}, lies above`;
  const reason = `${judged.reason}; but ${end} what is likely to be best, N ${formatCount(guess)}`;
  return { ...measure, judged: { ...judged, judgement: "not decidable at this scale", reason } };
}

function estimateText({ value, interval }: Estimate): string {
  return `${value.toFixed(3)}${interval === null ? "" : ` [${interval.map((end) => end.toFixed(3)).join(", ")}]`}`;
}

function vertexOf(
  vertex: { readonly parameters: number; readonly loss: number } | null,
  models: readonly Model[],
  budget: number,
): Omit<Optimum, "budget"> {
  if (vertex === null) return { parameters: null, tokensPerParameter: null, loss: null };
  // What a parameter costs a token, of the model that is nearest.
  const nearest = models.reduce((best, one) =>
    distance(one.parameters, vertex.parameters) < distance(best.parameters, vertex.parameters) ? one : best,
  );
  const { flops, tokens } = nearest.runs[0]!;
  const tokensAt = budget / ((flops / tokens / nearest.parameters) * vertex.parameters);
  return {
    parameters: vertex.parameters,
    tokensPerParameter: tokensAt / vertex.parameters,
    loss: vertex.loss,
  };
}
