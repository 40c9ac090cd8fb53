// How much attention a hybrid of attention and Hyena needs: shares of 0, 8.3, 25, 50 and 100 % (Poli, Thomas et al. 2024).
import type { TrialInput } from "../trial/input.ts";
import { hybridStripe, positionsOf } from "./hybrid.ts";
import type { TrialClaim } from "./trialStudy.ts";

const LAYERS = 12;

function arms(width: number, heads: number): NonNullable<TrialInput["arms"]> {
  return Object.fromEntries(
    [null, 12, 4, 2, 1].map((period) => [
      `${period === null ? 0 : Number((100 / period).toFixed(1))} %`,
      {
        architecture: {
          ...{ width, norm: "rms", positions: positionsOf(period) },
          stripe: hybridStripe(period, heads, LAYERS),
        },
      },
    ]),
  );
}

const hybrids = ["8.3 %", "25 %", "50 %"];

export const striping: TrialClaim = {
  name: "striping",
  title: "How much attention a hybrid needs",
  source: 'Poli, Thomas et al., "Mechanistic Design and Scaling of Hybrid Architectures" (2024)',
  statement: "A hybrid of Hyena and attention beats both of its parts.",
  published: {
    title: "Published: perplexity at the compute-optimal size, The Pile",
    note:
      "Perplexities read off a figure, whose budget is not stated. Models of 70M to 7B parameters; swept shares of attention 0, 8.3, 25, " +
      "50 and 100 %, 25 % best at every budget.",
    columns: [{ heading: "architecture" }, { heading: "perplexity" }],
    rows: [
      ["Hyena", 11.04],
      ["multi-head Hyena", 9.91],
      ["striped Hyena", { value: 8.65, mark: "best" }],
    ],
  },
  caveats: [
    "Ours are thousands of times smaller and trained at equal FLOPs on other text; blocks are alike but for their mixer.",
    "Which share is best is shown, not judged: five arms that are close would need many more seeds.",
    "Parameters of the arms differ, since Hyena's filters have some of their own (16 features, where the paper's MAD models have 4): " +
      "see the view at equal parameters.",
  ],
  expectations: [
    {
      text: "a hybrid wins over no attention at all and over attention alone",
      better: hybrids,
      than: ["0 %", "100 %"],
    },
  ],
  studies: {
    small: [
      {
        label: "width 32",
        input: {
          ...{ name: "striping", arms: arms(32, 2), train: { flops: 1.5e11 } },
          ...{ length: 64, batch: 8, rates: [0.003, 0.01, 0.03], seeds: 4, evaluationTokens: 4096 },
        },
      },
    ],
    full: [
      {
        label: "width 64",
        input: {
          ...{ name: "striping", arms: arms(64, 4), train: { flops: 1e13 } },
          ...{ length: 256, batch: 16, rates: [0.001, 0.003, 0.01], seeds: 3 },
        },
      },
    ],
  },
};
