// Perplexity against the total size of state at equal compute (Poli, Thomas et al. 2024).
import type { Estimate } from "../scaling/intervals.ts";
import type { Trial } from "../trial/define.ts";
import type { TrialInput } from "../trial/input.ts";
import type { TrialResult } from "../trial/result.ts";
import type { Claim, ClaimText } from "./claim.ts";
import { commonSlope } from "./commonSlope.ts";
import { type TrialConclusion, type TrialStudyInput, trialStudy } from "./trialStudy.ts";
import { type Judged, verdictOf } from "./verdict.ts";

/** How large. */
export interface StateOptimalSize {
  readonly label: string;
  readonly width: number;
  readonly layers: number;
  readonly study: Pick<TrialInput, "train" | "length" | "batch" | "rates" | "seeds" | "evaluationTokens">;
}

/** Mixers of three classes whose state differs from tens to thousands of numbers at one width: fewer heads keep more. */
const classes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "gated linear attention": {
    "gated linear attention, 8 heads": "gated-linear-attention(heads: 8)",
    "gated linear attention, 2 heads": "gated-linear-attention(heads: 2)",
    "gated linear attention, 1 head": "gated-linear-attention(heads: 1)",
  },
  Mamba: {
    "Mamba, state 2": "mamba(state: 2)",
    "Mamba, state 8": "mamba(state: 8)",
    "Mamba, state 32": "mamba(state: 32)",
  },
  attention: {
    "attention to 16 tokens": "attention(heads: 4, window: 16)",
    attention: "attention(heads: 4)",
  },
};
const mixers = Object.assign({}, ...Object.values(classes)) as Readonly<Record<string, string>>;

export function stateOptimalTrial({ label, width, layers, study }: StateOptimalSize): TrialStudyInput {
  const arms = Object.fromEntries(
    Object.entries(mixers).map(([name, mixer]) => [
      name,
      {
        architecture: {
          ...{ width, norm: "rms", positions: mixer.startsWith("attention") ? "rope" : "none" },
          stripe: `[${mixer}, swiglu] × ${layers}`,
        },
      },
    ]),
  );
  return {
    label,
    input: { ...study, name: "state-optimal", arms, stop: "full" },
    conclude,
  };
}

/** The law through the architectures, each a point, with a factor for each class. */
function conclude(result: TrialResult, { arms }: Pick<Trial, "arms">): TrialConclusion {
  const points = result.arms.flatMap(({ name, test }, place): Point[] => {
    const state = arms[place]!.count.stateElements.mad;
    return test === null || state === 0 ? [] : [{ name, state, loss: test.loss }];
  });
  const byClass = Object.entries(classes).map(([name, own]) => ({
    name,
    points: points.filter((point) => Object.hasOwn(own, point.name)),
  }));
  const slope = slopeOf(byClass.map((own) => own.points));
  const pooled = slopeOf([points]);
  const within = byClass.map((own) => ({ name: own.name, slope: slopeOf([own.points]) }));
  const range = slope?.interval == null ? "" : ` [${slope.interval.map((end) => end.toFixed(3)).join(", ")}]`;
  return {
    verdict: verdictOf(judgeSlope(slope)),
    lines: [
      ...points.map(({ name, state, loss }) => `${name}: ${state} numbers of state, loss ${loss.toFixed(4)}`),
      ...(slope === null
        ? []
        : [`c = ${slope.value.toFixed(3)}${range}, a factor k for each class; published about ${PUBLISHED}`]),
    ],
    verdicts: [],
    sections: [
      {
        heading: "Perplexity against state",
        parts: [
          {
            ...{ kind: "figure", title: "Perplexity against state", data: `${result.data}, test` },
            description:
              "ln perplexity, which is the loss, over the logarithm of the total state. The line goes through all architectures, whatever " +
              "their class; judged is the slope within classes, in the table.",
            seeds: `seeds ${result.seeds.join(", ")}`,
            convention: "state by the convention of the MAD paper at the length of the study; equal FLOPs",
            chart: {
              kind: "scatter",
              x: { label: "log10 of state", unit: "number", scale: "linear" },
              y: { label: "loss", unit: "nat", scale: "linear" },
              points: points.map(({ name, state, loss }) => ({ label: name, x: Math.log10(state), y: loss })),
              regression: true,
            },
          },
          {
            ...{ kind: "table", title: "Exponent" },
            note:
              "P = k·M^c through the architectures, each class with a k of its own, so that a difference between classes alone is none of " +
              "state; 95 % interval by Student's t, architectures as the sample: eight of three classes leave four degrees of freedom. One k " +
              "for all, and each class alone, are shown, not judged: three points have one degree of freedom, two none.",
            columns: [{ heading: "" }, { heading: "c" }],
            rows: [
              ["ours, a k for each class", cellOf(slope)],
              ["published", `about ${PUBLISHED}`],
              ["ours, one k for all", cellOf(pooled)],
              ...within.map(({ name, slope: own }) => [`ours, ${name} alone`, cellOf(own)]),
            ],
          },
        ],
      },
    ],
    result: { state: { points, c: slope, pooled, within } },
  };
}

