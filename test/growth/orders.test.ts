// Any order of steps, on networks of any primitives, with their numbers moved in between as training moves them; and that the
// measure notices each thing that must not be left out.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RequestError } from "../../src/errors.ts";
import type { GrowthStep } from "../../src/growth/steps.ts";
import { difference, grown, type Net, network, perturbed, type Values } from "./harness.ts";

const EXACT = 1e-12;

const mixers = [
  "attention(heads: 2, headWidth: 4, bias: true)",
  "attention(heads: 2, headWidth: 4, baseHeadWidth: 3)",
  "attention(heads: 4, kvHeads: 2, headWidth: 4, positions: rope)",
  "attention(heads: 2, headWidth: 6, positions: rope, rotaryShare: 0.5)",
  "attention(heads: 2, headWidth: 4, positions: alibi)",
  "linear-attention(heads: 2, featureMap: identity, normalised: false)",
  "mamba(state: 3)",
  "hyena(filterWidth: 6)",
  "mh-hyena(heads: 2, filterWidth: 6)",
  "rwkv4-time",
  "rg-lru(recurrentWidth: 6, blocks: 2)",
  "lstm(hidden: 5)",
  "gated-linear-attention(heads: 2)",
];
const channels = [
  "gelu(feedforward: 10, bias: true)",
  "relu(feedforward: 10)",
  "swiglu(feedforward: 10)",
  "moe(experts: 3, feedforward: 6, network: swiglu)",
];

const settingsStep = (to: Record<string, unknown>, blocks?: number[]): GrowthStep => ({
  grow: "settings",
  to,
  blocks,
});
const anyStep: fc.Arbitrary<GrowthStep> = fc.oneof(
  fc.constantFrom({ feedforward: 14 }, { heads: 4 }, { heads: 6, kvHeads: 3 }).map((to) => settingsStep(to)),
  fc
    .constantFrom({ headWidth: 8 }, { valueWidth: 9 }, { state: 5 }, { hidden: 7 })
    .map((to) => settingsStep(to)),
  fc.constantFrom({ feedforward: 16 }, { heads: 8 }, { headWidth: 10 }).map((to) => settingsStep(to, [0])),
  fc.constantFrom(12, 15, 16).map((to): GrowthStep => ({ grow: "width", to })),
  fc
    .record({ add: fc.integer({ min: 1, max: 2 }), at: fc.constantFrom<number | "last">(0, 1, "last") })
    .map((layers): GrowthStep => ({ grow: "layers", ...layers })),
);

const anyNetwork = fc.record({
  mixer: fc.constantFrom(...mixers),
  channel: fc.constantFrom(...channels),
  norm: fc.constantFrom("layer" as const, "layerUnbiased" as const, "rms" as const),
  block: fc.constantFrom("pre" as const, "parallel" as const),
  positions: fc.constantFrom("learned" as const, "none" as const),
  tie: fc.boolean(),
  headBias: fc.boolean(),
  embeddingWidth: fc.constantFrom(null, 4),
  seed: fc.nat(1000),
});

describe("steps in any order, interleaved with changes of all numbers", () => {
  it("keep what the network computes", () => {
    let [made, refused] = [0, 0];
    fc.assert(
      fc.property(anyNetwork, fc.array(anyStep, { minLength: 3, maxLength: 5 }), (input, steps) => {
        const { mixer, channel, seed, ...rest } = input;
        let net = network({ ...rest, stripe: [mixer, channel] }, seed);
        for (const [i, step] of steps.entries()) {
          try {
            const larger = grown(net, step);
            expect(difference(net, larger)).toBeLessThan(EXACT);
            net = perturbed(larger, seed + i, 0.1);
            made++;
          } catch (error) {
            // Steps that are too small, or that a primitive refuses, say so in one line.
            if (!(error instanceof RequestError)) throw error;
            expect(error.message).toMatch(/^(grow|architecture): [^\n]+$/);
            refused++;
          }
        }
      }),
      { numRuns: 60, seed: 7 },
    );
    expect(made).toBeGreaterThan(refused / 2);
  });
});

/** A grown network with some of its numbers replaced. */
function spoiled(
  { architecture, values }: Net,
  change: (name: string, data: Float64Array) => Float64Array,
): Net {
  const changed: Values = Object.fromEntries(
    Object.entries(values).map(([name, { shape, data }]) => [name, { shape, data: change(name, data) }]),
  );
  return { architecture, values: changed };
}

describe("the measure misses nothing: without", () => {
  const MISSED = 1e6 * EXACT;
  const wider: GrowthStep = { grow: "width", to: 12 };
  const times = (factor: number, pattern: RegExp) => (name: string, data: Float64Array) =>
    pattern.test(name) ? data.map((value) => value * factor) : data;

  it("the scale of keys", () => {
    const small = network({});
    const large = grown(small, settingsStep({ headWidth: 8 }));
    expect(difference(small, large)).toBeLessThan(EXACT);
    expect(difference(small, spoiled(large, times(Math.SQRT1_2, /key/)))).toBeGreaterThan(MISSED);
  });
  it("the scale of norms", () => {
    const small = network({ norm: "rms" });
    const large = grown(small, wider);
    expect(difference(small, large)).toBeLessThan(EXACT);
    expect(difference(small, spoiled(large, times(Math.sqrt(12 / 8), /norm\.scale/)))).toBeGreaterThan(
      MISSED,
    );
  });
  it("a smaller epsilon", () => {
    const small = network({ norm: "rms" });
    const { architecture, values } = grown(small, wider);
    const { normEpsilon } = small.architecture;
    expect(difference(small, { architecture: { ...architecture, normEpsilon }, values })).toBeGreaterThan(
      MISSED,
    );
  });
  it("means where layer norms subtract the mean", () => {
    const small = network({ norm: "layer" });
    const large = grown(small, wider);
    expect(difference(small, large)).toBeLessThan(EXACT);
    // Zeros in the new columns of all that writes to the residual stream.
    const padded = spoiled(large, (name, data) =>
      /embedding|output|down/.test(name) ? data.map((value, i) => (i % 12 < 8 ? value : 0)) : data,
    );
    expect(difference(small, padded)).toBeGreaterThan(MISSED);
  });
});
