// Growing a network while it is trained against training the large one from scratch, at equal FLOPs (Gesmundo and Maile 2023, Du
// et al. 2024 and others).
import type { ArmInput, TrialInput } from "../trial/input.ts";
import type { TrialClaim } from "./trialStudy.ts";

interface Size {
  readonly width: number;
  /** Of the small network and of the large one. */
  readonly layers: readonly [number, number];
  readonly heads: number;
}

/** What the small network has of the FLOPs. */
const SHARE = 0.25;

function arms({ width, layers: [few, many], heads }: Size): NonNullable<TrialInput["arms"]> {
  const shape = { activation: "gelu", norm: "rms", positions: "rope" };
  const network = (layers: number, size: number, count: number) => ({
    ...{ ...shape, layers, width: size, heads: count, feedforward: 4 * size },
  });
  const grown = (from: object, method: string, to: readonly object[], more: object = {}): ArmInput =>
    ({
      architecture: from,
      training: { grow: [{ at: { share: SHARE }, to, method, schedule: "restart", ...more }] },
    }) as ArmInput;
  const deeper = [{ grow: "layers", add: many - few, at: "last" }];
  const wider = [
    { grow: "settings", to: { heads, feedforward: 4 * width } },
    { grow: "width", to: width },
  ];
  const [shallow, narrow] = [network(few, width, heads), network(many, width / 2, heads / 2)];
  return {
    scratch: { architecture: network(many, width, heads) },
    "depth, zeros": grown(shallow, "zero", deeper),
    "depth, stacked": grown(shallow, "stack", deeper),
    "width, zeros": grown(narrow, "zero", wider),
    "width, copies": grown(narrow, "hypercloning", wider, { noise: 10 }),
  };
}

/** Warm-up, which comes again after growth, then constant, then down to a tenth, for all arms in the same updates. */
const schedule = (warmup: number, decaySteps: number) => ({
  training: { schedule: { decay: "wsd", final: 0.1, warmup, decaySteps } } as const,
});

export const growth: TrialClaim = {
  name: "growth",
  title: "Growing against training from scratch, at equal FLOPs",
  source:
    'Du et al., "Stacking Your Transformers" (2024, arXiv 2405.15319), G_stack; Gesmundo and Maile, "Composable ' +
    'Function-preserving Expansions" (2023, arXiv 2308.06103)',
  statement:
    "A network that is trained small first and then grown is better than one trained from scratch for the same FLOPs.",
  published: {
    title: "Published: FLOPs saved against scratch at equal loss",
    note:
      "Of G_stack, from 400M to 1.1B parameters, and of LiGO (arXiv 2303.00980), both as read in the papers; negative: more are " +
      "needed. The paper of the six expansions that keep the function has no training results.",
    columns: [{ heading: "method" }, { heading: "grows" }, { heading: "saved, %" }],
    rows: [
      ["G_stack, copies of layers", "depth", { value: 49.1, mark: "best" }],
      ["G_stack, zeros", "depth", 46.6],
      ["G_stack, masks by chance", "depth", -25.7],
      ["G_stack, copies of units", "width", -0.7],
      ["G_stack, zeros", "width", -17.9],
      ["LiGO, BERT-Small to Base", "both", 44.7],
      ["StackBERT, in LiGO's test", "depth", 34.1],
      ["bert2BERT, in LiGO's test", "both", 29.0],
    ],
  },
  caveats: [
    "Ours compare losses at equal FLOPs, the small network's counted; the published figures are FLOPs at equal loss.",
    "Ours are thousands of times smaller and grow after a quarter of the FLOPs; the rate warms up and falls again from there.",
    "G_stack found growth in width of little use: it is shown, and only depth is judged.",
  ],
  expectations: [
    {
      text: "growing in depth wins over scratch",
      better: ["depth, stacked", "depth, zeros"],
      than: ["scratch"],
    },
  ],
  studies: {
    small: [
      {
        label: "2 to 6 layers of width 64",
        input: {
          ...{ name: "growth", arms: arms({ width: 64, layers: [2, 6], heads: 4 }), ...schedule(20, 60) },
          ...{ train: { flops: 6e11 }, length: 64, batch: 16, rates: [0.003, 0.01], seeds: 2 },
          evaluationTokens: 8192,
        },
      },
    ],
    full: [
      {
        label: "4 to 16 layers of width 64",
        input: {
          ...{ name: "growth", arms: arms({ width: 64, layers: [4, 16], heads: 4 }), ...schedule(40, 280) },
          ...{ train: { flops: 1e13 }, length: 128, batch: 16, rates: [0.0015, 0.003, 0.006], seeds: 3 },
        },
      },
    ],
  },
};
