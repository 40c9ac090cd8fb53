// What it costs to be off the best size at equal FLOPs: hybrids against the Transformer (Poli, Thomas et al. 2024).
import { formatCount } from "../report/format.ts";
import type { Trial } from "../trial/define.ts";
import type { TrialInput } from "../trial/input.ts";
import type { TrialResult } from "../trial/result.ts";
import type { Claim, ClaimText } from "./claim.ts";
import { hybridStripe, positionsOf } from "./hybrid.ts";
import { judgeMeasures, meanOf, toldMeasures } from "./measures.ts";
import type { FigureAbout } from "./runsStudy.ts";
import { type TrialConclusion, type TrialStudyInput, trialStudy } from "./trialStudy.ts";
import { valleyFigure, valleyThrough } from "./valleys.ts";

/** Attention in one of so many mixers, Hyena in the others; null: none. */
const periods = { "0 %": null, "25 %": 4, "50 %": 2, "100 %": 1 } as const;
type Share = keyof typeof periods;
const hybrids: readonly Share[] = ["25 %", "50 %"];
const TRANSFORMER: Share = "100 %";

/** How large. */
export interface OffOptimumSize {
  readonly label: string;
  readonly shares: readonly Share[];
  /** Multiples of 8, four or more: the sizes of each share. */
  readonly widths: readonly number[];
  readonly layers: number;
  readonly study: Pick<TrialInput, "train" | "length" | "batch" | "rates" | "seeds" | "evaluationTokens">;
}

export function offOptimumTrial({ label, shares, widths, layers, study }: OffOptimumSize): TrialStudyInput {
  const arms = Object.fromEntries(
    shares.flatMap((share) =>
      widths.map((width) => [armName(share, width), { architecture: architectureOf(share, width, layers) }]),
    ),
  );
  return {
    label,
    input: { ...study, name: "off-optimum", arms, stop: "full" },
    conclude: (result, trial) => conclude(shares, widths, result, trial),
  };
}

const armName = (share: Share, width: number): string => `${share} attention, width ${width}`;

function architectureOf(share: Share, width: number, layers: number) {
  const period = periods[share];
  return {
    ...{ width, norm: "rms", positions: positionsOf(period) },
    stripe: hybridStripe(period, width / 8, layers),
  };
}

/** How far from the best size the rise is read. */
const FACTOR = 4;
/** Shares of perplexity; rises that differ by less are alike. */
const MARGIN = 0.005;

