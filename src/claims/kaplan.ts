// Kaplan: loss falls as a power of compute, data and parameters, and bends where one of the last two is held small (Kaplan
// et al. 2020).
import { countedParameters } from "../architecture/count.ts";
import { costsOf, decoderFamily, modelOf } from "../ladder/family.ts";
import { type LadderRun, runOf } from "../ladder/runs.ts";
import type { Series } from "../report/charts/chart.ts";
import type { ReportFigure, ReportTable } from "../report/document.ts";
import { formatCount } from "../report/format.ts";
import { fitLaw } from "../scaling/fit.ts";
import type { Estimate } from "../scaling/intervals.ts";
import type { Law } from "../scaling/law.ts";
import { kaplanFlops, kaplanParameters, kaplanTokens } from "../scaling/laws/kaplan.ts";
import type { Claim, ClaimText } from "./claim.ts";
import { judgeMeasures, type Measure, meanOf, toldMeasures } from "./measures.ts";
import { type Conclusion, type FigureAbout, type LossOf, type RunsInput, runsStudy } from "./runsStudy.ts";
import { widthRule } from "./widthRule.ts";

/** How large: every width is trained on every amount of tokens. */
export interface KaplanSize {
  readonly label: string;
  /** Rising, two or more. */
  readonly widths: readonly number[];
  readonly layers: number;
  /** Of a run, rising, two or more. */
  readonly tokens: readonly number[];
  readonly length: number;
  readonly batch: number;
  readonly evaluationTokens: number;
  readonly seeds: number;
}

/** A width trained on an amount of tokens, under every seed. */
interface Place {
  /** Without embeddings, which the paper does not count. */
  readonly parameters: number;
  readonly tokens: number;
  readonly flops: number;
  readonly runs: readonly LadderRun[];
}

/** [widths][tokens] */
type Grid = readonly (readonly Place[])[];

export function kaplanRuns(size: KaplanSize): RunsInput {
  const { widths, layers, tokens, length, batch, evaluationTokens } = size;
  return {
    ...{ label: size.label, name: "kaplan", seeds: size.seeds },
    plan: ({ vocabulary, seeds, ...context }) => {
      const family = decoderFamily(length, widthRule);
      const grid = widths.map((width) => {
        const model = modelOf(family, vocabulary, width, layers);
        return tokens.map((amount): Place => {
          const budget = amount * costsOf(model).flopsPerToken;
          const runs = seeds.map((seed) =>
            runOf(family, model, budget, { ...context, batch, seed, evaluationTokens }),
          );
          const { flops, tokens: spent } = runs[0]!;
          const { nonEmbedding } = countedParameters(model.architecture);
          return { parameters: nonEmbedding, tokens: spent, flops, runs };
        });
      });
      return {
        runs: grid.flat().flatMap(({ runs }) => runs),
        conclude: (lossOf, about) => conclude(grid, lossOf, about),
      };
    },
  };
}

async function conclude(grid: Grid, lossOf: LossOf, about: FigureAbout): Promise<Conclusion> {
  const told = toldMeasures(judgeMeasures(measuresOf(grid, lossOf)), about);
  const means = grid.map((row) => row.map(({ runs }) => meanOf(runs.map(lossOf))));
  const exponents = await exponentsOf(grid, means);
  return {
    ...told,
    sections: [
      {
        heading: "Loss against parameters, data and compute",
        parts: [...figuresOf(grid, means, about), exponentTable(exponents)],
      },
      ...told.sections,
    ],
    result: { exponents, losses: means },
  };
}

const numberName = (letter: string, value: number): string => `${letter} ${formatCount(value)}`;

/** Exponents that differ by less are alike. */
const MARGIN = 0.005;

