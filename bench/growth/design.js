// What is compared: networks, ways to grow, moments, rates and seeds, at equal training FLOPs of every run. Trains nothing.

import { count, defineArchitecture } from "../../dist/index.js";

export const LENGTH = 128;
export const BATCH = 16;
export const WARMUP = 40;
/** Characters of the novels, and one for whatever else there is. */
const VOCABULARY = 84;

/** Networks differ in nothing but depth and width; heads are 16 wide. */
export const network = (layers, width) => ({
  ...{ length: LENGTH, layers, width, heads: width / 16, feedforward: 4 * width },
  ...{ activation: "gelu", norm: "rms", positions: "rope" },
});

export const SMALL = { layers: 4, width: 64 };

/** Copies that would stay equal get noise of 10 dB under their shares. */
export const designs = {
  depth: {
    ...{ layers: 16, width: 64 },
    to: [{ grow: "layers", add: 12, at: "last" }],
    methods: [{ method: "zero" }, { method: "stack" }, { method: "interleave" }],
  },
  width: {
    ...{ layers: 4, width: 128 },
    to: [
      { grow: "settings", to: { heads: 8, feedforward: 512 } },
      { grow: "width", to: 128 },
    ],
    methods: [
      { method: "zero" },
      { method: "aki", noise: 10 },
      { method: "hypercloning", noise: 10 },
      { method: "lemon" },
    ],
  },
};

/** `moments`: shares of the FLOPs that the small network has had when it grows. `heldOut`: blocks of text for every loss. */
export const sizes = {
  full: {
    ...{ flops: 1e13, moments: [0.25, 0.5], rates: [0.0015, 0.003, 0.006], seeds: [1, 2, 3] },
    ...{ evaluations: 20, heldOut: 32 },
  },
  smoke: { flops: 5e10, moments: [0.5], rates: [0.003, 0.006], seeds: [1, 2], evaluations: 1, heldOut: 2 },
};

/** Training FLOPs of one update. */
export const flopsPerStep = ({ layers, width }) =>
  count(defineArchitecture({ vocabulary: VOCABULARY, ...network(layers, width) })).flopsPerToken.training *
  (LENGTH * BATCH);

/**
 * Scratch and every method at every moment, with the steps that the FLOPs allow.
 * The schedule is one of FLOPs: warm-up (again after growth), constant, and down to a tenth over the last third.
 */
export function armsOf(name, { flops, moments, evaluations }) {
  const { layers, width, to, methods } = designs[name];
  const large = flopsPerStep({ layers, width });
  const scratchSteps = Math.floor(flops / large);
  const common = {
    ...{ design: name, warmup: Math.min(WARMUP, Math.floor(scratchSteps / 10)) },
    ...{ decaySteps: Math.round(scratchSteps / 3), evaluateEvery: Math.ceil(scratchSteps / evaluations) },
  };
  const scratch = {
    ...common,
    ...{ arm: "scratch", begins: { layers, width }, grow: [], steps: scratchSteps },
    ...{ flops: scratchSteps * large, smallFlops: 0 },
  };
  const grown = methods.flatMap((how) =>
    moments.map((moment) => {
      const small = flopsPerStep(SMALL);
      const before = Math.round((moment * flops) / small);
      const after = Math.floor((flops - before * small) / large);
      return {
        ...common,
        ...{ arm: `${how.method} at ${moment}`, moment, begins: SMALL, steps: before + after },
        grow: [{ at: { step: before }, to, schedule: "restart", ...how }],
        ...{ flops: before * small + after * large, smallFlops: before * small },
      };
    }),
  );
  return [scratch, ...grown];
}

export const runName = ({ design, arm }, rate, seed) =>
  `${design}-${arm.replaceAll(" ", "-")}-rate${rate}-seed${seed}`;

/** A run as a job of the study. */
function jobOf(arm, rate, seed) {
  const { begins, grow, steps, warmup, decaySteps, evaluateEvery } = arm;
  return {
    run: runName(arm, rate, seed),
    until: steps,
    spec: {
      architecture: network(begins.layers, begins.width),
      training: {
        ...{ steps, batch: BATCH, seed, grow, evaluateEvery, keep: 1 },
        schedule: { decay: "wsd", rate, warmup, decaySteps },
      },
    },
  };
}

/** The rate of an arm with the lowest selection loss on the first seed; undefined where no run of it has one. */
export function chosenRate(arm, { rates, seeds }, results) {
  const found = rates
    .map((rate) => [rate, foundValue(results, runName(arm, rate, seeds[0]))?.selection ?? null])
    .filter(([, loss]) => loss !== null);
  return found.sort((a, b) => a[1] - b[1])[0]?.[0];
}

export const foundValue = (results, run) => results.find((result) => result.run === run)?.value;

/** First every rate of every arm with the first seed; then each arm's best with the other seeds. */
export function planOf(arms, size) {
  const { rates, seeds } = size;
  const first = arms.flatMap((arm) => rates.map((rate) => jobOf(arm, rate, seeds[0])));
  return ({ results, failures }) => {
    if (results.length + failures.length < first.length) return first;
    const others = arms.flatMap((arm) => {
      const rate = chosenRate(arm, size, results);
      return rate === undefined ? [] : seeds.slice(1).map((seed) => jobOf(arm, rate, seed));
    });
    return [...first, ...others];
  };
}
