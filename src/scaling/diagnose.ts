// What to doubt about a fit: its range, its starts, its residuals. Knows no particular law but what its inputs are.

import type { Law, Observations } from "./law.ts";
import { minimise } from "./minimise.ts";
import { type Runs, summedObjective } from "./objective.ts";

/** Something a reader must know before believing a fit. */
export interface Diagnostic {
  readonly kind:
    | "poor fit"
    | "narrow range"
    | "local optimum"
    | "counting convention"
    | "vertex outside"
    | "biased parabolas"
    | "no minimum"
    | "no interval"
    | "undetermined"
    | "unlikely units"
    | "left out";
  readonly text: string;
}

/** What a search from many starts came to. */
export interface Search {
  readonly free: Float64Array;
  readonly objective: number;
  readonly objectives: readonly number[];
  /** Starts that led to the lowest minimum. */
  readonly reached: number;
}

/** Losses are repeatable to about a hundredth; more than this in ln is no law. */
const POOR = 0.05;
/** An exponent from less than a factor of this is noise. */
const NARROW = 10;
const spanning = new Set(["parameters", "tokens", "flops", "steps", "state", "experts"]);

/** The doubts about a regression, the worst first. */
export function diagnose(law: Law, runs: Runs, search: Search, deviations: readonly number[]): Diagnostic[] {
  return [
    ...poorFit(runs, deviations),
    ...(search.reached === 1 && search.objectives.length > 1
      ? [
          {
            kind: "local optimum" as const,
            text: `only one of ${search.objectives.length} starts reached the lowest objective; there may be a lower one`,
          },
        ]
      : []),
    ...law.inputs.flatMap((input, i) =>
      spanning.has(input)
        ? narrowRange(
            input,
            runs.inputs.map((row) => row[i]!),
          )
        : [],
    ),
    ...together(law, runs),
    ...(law.exchangeable === undefined
      ? []
      : [
          {
            kind: "no interval" as const,
            text: `${law.exchangeable.join(", ")} make up for each other, so that intervals of them would hold the truth too seldom`,
          },
        ]),
  ];
}

function poorFit({ outputs }: Runs, deviations: readonly number[]): Diagnostic[] {
  const rms = Math.sqrt(deviations.reduce((sum, one) => sum + one * one, 0) / deviations.length);
  const logs = outputs.map(Math.log);
  const mean = logs.reduce((sum, one) => sum + one, 0) / logs.length;
  const spread = Math.sqrt(logs.reduce((sum, one) => sum + (one - mean) ** 2, 0) / logs.length);
  // Half of the spread left is a quarter of the variance.
  if (rms <= POOR && !(rms > spread / 2)) return [];
  return [
    {
      kind: "poor fit",
      text: `the law misses the runs by ${(100 * rms).toFixed(1)} % (root mean square), which themselves spread by ${(100 * spread).toFixed(1)} %`,
    },
  ];
}

/** Inputs whose logarithms go together as closely as this tell no exponents apart. */
const TOGETHER = 0.99;

/** Says where two inputs vary together alone, such as twenty tokens a parameter in all runs. */
function together(law: Law, { inputs }: Runs): Diagnostic[] {
  const columns = law.inputs.map((_, i) => inputs.map((row) => Math.log(row[i]!)));
  return law.inputs.flatMap((first, i) =>
    law.inputs.slice(i + 1).flatMap((second, j): Diagnostic[] => {
      const isClose = Math.abs(correlation(columns[i]!, columns[i + 1 + j]!)) > TOGETHER;
      if (!spanning.has(first) || !spanning.has(second) || !isClose) return [];
      const text = `${first} and ${second} go together in these runs, so what one does is not told from what the other does`;
      return [{ kind: "narrow range", text }];
    }),
  );
}