function measuresOf(grid: Grid, lossOf: LossOf): Measure[] {
  const sizes = grid.map((row) => numberName("N", row[0]!.parameters));
  const amounts = grid[0]!.map(({ tokens }) => numberName("D", tokens));
  const [fewest, most] = [amounts[0]!, amounts.at(-1)!];
  const [smallest, largest] = [sizes[0]!, sizes.at(-1)!];
  const valuesOf = ({ runs }: Place) => runs.map(lossOf);
  return [
    {
      ...{ title: "loss against parameters, most data", unit: "nat", margin: 0.01 },
      arms: grid.map((row, i) => ({ name: sizes[i]!, values: valuesOf(row.at(-1)!) })),
      expectation: {
        text: "with most data the largest model wins over the smallest",
        ...{ better: [largest], than: [smallest] },
      },
    },
    {
      ...{ title: "loss against data, largest model", unit: "nat", margin: 0.01 },
      arms: grid.at(-1)!.map((place, i) => ({ name: amounts[i]!, values: valuesOf(place) })),
      expectation: {
        text: "the largest model wins with most data over fewest",
        ...{ better: [most], than: [fewest] },
      },
    },
    {
      ...{ title: "exponent of the last step in data", unit: "of the exponent", margin: MARGIN },
      arms: grid.map((row, i) => ({
        name: sizes[i]!,
        values: exponent(row.at(-2)!, row.at(-1)!, lossOf, ({ tokens }) => tokens),
      })),
      expectation: {
        text: "the bend: where parameters are held small, more data lower the loss less steeply",
        ...{ better: [largest], than: [smallest] },
      },
    },
    {
      ...{ title: "exponent of the last step in parameters", unit: "of the exponent", margin: MARGIN },
      arms: amounts.map((name, i) => ({
        name,
        values: exponent(grid.at(-2)![i]!, grid.at(-1)![i]!, lossOf, ({ parameters }) => parameters),
      })),
      expectation: {
        text: "the bend: where data are held small, more parameters lower the loss less steeply",
        ...{ better: [most], than: [fewest] },
      },
    },
  ];
}

/** d ln L / d ln x between two places under each seed; the lower, the faster the loss falls. */
function exponent(from: Place, to: Place, lossOf: LossOf, of: (place: Place) => number): (number | null)[] {
  return from.runs.map((run, seed) => {
    const [before, after] = [lossOf(run), lossOf(to.runs[seed]!)];
    if (before === null || after === null) return null;
    return Math.log(after / before) / Math.log(of(to) / of(from));
  });
}

/** An exponent of ours beside the published one. */
interface Exponent {
  readonly name: string;
  readonly estimate: Estimate | null;
  readonly published: string;
}

async function exponentsOf(grid: Grid, means: readonly (readonly (number | null)[])[]): Promise<Exponent[]> {
  const along = (points: readonly (readonly [Place, number | null])[], of: (place: Place) => number) =>
    points.flatMap(([place, loss]) => (loss === null ? [] : [[of(place), loss] as const]));
  const last = grid.map((row, i) => [row.at(-1)!, means[i]!.at(-1)!] as const);
  const widest = grid.at(-1)!.map((place, i) => [place, means.at(-1)![i]!] as const);
  const all = grid.flatMap((row, i) => row.map((place, j) => [place, means[i]![j]!] as const));
  const compute = frontier(along(all, ({ flops }) => flops));
  return [
    {
      name: "alphaN: L(N) with most data",
      estimate: await fitted(
        kaplanParameters,
        along(last, ({ parameters }) => parameters),
      ),
      published: "0.076",
    },
    {
      name: "alphaD: L(D) of the largest model",
      estimate: await fitted(
        kaplanTokens,
        along(widest, ({ tokens }) => tokens),
      ),
      published: "0.095",
    },
    {
      name: "alphaC: lowest loss for compute",
      estimate: await fitted(kaplanFlops, compute),
      published: "0.050 to 0.057",
    },
  ];
}

/** Places that no cheaper one is as good as. */
function frontier(points: readonly (readonly [flops: number, loss: number])[]) {
  let lowest = Infinity;
  return [...points]
    .sort(([a], [b]) => a - b)
    .filter(([, loss]) => {
      const isLower = loss < lowest;
      if (isLower) lowest = loss;
      return isLower;
    });
}

/** Of L = (scale / x)^exponent the exponent; null of fewer than two points. */
async function fitted(
  law: Law,
  points: readonly (readonly [x: number, loss: number])[],
): Promise<Estimate | null> {
  if (points.length < law.constants.length) return null;
  const runs = { inputs: points.map(([x]) => [x]), outputs: points.map(([, loss]) => loss) };
  const { fit } = await fitLaw(law, runs, { bootstraps: 0 });
  return fit.constants[law.constants[1]!]!;
}

