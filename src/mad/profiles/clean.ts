// The profile that is used where none is named: items drawn directly, a selection split of its own, accuracy over all asked
// places; sizes of its own, for two cores. docs/mad.md says how they were chosen.
import type { Profile, ProfileVariant } from "../profile.ts";

const batch = 32;
const rates = [1e-3, 2e-3, 4e-3];

interface Sizes {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly steps: number;
  readonly trainingItems: number;
}

function variant(name: string, { settings, steps, trainingItems }: Sizes): ProfileVariant {
  return {
    ...{ name, settings, trainingItems },
    points: rates.map((rate) => ({
      name: `rate ${rate}`,
      recipe: {
        ...{ steps, batch, evaluateEvery: 50 },
        optimizer: { name: "adamw", beta2: 0.98, weightDecay: 0.1 },
        // Until the last fifth a run does not know how long it will be, so that a race may look at it on the way.
        schedule: { decay: "wsd", rate, warmup: 100, final: 0 },
      },
    })),
  };
}

const baselines: Readonly<Record<string, Sizes>> = {
  "in-context-recall": { settings: { vocabulary: 16, length: 64 }, steps: 2000, trainingItems: 12_800 },
  "fuzzy-in-context-recall": { settings: { vocabulary: 16, length: 64 }, steps: 1500, trainingItems: 12_800 },
  "noisy-in-context-recall": { settings: { vocabulary: 32, length: 64 }, steps: 2000, trainingItems: 12_800 },
  "selective-copying": {
    settings: { vocabulary: 16, length: 32, copied: 4 },
    steps: 1500,
    trainingItems: 12_800,
  },
  compression: { settings: { vocabulary: 16, length: 16 }, steps: 2000, trainingItems: 12_800 },
  memorization: { settings: { vocabulary: 1024, length: 32 }, steps: 400, trainingItems: 512 },
};

/** Tasks that are not MAD's. */
const further: Readonly<Record<string, Sizes>> = {
  "multi-query-recall": { settings: { vocabulary: 256, pairs: 4 }, steps: 2000, trainingItems: 25_600 },
  "permutation-tracking": { settings: { length: 16 }, steps: 2000, trainingItems: 25_600 },
  parity: { settings: { length: 32 }, steps: 2000, trainingItems: 25_600 },
  "k-hop-recall": { settings: { hops: 2 }, steps: 2000, trainingItems: 25_600 },
};

/** Each tested on items of twice the length, but for the one that has no other length. */
const longer: Readonly<Record<string, Sizes>> = Object.fromEntries(
  Object.entries({ ...baselines, ...further })
    .filter(([task]) => task !== "compression")
    .map(([task, sizes]) => [`${task}-longer`, sizes]),
);

/** Harder settings, one factor at a time. */
const sweeps: Readonly<Record<string, readonly Readonly<Record<string, number | boolean>>[]>> = {
  "in-context-recall": [{ vocabulary: 32 }, { vocabulary: 64 }, { length: 128 }],
  "fuzzy-in-context-recall": [{ vocabulary: 32 }, { length: 128 }],
  "noisy-in-context-recall": [{ noise: 0.4 }, { noise: 0.6 }, { length: 128 }],
  "selective-copying": [{ length: 64 }, { copied: 8 }],
  compression: [{ length: 32 }, { vocabulary: 64 }],
  memorization: [{ vocabulary: 2048 }, { vocabulary: 4096 }],
  "multi-query-recall": [{ pairs: 8 }, { length: 128 }],
  "permutation-tracking": [{ objects: 3 }, { length: 32 }, { scratchpad: true }],
  parity: [{ length: 64 }, { scratchpad: true }],
  "k-hop-recall": [{ hops: 4 }, { length: 128 }],
};

const withBaseline = (of: Readonly<Record<string, Sizes>>) =>
  Object.fromEntries(Object.entries(of).map(([task, sizes]) => [task, [variant("baseline", sizes)]]));

export const clean: Profile = {
  name: "clean",
  summary:
    "items drawn directly, a selection split, accuracy over all asked places, several seeds; sizes for two cores",
  ...{ data: "clean", seeds: 3, score: "accuracy", choice: "selection", tunedOn: "first seed" },
  sizes: { width: 64, positions: "alibi", attentionHeads: 4 },
  ...{ selectionItems: 256, testItems: 1280 },
  tasks: withBaseline(baselines),
  further: withBaseline({ ...further, ...longer }),
  harder: Object.fromEntries(
    Object.entries(sweeps).map(([task, changes]) => {
      const sizes = { ...baselines, ...further }[task]!;
      const variants = changes.map((change) => {
        const [[factor, value]] = Object.entries(change) as [[string, number | boolean]];
        return variant(`${factor} ${value}`, { ...sizes, settings: { ...sizes.settings, ...change } });
      });
      return [task, variants];
    }),
  ),
};