function correlation(xs: readonly number[], ys: readonly number[]): number {
  const [meanX, meanY] = [xs, ys].map((values) => values.reduce((sum, one) => sum + one, 0) / values.length);
  const sum = (of: (x: number, y: number) => number) =>
    xs.reduce((total, x, i) => total + of(x - meanX!, ys[i]! - meanY!), 0);
  return sum((x, y) => x * y) / Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
}

/** Tokens a parameter that no run worth a law has had. */
const FEW_TOKENS = 0.01;

/** Says where parameters and tokens cannot be counted in the same unit. */
export function unlikelyUnits(parameters: readonly number[], tokens: readonly number[]): Diagnostic[] {
  const ratios = parameters.map((size, i) => tokens[i]! / size).sort((a, b) => a - b);
  const median = ratios[Math.floor(ratios.length / 2)] ?? 1;
  if (median >= FEW_TOKENS) return [];
  return [
    {
      kind: "unlikely units",
      text: `half of the runs have fewer than ${median.toPrecision(2)} tokens a parameter; are tokens in millions or billions? Give them one by one`,
    },
  ];
}

/** Says where an input spans too little for an exponent. */
export function narrowRange(name: string, values: readonly number[]): Diagnostic[] {
  const span = Math.max(...values) / Math.min(...values);
  if (span >= NARROW) return [];
  return [
    {
      kind: "narrow range",
      text: `${name} span a factor of ${span.toPrecision(2)}; an exponent needs a factor of ${NARROW} at least`,
    },
  ];
}

/** FLOPs against 6·N·D, where all three were measured. */
export function countingConvention(
  runs: readonly { readonly parameters: number; readonly tokens: number; readonly flops: number }[],
): Diagnostic[] {
  if (runs.length === 0) return [];
  const bySize = [...runs].sort((a, b) => a.parameters - b.parameters);
  const ratios = bySize.map(({ parameters, tokens, flops }) => flops / (6 * parameters * tokens));
  const median = [...ratios].sort((a, b) => a - b)[Math.floor(ratios.length / 2)]!;
  const [small, large] = [ratios[0]!, ratios.at(-1)!];
  const drift = small / large;
  if (median > 0.9 && median < 1.1 && drift > 0.9 && drift < 1.1) return [];
  const guess =
    drift >= 1.1
      ? "the parameters seem to leave embeddings out that the FLOPs count"
      : drift <= 0.9
        ? "the FLOPs seem to leave out embeddings that the parameters count"
        : median > 2.5 && median < 3.5
          ? "the tokens or the FLOPs seem to be counted three times, forward and backward"
          : median > 0.28 && median < 0.4
            ? "the FLOPs seem to be those of the forward pass alone"
            : "they do not count the same thing";
  return [
    {
      kind: "counting convention",
      text: `FLOPs are ${small.toPrecision(3)} (smallest model) to ${large.toPrecision(3)} (largest) times 6·N·D: ${guess}`,
    },
  ];
}

/**
 * Whether constants from elsewhere are a minimum on these runs. A search that stopped early, such as one that averages the objective
 * instead of summing it, leaves constants from which the summed objective still goes down.
 */
export function judgeConstants(
  law: Law,
  observations: Observations,
  constants: readonly number[],
): { objective: number; reached: number; diagnostics: Diagnostic[] } {
  const objective = summedObjective(law, observations);
  const start = law.regression.toFree(constants);
  const given = objective(Float64Array.from(start), new Float64Array(start.length));
  const { value: reached } = minimise(objective, start);
  // Published constants are rounded, which costs less than this.
  if (given <= 1.02 * reached + 1e-12) return { objective: given, reached, diagnostics: [] };
  return {
    ...{ objective: given, reached },
    diagnostics: [
      {
        kind: "local optimum",
        text:
          `these constants are no minimum: the summed objective is ${given.toPrecision(6)} there and goes down to ` +
          `${reached.toPrecision(6)}; a search that averages instead of summing stops early like this, and so do constants that ` +
          "were rounded or fitted to other runs",
      },
    ],
  };
}
