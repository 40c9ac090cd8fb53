// Wide and shallow or thin and deep: equal parameters at depths 1, 4, 16 and 64 (VatsaDev, "Layers", 2024).
import type { TrialInput } from "../trial/input.ts";
import { depthPredictions, type Shape, shapeName } from "./depthPredictions.ts";
import type { TrialClaim } from "./trialStudy.ts";

/** 12 · L · d² in all; heads of 16. */
const PARAMETERS = 196_608;
const shapes: readonly Shape[] = [
  [1, 128],
  [4, 64],
  [16, 32],
  [64, 16],
];
const HEAD = 16;

const arms: TrialInput["arms"] = Object.fromEntries(
  shapes.map(([layers, width]) => [
    shapeName([layers, width]),
    {
      architecture: {
        ...{ width, layers, heads: width / HEAD, activation: "gelu" },
        ...{ norm: "layerUnbiased", positions: "rope", tie: true },
      },
    },
  ]),
);

const study = {
  arms,
  equal: { parameters: PARAMETERS, convention: "kaplan", tolerance: 0.001 },
  length: 128,
} as const satisfies Partial<TrialInput>;

/** Few tokens are best spent on many small updates; a race has three seeds for what two of the grid cost. */
const small = {
  ...study,
  ...{ train: { tokens: 150_000 }, batch: 4, rates: [0.003, 0.01, 0.03], seeds: 3, evaluationTokens: 8192 },
} as const;

const full = {
  ...study,
  ...{ train: { tokens: 4_000_000 }, batch: 16, rates: [0.001, 0.003, 0.01, 0.03], seeds: 3 },
  stop: "full",
} as const;

/** Depth-correct: one rate for all depths, branches scaled by 1 / L. */
const completep = {
  training: { parametrisation: { kind: "completep", baseWidth: 64, baseDepth: 4 } },
} as const;

export const wideOrDeep: TrialClaim = {
  name: "wide-or-deep",
  title: "Wide or deep, at equal parameters",
  source: 'VatsaDev, "Layers" (2024), nanoGPT of 50M parameters on Tiny Shakespeare, one seed',
  statement: "At equal parameters the middle of the range of depths beats both ends.",
  published: {
    title: "Published: Layers",
    note:
      "Losses after early stopping, as the article's table has them; updates are read off its plots. 12 · L · d² = 50,331,648. See the " +
      "doubts below.",
    columns: [
      { heading: "shape" },
      { heading: "width / depth" },
      { heading: "training loss", unit: "nat" },
      { heading: "validation loss", unit: "nat" },
      { heading: "updates", unit: "count" },
    ],
    rows: [
      ["1 × 2048", 2048, 1.59, 1.673, 1750],
      ["4 × 1024", 256, 0.84, { value: 0.953, mark: "best" }, 1300],
      ["16 × 512", 32, 0.95, 1.103, 1500],
      ["64 × 256", 4, 1.06, 1.245, 1500],
      ["256 × 128", 0.5, 1.37, 1.467, 6000],
    ],
  },
  caveats: [
    "Ours are 256 times smaller, trained for equal tokens, each shape at the best of its rates, heads of 16 everywhere.",
    "Three of the published validation losses (0.953, 1.103, 1.245) are far below the 1.4697 that nanoGPT's own readme has for that " +
      "text, one (1.467) equals it, and that of one layer (1.673) is above: only their order can be tested.",
    "A training loss of 0.84 beside a validation loss of 0.953 hints at leakage: 50M parameters overfit a text of 1 MB within a few " +
      "hundred updates, unless what is validated on was trained on.",
    "The article's table and plot disagree for 256 × 128: a training loss of 1.37 in the one, about 1.27 in the other. Its 255 % of the " +
      "machine's speed for one layer cannot be, so that the times are in doubt, too.",
    "The published shapes had one rate, one seed, heads of 32 to 1024 features, and 1,300 to 6,000 updates, hence unequal tokens and FLOPs.",
    "Others predict otherwise: Kaplan et al. (2020) that shapes differ by a few per cent over a factor of 40 in width / depth (within 3 % " +
      "from 6 × 4288 to 48 × 1600, 21 times apart), one layer off the trend; Levine et al. (2020) a depth that grows with size, N = 12 · L · exp(10.08 + 0.111 · L), fitted to depths from 6 to " +
      "48, with constants as they are quoted. Both are held against ours below.",
  ],
  sections: (result) => [depthPredictions(shapes, PARAMETERS, result)],
  expectations: [
    {
      text: "a middle depth (4 × 64 or 16 × 32) wins over both ends (1 × 128 and 64 × 16)",
      better: ["4 × 64", "16 × 32"],
      than: ["1 × 128", "64 × 16"],
    },
  ],
  studies: {
    small: [
      { label: "standard parametrisation", input: { ...small, name: "wide-or-deep" } },
      { label: "CompleteP", input: { ...small, ...completep, name: "wide-or-deep-completep" } },
    ],
    full: [
      { label: "standard parametrisation", input: { ...full, name: "wide-or-deep" } },
      { label: "CompleteP", input: { ...full, ...completep, name: "wide-or-deep-completep" } },
    ],
  },
};
