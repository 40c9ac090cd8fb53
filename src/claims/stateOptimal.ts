// Perplexity against the total size of state at equal compute (Poli, Thomas et al. 2024).
import { fitLaw } from "../scaling/fit.ts";
import type { Estimate } from "../scaling/intervals.ts";
import { stateOptimal as law } from "../scaling/laws/state.ts";
import type { Trial } from "../trial/define.ts";
import type { TrialInput } from "../trial/input.ts";
import type { TrialResult } from "../trial/result.ts";
import type { Claim, ClaimText } from "./claim.ts";
import { type TrialConclusion, type TrialStudyInput, trialStudy } from "./trialStudy.ts";
import { type Judged, verdictOf } from "./verdict.ts";

/** How large. */
export interface StateOptimalSize {
  readonly label: string;
  readonly width: number;
  readonly layers: number;
  readonly study: Pick<TrialInput, "train" | "length" | "batch" | "rates" | "seeds" | "evaluationTokens">;
}

/** Mixers whose state differs from tens to thousands of numbers at one width: fewer heads keep more. */
const mixers: Readonly<Record<string, string>> = {
  "gated linear attention, 8 heads": "gated-linear-attention(heads: 8)",
  "gated linear attention, 2 heads": "gated-linear-attention(heads: 2)",
  "gated linear attention, 1 head": "gated-linear-attention(heads: 1)",
  "Mamba, state 2": "mamba(state: 2)",
  "Mamba, state 8": "mamba(state: 8)",
  "Mamba, state 32": "mamba(state: 32)",
  "attention to 16 tokens": "attention(heads: 4, window: 16)",
  attention: "attention(heads: 4)",
};

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

/** The law through the architectures, each a point. */
async function conclude(result: TrialResult, { arms }: Pick<Trial, "arms">): Promise<TrialConclusion> {
  const points = result.arms.flatMap(({ name, test }, place) => {
    const state = arms[place]!.count.stateElements.mad;
    return test === null || state === 0 ? [] : [{ name, state, loss: test.loss }];
  });
  const inputs = points.map(({ state }) => [state]);
  const isLine = new Set(points.map(({ state }) => state)).size > 2;
  const { fit } = isLine
    ? await fitLaw(law, { inputs, outputs: points.map(({ loss }) => Math.exp(loss)) }, { bootstraps: 0 })
    : { fit: null };
  const slope = fit?.constants.c ?? null;
  const range = slope?.interval == null ? "" : ` [${slope.interval.map((end) => end.toFixed(3)).join(", ")}]`;
  return {
    verdict: verdictOf(judgeSlope(slope)),
    lines: [
      ...points.map(({ name, state, loss }) => `${name}: ${state} numbers of state, loss ${loss.toFixed(4)}`),
      ...(slope === null ? [] : [`c = ${slope.value.toFixed(3)}${range}, published about ${PUBLISHED}`]),
    ],
    verdicts: [],
    sections: [
      {
        heading: "Perplexity against state",
        parts: [
          {
            ...{ kind: "figure", title: "Perplexity against state", data: `${result.data}, test` },
            description: "ln perplexity, which is the loss, over the logarithm of the total state.",
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
            note: "P = k·M^c through the architectures; 95 % interval by Student's t, architectures as the sample.",
            columns: [{ heading: "" }, { heading: "c" }],
            rows: [
              ["ours", slope === null ? null : { value: slope.value, interval: slope.interval ?? undefined }],
              ["published", `about ${PUBLISHED}`],
            ],
          },
        ],
      },
    ],
    result: { state: { points, c: slope } },
  };
}

const PUBLISHED = -0.28;
/** An exponent nearer to 0 is none; one within half of the published is like it. */
const [NONE, LIKE] = [-0.02, 0.5];

export function judgeSlope(slope: Estimate | null): Judged[] {
  const [low, high] = slope?.interval ?? [-Infinity, Infinity];
  const decidable = slope?.interval == null ? null : { value: (high - low) / 2, unit: "of the exponent c" };
  const found =
    slope?.interval == null
      ? "too few architectures have a loss"
      : `c lies between ${low.toFixed(3)} and ${high.toFixed(3)}`;
  const [steepest, flattest] = [PUBLISHED * (1 + LIKE), PUBLISHED * (1 - LIKE)];
  const judged = (text: string, isMet: boolean, isMissed: boolean): Judged => ({
    ...{ text, reason: found, decidable },
    judgement: isMet ? "supported" : isMissed ? "not supported" : "not decidable at this scale",
  });
  return [
    judged("perplexity falls as the state grows, c < 0", high < 0, low > NONE),
    judged(
      `c is like the published ${PUBLISHED}, between ${steepest.toFixed(2)} and ${flattest.toFixed(2)}`,
      low > steepest && high < flattest,
      low > flattest || high < steepest,
    ),
  ];
}

const text: ClaimText = {
  name: "state-optimal",
  title: "Perplexity against the size of state, at equal compute",
  source: 'Poli, Thomas et al., "Mechanistic Design and Scaling of Hybrid Architectures" (2024)',
  statement:
    "At equal compute perplexity falls with the total state, P = k·M^c, in all classes of architectures alike.",
  published: {
    title: "Published: the state-optimal law, The Pile",
    note: "Each architecture at its best size for 4e18 to 8e19 FLOP.",
    columns: [{ heading: "law" }, { heading: "c" }],
    rows: [["P = k·M^c", "about -0.28"]],
  },
  caveats: [
    "Ours have one width near the best for the budget, where theirs have each its best size; every architecture has the best of its rates.",
    "Whether the paper counts keys and values of attention at the evaluated length is not certain; they are counted here.",
    "The state cannot help where there is little to remember: text that is short or simple makes c small.",
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