/** The valley of each share under each seed and of the means. */
function conclude(
  shares: readonly Share[],
  widths: readonly number[],
  result: TrialResult,
  { arms }: Pick<Trial, "arms">,
): TrialConclusion {
  const about: FigureAbout = { data: `${result.data}, test`, seeds: `seeds ${result.seeds.join(", ")}` };
  const valleys = shares.map((share) => {
    const models = widths.map((width) => {
      const name = armName(share, width);
      const { parameters, flops } = arms.find((arm) => arm.name === name)!;
      return {
        ...{ parameters: parameters.total, flops },
        tests: result.arms.find((arm) => arm.name === name)!.tests,
      };
    });
    const through = (lossOf: (tests: readonly (number | null)[]) => number | null) => {
      const sized = models.map(({ parameters, tests }) => ({ parameters, loss: lossOf(tests) }));
      return sized.some(({ loss }) => loss === null) ? null : valleyThrough(sized, models[0]!.flops);
    };
    const mean = through(meanOf);
    const rises = result.seeds.map((_, seed) => riseOf(through((tests) => tests[seed] ?? null)));
    // Without a best size between the sizes there is nothing to be off.
    return { share, mean, rises: mean?.inside === true ? rises : rises.map(() => null) };
  });
  const told = toldMeasures(
    judgeMeasures([
      {
        title: `rise of perplexity at ${FACTOR} times more or fewer parameters than best`,
        ...{ unit: "of the lowest perplexity", margin: MARGIN },
        arms: valleys.map(({ share, rises }) => ({ name: `${share} attention`, values: rises })),
        expectation: {
          text: "off its best size a hybrid loses less than the Transformer",
          better: shares.filter((share) => hybrids.includes(share)).map((share) => `${share} attention`),
          than: [`${TRANSFORMER} attention`],
        },
      },
    ]),
    about,
  );
  const best = valleys.map(({ share, mean }) => {
    const vertex = mean?.inside === true ? mean.vertex! : null;
    return { share, parameters: vertex?.parameters ?? null, loss: vertex?.loss ?? null, rise: riseOf(mean) };
  });
  return {
    verdict: told.verdict,
    lines: [
      ...told.lines,
      ...best.map(({ share, parameters, loss }) =>
        parameters === null
          ? `${share} attention: no minimum between the sizes`
          : `${share} attention: best at ${formatCount(parameters)} parameters, loss ${loss!.toFixed(4)}`,
      ),
    ],
    verdicts: told.verdicts,
    sections: [
      {
        heading: "Off the best size",
        parts: [
          valleyFigure(
            valleys.map(({ share, mean }) => ({ name: `${share} attention`, valley: mean })),
            about,
          ),
          {
            ...{ kind: "table", title: "Best sizes" },
            note: `Of the parabolas through means; the rise is of perplexity at ${FACTOR} times more or fewer parameters.`,
            columns: [
              { heading: "attention" },
              { heading: "parameters", unit: "count" },
              { heading: "loss", unit: "nat" },
              { heading: "rise", unit: "share" },
            ],
            rows: best.map(({ share, parameters, loss, rise }) => [share, parameters, loss, rise]),
          },
        ],
      },
      ...told.sections,
    ],
    result: { best },
  };
}

/** Relative, of perplexity, at `FACTOR` from the vertex on either side; null of no valley. */
function riseOf(valley: ReturnType<typeof valleyThrough>): number | null {
  return valley === null ? null : Math.expm1(valley.coefficients[2] * Math.log(FACTOR) ** 2);
}

const text: ClaimText = {
  name: "off-optimum",
  title: "Off the best size, hybrids against the Transformer",
  source: 'Poli, Thomas et al., "Mechanistic Design and Scaling of Hybrid Architectures" (2024)',
  statement:
    "At equal FLOPs the perplexity of a hybrid rises less off its best size than that of the Transformer.",
  published: {
    title: "Published: off the best size at equal FLOPs, The Pile",
    note: "Models of 70M to 7B parameters at 4e18 to 8e19 FLOP; the paper has curves and no table.",
    columns: [{ heading: "what" }, { heading: "finding" }],
    rows: [
      ["rise of perplexity off the best size", "grows with the share of attention"],
      ["hybrids against the Transformer", "rise less: they bear being trained longer than is best"],
    ],
  },
  caveats: [
    "The rise is read off a parabola of loss over the logarithm of parameters, by seed: one number for too small and too big alike. That " +
      "the paper's distance from the best size is one in parameters is our reading of its figures.",
    "Ours are thousands of times smaller; every size of every share has the best of its rates.",
  ],
};

export const offOptimum: Claim = {
  ...text,
  studies: {
    small: [
      offOptimumTrial({
        ...{ label: "2e10 FLOP", shares: ["50 %", "100 %"], widths: [8, 16, 24, 40, 64], layers: 2 },
        study: {
          ...{ train: { flops: 2e10 }, length: 32, batch: 16, rates: [0.003, 0.008, 0.02], seeds: 3 },
          evaluationTokens: 8192,
        },
      }),
    ].map(trialStudy),
    full: [
      offOptimumTrial({
        ...{ label: "1e12 FLOP", shares: ["0 %", "25 %", "50 %", "100 %"] },
        ...{ widths: [16, 32, 48, 80, 144], layers: 4 },
        study: { train: { flops: 1e12 }, length: 128, batch: 16, rates: [0.002, 0.004, 0.008], seeds: 3 },
      }),
    ].map(trialStudy),
  },
};
