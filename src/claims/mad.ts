// Whether scores on synthetic tasks rank architectures as language does (Poli, Thomas et al. 2024).
import type { Claim, ClaimText } from "./claim.ts";
import { madStudy } from "./madStudy.ts";

const text: ClaimText = {
  name: "mad",
  title: "Synthetic scores against loss on text",
  source: 'Poli, Thomas et al., "Mechanistic Design and Scaling of Hybrid Architectures" (2024)',
  statement: "Architectures that score higher on synthetic tasks have a lower loss as language models.",
  published: {
    title: "Published: MAD score and perplexity at the compute-optimal size, The Pile",
    note: "Read off a figure. Pearson -0.981 [-0.999, -0.738], Spearman -1 [-1, -0.16]: five pairs, one family.",
    columns: [
      { heading: "architecture" },
      { heading: "MAD score", unit: "share" },
      { heading: "perplexity", unit: "number" },
    ],
    rows: [
      ["Hyena", 0.6606, 11.04],
      ["multi-head Hyena", 0.7323, 9.91],
      ["striped Hyena", 0.766, 8.65],
      ["striped Hyena, experts in the MLP", 0.7742, 8.4],
      ["striped Hyena of experts, experts in the MLP", 0.7827, { value: 8.23, mark: "best" }],
    ],
  },
  caveats: [
    "Ours are eight architectures of several families; the same models learn the tasks and, at equal FLOPs, the text.",
    "The interval takes the architectures for the sample; how far their scores and losses vary over seeds is in it as noise.",
    "The linear attention of mad-lab divides by sums of features of either sign, which pass near 0: its gradients explode, and it hardly " +
      "learns text (elu features do).",
    "The small form has two tasks of six.",
  ],
};

const architectures = [
  ...["attention", "hyena", "mamba", "gla", "linear-attention", "delta-net", "min-gru", "striped-hyena"],
];

export const madClaim: Claim = {
  ...text,
  studies: {
    small: [
      madStudy({
        ...{ label: "two tasks", name: "mad", architectures, profile: "quick", seeds: 2 },
        language: {
          ...{ train: { flops: 6e10 }, length: 64, batch: 8, rates: [0.003, 0.01], seeds: 2, stop: "full" },
          evaluationTokens: 8192,
        },
      }),
    ],
    full: [
      madStudy({
        ...{ label: "six tasks", name: "mad", architectures, profile: "clean", seeds: 3 },
        language: {
          ...{ train: { flops: 3e12 }, length: 256, batch: 8, rates: [0.001, 0.002, 0.004], seeds: 3 },
          stop: "full",
        },
      }),
    ],
  },
};