function exponentTable(exponents: readonly Exponent[]): ReportTable {
  return {
    ...{ kind: "table", title: "Exponents" },
    note: "L falls as x to the minus this; 95 % intervals. Shown, not judged: text, models and budgets are others.",
    columns: [{ heading: "exponent" }, { heading: "ours" }, { heading: "Kaplan et al." }],
    rows: exponents.map(({ name, estimate, published }) => [
      name,
      estimate === null ? null : { value: estimate.value, interval: estimate.interval ?? undefined },
      published,
    ]),
  };
}

function figuresOf(
  grid: Grid,
  means: readonly (readonly (number | null)[])[],
  about: FigureAbout,
): ReportFigure[] {
  const bySize = (of: (place: Place) => number): Series[] =>
    grid.map((row, i) => ({
      name: numberName("N", row[0]!.parameters),
      points: row.flatMap((place, j) => (means[i]![j] === null ? [] : [{ x: of(place), y: means[i]![j]! }])),
    }));
  const byAmount: Series[] = grid[0]!.map(({ tokens }, j) => ({
    name: numberName("D", tokens),
    points: grid.flatMap((row, i) =>
      means[i]![j] === null ? [] : [{ x: row[j]!.parameters, y: means[i]![j]! }],
    ),
  }));
  const figure = (label: string, series: readonly Series[]): ReportFigure => ({
    ...{ kind: "figure", title: `Loss against ${label}`, ...about },
    description: `Mean loss over ${label}, both in logarithms: a power law is a straight line.`,
    convention: "parameters without embeddings; tokens of the run; FLOPs off the graph; means over seeds",
    chart: {
      kind: "curves",
      x: { label, unit: "count", scale: "log" },
      y: { label: "loss", unit: "nat", scale: "log" },
      ...{ series, levels: [] },
    },
  });
  return [
    figure("parameters", byAmount),
    figure(
      "tokens",
      bySize(({ tokens }) => tokens),
    ),
    figure(
      "FLOPs",
      bySize(({ flops }) => flops),
    ),
  ];
}

const text: ClaimText = {
  name: "kaplan",
  title: "Loss against compute, data and parameters",
  source: 'Kaplan et al., "Scaling Laws for Neural Language Models" (2020)',
  statement:
    "More parameters and more data lower the loss, and either lowers it less steeply where the other is held small.",
  published: {
    title: "Published: exponents of loss, WebText2",
    note: "768 to 1.5e9 parameters without embeddings, 2.2e7 to 2.3e10 tokens.",
    columns: [{ heading: "against" }, { heading: "law" }, { heading: "exponent" }],
    rows: [
      ["parameters", "L(N) = (8.8e13 / N)^0.076", 0.076],
      ["data", "L(D) = (5.4e13 / D)^0.095", 0.095],
      ["compute, fixed batch", "L(C) = (1.6e7 / C)^0.057, C in petaflop/s-days", 0.057],
      ["compute, least", "L(C) = (3.1e8 / C)^0.050", 0.05],
    ],
  },
  caveats: [
    "Data are the tokens of a run that sees each once; in the paper D is the text there is, seen until the loss on other text rises.",
    "Ours are far smaller, and what no model can predict is part of the loss: exponents need not agree. Judged are the directions and the bend; that loss falls as a power of either, and of compute, is fitted and shown.",
    "Where the largest model with most data comes near the lowest possible loss, its own curve bends, too, and hides the bend that is judged: the built-in language is such text, others are not.",
    "One depth; widths under muP with one rate, which was measured on some of them and not on each; the cosine ends with the run.",
  ],
};

export const kaplan: Claim = {
  ...text,
  studies: {
    small: [
      kaplanRuns({
        ...{ label: "widths 8 to 64", widths: [8, 16, 32, 64], layers: 1 },
        // More would bring the largest near the lowest loss that the built-in language allows.
        ...{ tokens: [20_000, 80_000, 320_000] },
        ...{ length: 32, batch: 16, evaluationTokens: 16_384, seeds: 8 },
      }),
    ].map(runsStudy),
    full: [
      kaplanRuns({
        ...{ label: "widths 16 to 256", widths: [16, 32, 64, 128, 256], layers: 2 },
        ...{ tokens: [160_000, 640_000, 2_560_000, 10_240_000] },
        ...{ length: 128, batch: 16, evaluationTokens: 65_536, seeds: 3 },
      }),
    ].map(runsStudy),
  },
};
