// A study of trained models as a document: verdicts, losses over everything they cost, rates, differences, tables. Runs
// nothing.
import type { Series } from "../report/charts/chart.ts";
import type { ReportDocument, ReportFigure, ReportPart, ReportTable } from "../report/document.ts";
import type { ArmResult, TrialResult } from "./result.ts";
import type { Look } from "./views.ts";
import { flipLines, noteLines, pairText } from "./words.ts";

/** What the report says besides the result. */
export interface TrialReportRequest {
  readonly result: TrialResult;
  readonly title?: string | undefined;
  /** As it was typed, or said of a call of the library. */
  readonly command: string;
  /** Of the request. */
  readonly hash: string;
}

export function trialReport({ result, title, command, hash }: TrialReportRequest): ReportDocument {
  return {
    title: title ?? result.name,
    notes: noteLines(result),
    facts: factsOf(result),
    verdicts: result.pairs.map((pair) => ({ outcome: pair.verdict, text: pairText(pair) })),
    sections: trialSections(result),
    origin: [
      { name: "made by", value: command },
      { name: "request", value: hash },
    ],
  };
}

function factsOf({ arms, spent, seeds, optimum }: TrialResult) {
  const tested = arms.filter(({ test }) => test !== null).sort((a, b) => a.test!.loss - b.test!.loss);
  const best = tested[0];
  return [
    ...(best === undefined
      ? []
      : [{ name: "lowest loss", value: `${best.name}, ${best.test!.loss.toFixed(4)} nat` }]),
    ...(optimum === null ? [] : [{ name: "lowest possible", value: `${optimum.toFixed(4)} nat` }]),
    { name: "seeds", value: String(seeds.length) },
    { name: "runs", value: String(spent.runs) },
    { name: "training FLOPs", value: spent.flops.toExponential(2) },
  ];
}

/** Everything below the verdicts. */
export function trialSections(result: TrialResult): ReportDocument["sections"] {
  const flips = flipLines(result);
  return [
    { heading: "Losses", parts: [lossTable(result), ...drawn(differences(result))] },
    {
      heading: "Learning",
      parts: [
        ...drawn(curves(result, "tokens", ({ tokens, steps }) => tokens / steps, "count")),
        ...drawn(curves(result, "training FLOPs", ({ flops, steps }) => flops / steps, "count")),
        ...drawn(curves(result, "seconds", secondsPerStep, "seconds")),
      ],
    },
    { heading: "Rates", parts: [...drawn(rateFigure(result)), rateTable(result)] },
    {
      heading: "Held to other budgets",
      parts: [
        ...(flips.length === 0
          ? [{ kind: "text", text: "No verdict is another one under any of these." } as const]
          : flips.map((text): ReportPart => ({ kind: "text", text }))),
        viewTable(result),
        verdictTable(result),
      ],
    },
    { heading: "Costs", parts: [costTable(result)] },
    ...(result.failures.length === 0
      ? []
      : [
          {
            heading: "Runs that failed",
            parts: result.failures.map(
              ({ run, reason }): ReportPart => ({ kind: "text", text: `${run}: ${reason}` }),
            ),
          },
        ]),
  ];
}

/** The figure, where there is something to draw yet. */
export function drawn(figure: ReportFigure): ReportFigure[] {
  const { chart } = figure;
  const isEmpty =
    (chart.kind === "curves" && chart.series.every(({ points }) => points.length === 0)) ||
    (chart.kind === "forest" && chart.rows.length === 0);
  return isEmpty ? [] : [figure];
}

const secondsPerStep = ({ tokens, steps, tokensPerSecond }: ArmResult): number | null =>
  tokensPerSecond === null ? null : tokens / steps / tokensPerSecond;

const aboutSeeds = ({ seeds }: TrialResult): string =>
  seeds.length === 1 ? `seed ${seeds[0]}` : `seeds ${seeds[0]} to ${seeds.at(-1)}`;

