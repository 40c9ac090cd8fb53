// Chinchilla: at equal compute neither the biggest nor the longest run is best (Hoffmann et al. 2022).
import { chinchillaRuns } from "./chinchillaRuns.ts";
import type { Claim, ClaimText } from "./claim.ts";
import { runsStudy } from "./runsStudy.ts";

const text: ClaimText = {
  name: "chinchilla",
  title: "Big and short or small and long, at equal compute",
  source:
    'Hoffmann et al., "Training Compute-Optimal Large Language Models" (2022); Besiroglu et al. (2024) fitted its points again',
  statement: "At every budget some size between too big and too small is best.",
  published: {
    title: "Published: the best size and its tokens, approach 1",
    note: "Parameters and tokens grow alike, C^0.5; Kaplan et al. (2020) had parameters grow as C^0.73.",
    columns: [
      { heading: "FLOPs" },
      { heading: "parameters", unit: "count" },
      { heading: "tokens", unit: "count" },
    ],
    rows: [
      ["1.92e19", 4e8, 8e9],
      ["1.23e22", 1e10, 2.051e11],
      ["5.76e23", 6.7e10, 1.5e12],
      ["1.27e26", 1e12, 2.12e13],
    ],
  },
  caveats: [
    "Judged is that a size between the ends wins over both at every budget. That 20 tokens a parameter are best is not expected of models a million times smaller on other text.",
    "One depth; widths under muP with one rate, which was measured on some of them and not on each; the cosine ends with the run.",
  ],
};

export const chinchilla: Claim = {
  ...text,
  studies: {
    small: [
      chinchillaRuns({
        ...{ label: "1e10 to 1e11 FLOP", budgets: [1e10, 3e10, 1e11], sizes: [0.18, 0.5, 1, 2.5, 5] },
        ...{ layers: 1, length: 32, batch: 16, evaluationTokens: 16_384, seeds: 5 },
      }),
    ].map(runsStudy),
    full: [
      chinchillaRuns({
        ...{ label: "3e11 to 9e12 FLOP", budgets: [3e11, 1e12, 3e12, 9e12] },
        ...{ sizes: [0.125, 0.35, 0.7, 1.4, 3, 8], layers: 2 },
        ...{ length: 128, batch: 16, evaluationTokens: 65_536, seeds: 3 },
      }),
    ].map(runsStudy),
  },
};