interface Point {
  readonly name: string;
  readonly state: number;
  readonly loss: number;
}

/** c of ln P = ln k + c·ln M, each group with a k of its own; null where no group has two states. */
function slopeOf(groups: readonly (readonly Point[])[]): Estimate | null {
  return commonSlope(groups.map((own) => own.map(({ state, loss }) => ({ x: Math.log(state), y: loss }))));
}

const cellOf = (slope: Estimate | null) =>
  slope === null ? null : { value: slope.value, interval: slope.interval ?? undefined };

const PUBLISHED = -0.28;
/** An exponent nearer to 0 is none. */
const NONE = -0.02;

function judgeSlope(slope: Estimate | null): Judged[] {
  const [low, high] = slope?.interval ?? [-Infinity, Infinity];
  return [
    {
      text: "perplexity falls as the state grows within classes of architectures, c < 0",
      judgement: low > NONE ? "not supported" : high < 0 ? "supported" : "not decidable at this scale",
      reason:
        slope?.interval == null
          ? "too few architectures have a loss"
          : `c lies between ${low.toFixed(3)} and ${high.toFixed(3)}`,
      decidable: slope?.interval == null ? null : { value: (high - low) / 2, unit: "of the exponent c" },
    },
  ];
}

const text: ClaimText = {
  name: "state-optimal",
  title: "Perplexity against the size of state, at equal compute",
  source: 'Poli, Thomas et al., "Mechanistic Design and Scaling of Hybrid Architectures" (2024)',
  statement:
    "At equal compute perplexity falls as a power of the total state, P = k·M^c, in architectures of several classes.",
  published: {
    title: "Published: the state-optimal law, The Pile",
    note: "Each architecture at its best size for 4e18 to 8e19 FLOP.",
    columns: [{ heading: "law" }, { heading: "c" }],
    rows: [["P = k·M^c", "about -0.28"]],
  },
  caveats: [
    "The published formula has one k. Ours has one for each of three classes of mixers, which differ in more than their state: judged is " +
      "whether more state lowers perplexity within them, not whether a class with more state is the better.",
    "Ours have one width near the best for the budget, where theirs have each its best size; every architecture has the best of its rates.",
    "Whether the paper counts keys and values of attention at the evaluated length is not certain; they are counted here.",
    "The state cannot help where there is little to remember: text that is short or simple makes c small. Judged is its sign, and an " +
      "exponent within 0.02 of 0 is none; that it is -0.28 is not expected of other text.",
  ],
};

export const stateOptimal: Claim = {
  ...text,
  studies: {
    small: [
      stateOptimalTrial({
        ...{ label: "6e10 FLOP", width: 32, layers: 2 },
        study: {
          ...{ train: { flops: 6e10 }, length: 64, batch: 8, rates: [0.003, 0.008, 0.02], seeds: 2 },
          evaluationTokens: 8192,
        },
      }),
    ].map(trialStudy),
    full: [
      stateOptimalTrial({
        ...{ label: "3e12 FLOP", width: 64, layers: 4 },
        study: { train: { flops: 3e12 }, length: 256, batch: 8, rates: [0.002, 0.004, 0.008], seeds: 3 },
      }),
    ].map(trialStudy),
  },
};