function lossTable(result: TrialResult): ReportTable {
  const { arms, seeds } = result;
  const lowest = Math.min(...arms.map(({ test }) => test?.loss ?? Infinity));
  return {
    kind: "table",
    title: "Losses of the test",
    note: "Nats a token with 95 % intervals over seeds; the test's tokens have chosen nothing.",
    columns: [
      { heading: "arm" },
      { heading: "loss", unit: "nat" },
      { heading: "best rate" },
      { heading: "parameters", unit: "count" },
      { heading: "FLOPs of a run", unit: "count" },
      ...seeds.map((seed) => ({ heading: `seed ${seed}`, unit: "nat" as const })),
    ],
    rows: arms.map(({ name, test, rate, parameters, flops, tests }) => [
      name,
      test === null
        ? null
        : {
            value: test.loss,
            ...(test.interval === null ? {} : { interval: test.interval }),
            mark: test.loss === lowest ? ("best" as const) : undefined,
          },
      rate,
      parameters.total,
      flops,
      ...seeds.map((_, seed) => tests[seed] ?? null),
    ]),
  };
}

function differences(result: TrialResult): ReportFigure {
  return {
    kind: "figure",
    title: "Differences of arms",
    description:
      "Difference of the test's loss of every pair of arms with its interval; below zero the first is better.",
    data: `${result.data}, test`,
    seeds: aboutSeeds(result),
    convention: "95 % intervals over seeds that hold for all pairs at once",
    chart: {
      kind: "forest",
      x: { label: "difference of losses", unit: "nat", scale: "linear" },
      equal: 0,
      rows: result.pairs.flatMap(({ first, second, difference, interval, verdict }) =>
        difference === null || interval === null
          ? []
          : [{ label: `${first} - ${second}`, value: difference, interval, outcome: verdict }],
      ),
    },
  };
}

function curves(
  result: TrialResult,
  label: string,
  perStep: (arm: ArmResult) => number | null,
  unit: "count" | "seconds",
): ReportFigure {
  return {
    kind: "figure",
    title: `Loss over ${label}`,
    description: `Mean loss over seeds of every arm at its best rate against ${label}; bands from the lowest to the highest seed.`,
    data: `${result.data}, the tokens that select`,
    seeds: aboutSeeds(result),
    convention:
      label === "seconds"
        ? "seconds of updates at the arm's median speed on this machine, with other runs beside it"
        : "all operations of forward and backward that run; bands from the lowest to the highest seed",
    chart: {
      kind: "curves",
      x: { label, unit, scale: "log" },
      y: { label: "loss", unit: "nat", scale: "linear" },
      series: result.arms.flatMap((arm): Series[] => {
        const price = perStep(arm);
        if (price === null || arm.curves.length === 0) return [];
        return [
          { name: arm.name, points: banded(arm.curves).map(({ x, ...rest }) => ({ x: x * price, ...rest })) },
        ];
      }),
      levels: result.optimum === null ? [] : [{ name: "lowest possible", y: result.optimum }],
    },
  };
}

/** By steps that all curves have. */
export function banded(curves: readonly (readonly Look[])[]) {
  return curves[0]!.flatMap(({ step }) => {
    const losses = curves.flatMap((curve) => curve.find((look) => look.step === step)?.loss ?? []);
    if (losses.length < curves.length) return [];
    const y = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    const interval = [Math.min(...losses), Math.max(...losses)] as const;
    return [{ x: step, y, ...(losses.length > 1 ? { interval } : {}) }];
  });
}

function rateFigure(result: TrialResult): ReportFigure {
  return {
    kind: "figure",
    title: "Loss over the rate",
    description: "Loss on the tokens that select of every arm over the learning rate.",
    data: `${result.data}, the tokens that select`,
    seeds: result.raced ? `seed ${result.seeds[0]}, of the best rate all seeds` : aboutSeeds(result),
    convention: "means over the seeds that a rate had",
    chart: {
      kind: "curves",
      x: { label: "learning rate", unit: "number", scale: "log" },
      y: { label: "loss", unit: "nat", scale: "linear" },
      series: result.arms.map(({ name, rates, rateLosses }) => ({
        name,
        points: rates.flatMap((rate, i) => (rateLosses[i] === null ? [] : [{ x: rate, y: rateLosses[i]! }])),
      })),
      levels: [],
    },
  };
}

