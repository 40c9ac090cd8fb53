// WideNet on text: masked tokens by blocks that share everything but norms, with experts and without (Xue et al. 2022; Lan et al.
// 2020, "ALBERT").
import type { TrialInput } from "../trial/input.ts";
import type { TrialClaim } from "./trialStudy.ts";
import { type WidenetSize, widenetLayers } from "./widenet.ts";

function arms(size: WidenetSize): NonNullable<TrialInput["arms"]> {
  const { width, blocks } = size;
  const { attention, dense, mixture } = widenetLayers(size);
  const frame = {
    ...{ width, repeat: blocks, norm: "layer", positions: "learned", tie: true },
    ...{ embeddingWidth: width / 2, standardDeviation: width ** -0.5 },
  };
  const shared = { ...frame, share: { norms: "individual" } };
  return {
    BERT: { architecture: { ...frame, stripe: [attention, dense] } },
    ALBERT: { architecture: { ...frame, share: { norms: "shared" }, stripe: [attention, dense] } },
    "WideNet, 4 experts": { architecture: { ...shared, stripe: [attention, mixture(4)] } },
    "WideNet, 8 experts": { architecture: { ...shared, stripe: [attention, mixture(8)] } },
  };
}

const widenets = ["WideNet, 4 experts", "WideNet, 8 experts"];

export const widenetText: TrialClaim = {
  name: "widenet-text",
  title: "WideNet on text: experts against ALBERT's sharing, masked tokens",
  source:
    'Xue, Shi, Wei, Lou, Liu, You, "Go Wider Instead of Deeper" (AAAI 2022, arXiv 2107.11817); figures from its co-author\'s ' +
    "repository",
  statement: "Experts and norms of their own make blocks that share all else better than ALBERT's.",
  published: {
    title: "Published: after fine-tuning",
    note:
      "F1 and exact match of SQuAD, accuracy of MNLI and SST-2, as read in the co-author's repository. Parameters in millions, " +
      "as published; counted again here as 11.68, 89.65, 25.89, 44.78 and 82.57.",
    columns: [
      { heading: "model" },
      { heading: "parameters, M" },
      { heading: "SQuAD 1.1" },
      { heading: "SQuAD 2.0" },
      { heading: "MNLI" },
      { heading: "SST-2" },
      { heading: "mean" },
    ],
    rows: [
      ["ALBERT", 12, "89.3 / 82.3", "80.0 / 77.1", 81.5, 90.3, 84.0],
      ["BERT", 89, "89.9 / 82.8", "80.3 / 77.3", 83.2, 91.5, 85.0],
      ["WideNet, 4 experts", 26, "89.6 / 82.7", "80.6 / 77.4", 82.6, 91.1, 84.7],
      ["WideNet, 8 experts", 45, "90.0 / 82.7", "80.6 / 77.7", 83.3, 91.9, 85.2],
      ["WideNet, 16 experts", 83, "90.9 / 83.8", "81.0 / 77.9", 84.1, 92.2, { value: 85.8, mark: "best" }],
    ],
  },
  caveats: [
    "Ours are judged by the loss of masked tokens in training, not by tasks after it: the recipe of pretraining is not published.",
    "Ours are 39 to 74 times (full) and 155 to 435 times (small) smaller than their published counterparts and read characters; the table of tokens is factorised as in ALBERT.",
    "Equal tokens are not equal operations: each token meets two experts as wide as the dense layer. See the views at equal FLOPs.",
    "Whether more experts are better still, and how far BERT is, is shown, not judged.",
  ],
  expectations: [{ text: "a WideNet wins over ALBERT's sharing", better: widenets, than: ["ALBERT"] }],
  studies: {
    small: [
      {
        label: "4 blocks of width 64",
        input: {
          ...{ name: "widenet-text", arms: arms({ width: 64, blocks: 4, heads: 4 }) },
          ...{ train: { tokens: 300_000 }, length: 64, batch: 16, rates: [0.002, 0.006], seeds: 4 },
          ...{ training: { objective: "masked-token" }, evaluationTokens: 8192 },
        },
      },
    ],
    full: [
      {
        label: "6 blocks of width 128",
        input: {
          ...{ name: "widenet-text", arms: arms({ width: 128, blocks: 6, heads: 4 }) },
          ...{ train: { tokens: 4_000_000 }, length: 128, batch: 16, rates: [0.001, 0.003], seeds: 3 },
          training: { objective: "masked-token" },
        },
      },
    ],
  },
};
