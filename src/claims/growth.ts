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

/** FLOPs saved to the same loss, in per cent, of a speed-up: FLOPs from scratch over FLOPs of the grown, less 1. */
export const savedBy = (speedUp: number): number => Number((100 * (1 - 1 / (1 + speedUp / 100))).toFixed(1));

const stacking = (method: string, grows: string, speedUp: number) => [
  ...[`G_stack's test: ${method}`, grows, `speed-up ${speedUp} %`, savedBy(speedUp)],
];
const ligo = (method: string, grows: string, saved: number) => [
  ...[`LiGO's test: ${method}`, grows, `saved ${saved} %`, saved],
];

export const growth: TrialClaim = {
  name: "growth",
  title: "Growing against training from scratch, at equal FLOPs",
  source:
    'Du et al., "Stacking Your Transformers" (2024, arXiv 2405.15319), G_stack; Gesmundo and Maile, "Composable ' +
    'Function-preserving Expansions" (2023, arXiv 2308.06103)',
  statement:
    "A network that is trained small first and then grown is better than one trained from scratch for the same FLOPs.",
  published: {
    title: "Published: FLOPs saved against scratch, to the same loss",
    note:
      "The test of G_stack, from 400M to 1.1B parameters, tells speed-ups, FLOPs from scratch over those of the grown, less 1 (54.6 % where " +
      "194B tokens do for 300B); that of LiGO (arXiv 2303.00980), BERT-Small to BERT-Base, tells shares saved. Saved by a speed-up s is " +
      "1 - 1 / (1 + s); negative: more are needed. Models and data differ between the two tests: methods are to be compared " +
      "within one. The paper of the six expansions that keep the function has no training results.",
    columns: [
      { heading: "method" },
      { heading: "grows" },
      { heading: "as published" },
      { heading: "saved, %" },
    ],
    rows: [
      stacking("copies of layers", "depth", 49.1),
      stacking("zeros", "depth", 46.6),
      stacking("masks by chance", "depth", -25.7),
      stacking("copies of units", "width", -0.7),
      stacking("zeros", "width", -17.9),
      ligo("LiGO", "both", 44.7),
      ligo("StackBERT", "depth", 34.1),
      ligo("bert2BERT", "both", 29.0),
    ],
  },
  caveats: [
    "Ours compare losses at equal FLOPs, the small network's counted; the published figures compare FLOPs at equal loss.",
    "Ours are 1,400 (full) to 3,600 (small) times smaller than the model of 1.1B and grow after a quarter of the FLOPs; the rate warms up and falls again from there.",
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