function rateTable({ arms }: TrialResult): ReportTable {
  const most = Math.max(...arms.map(({ rates }) => rates.length));
  return {
    kind: "table",
    title: "Rates",
    note: "Loss on the tokens that select, mean over the seeds a rate had; the lowest of each row is marked.",
    columns: [
      { heading: "arm" },
      ...Array.from({ length: most }, (_, i) => [
        { heading: `rate ${i + 1}` },
        { heading: `loss ${i + 1}`, unit: "nat" as const },
      ]).flat(),
    ],
    rows: arms.map(({ name, rates, rateLosses, rate }) => [
      name,
      ...rates.flatMap((one, i) => [
        one,
        rateLosses[i] === null
          ? null
          : { value: rateLosses[i]!, mark: one === rate ? ("best" as const) : undefined },
      ]),
    ]),
  };
}

function viewTable({ arms, views }: TrialResult): ReportTable {
  return {
    kind: "table",
    title: "Losses at other budgets",
    note:
      "Tokens, FLOPs and seconds: on the tokens that select, where the arm that comes least far ends; rates have not fallen " +
      "there as at the end. Parameters: of the test, moved to the middle of the arms' sizes along Kaplan's power law.",
    columns: [
      { heading: "held equal" },
      { heading: "budget", unit: "count" },
      ...arms.map(({ name }) => ({ heading: name, unit: "nat" as const })),
    ],
    rows: views.map(({ name, budget, losses }) => {
      const lowest = Math.min(...losses.map((loss) => loss ?? Infinity));
      return [
        name,
        budget,
        ...losses.map((loss) =>
          loss === null ? null : { value: loss, mark: loss === lowest ? ("best" as const) : undefined },
        ),
      ];
    }),
  };
}

function verdictTable({ pairs, views }: TrialResult): ReportTable {
  return {
    kind: "table",
    title: "Verdicts at other budgets",
    note: "An asterisk: another verdict than at the budget that was asked for.",
    columns: [{ heading: "pair" }, { heading: "as asked" }, ...views.map(({ name }) => ({ heading: name }))],
    rows: pairs.map((pair, place) => [
      `${pair.first}, ${pair.second}`,
      pair.winner ?? pair.verdict,
      ...views.map(({ pairs: there, flips }) => {
        const { winner, verdict } = there[place]!;
        return `${winner ?? verdict}${flips.includes(place) ? " *" : ""}`;
      }),
    ]),
  };
}

function costTable({ arms }: TrialResult): ReportTable {
  return {
    kind: "table",
    title: "Costs",
    note: "Parameters and training FLOPs a token by every convention, numbers that decoding carries, and what all runs took.",
    columns: [
      { heading: "arm" },
      ...["total", "non-embedding", "active", "kaplan"].map((heading) => ({
        heading,
        unit: "count" as const,
      })),
      ...["FLOPs", "6N", "kaplan FLOPs", "chinchilla FLOPs"].map((heading) => ({
        heading,
        unit: "count" as const,
      })),
      { heading: "state", unit: "count" },
      { heading: "tokens/s", unit: "count" },
      { heading: "runs", unit: "count" },
      { heading: "FLOPs of all", unit: "count" },
      { heading: "time of all", unit: "seconds" },
    ],
    rows: arms.map(({ name, parameters, flopsPerToken, state, tokensPerSecond, spent }) => [
      name,
      ...[parameters.total, parameters.nonEmbedding, parameters.active, parameters.kaplan],
      ...[flopsPerToken.training, flopsPerToken.sixN, flopsPerToken.kaplan, flopsPerToken.chinchilla],
      ...[state, tokensPerSecond, spent.runs, spent.flops, spent.seconds],
    ]),
  };
}
