// Methods that say that they preserve what a network computes do, on networks of any kind; the others say that they do not.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ArchitectureInput } from "../../../src/architecture/architecture.ts";
import { RequestError } from "../../../src/errors.ts";
import { growBy, growthMethod, growthMethods } from "../../../src/growth/methods/methods.ts";
import type { GrowthStep } from "../../../src/growth/steps.ts";
import { difference, type Net, network, perturbed, type Values } from "../harness.ts";

const EXACT = 1e-12;

function grownBy(name: string, net: Net, steps: readonly GrowthStep[], noise?: number): Net {
  const { architecture, values } = growBy(growthMethod(name), net, steps, { seed: 3, noise });
  return { architecture, values: values as Values };
}

const anyNetwork = fc.record({
  mixer: fc.constantFrom(
    "attention(heads: 2, headWidth: 4, bias: true)",
    "attention(heads: 4, kvHeads: 2, headWidth: 4, positions: rope)",
    "attention(heads: 2, queryKeyNorm: rms, valueWidth: 3)",
  ),
  channel: fc.constantFrom(
    "gelu(feedforward: 10, bias: true)",
    "relu(feedforward: 10)",
    "swiglu(feedforward: 10)",
    "geglu(feedforward: 6, bias: true)",
  ),
  norm: fc.constantFrom("layer" as const, "layerUnbiased" as const, "rms" as const),
  block: fc.constantFrom("pre" as const, "parallel" as const),
  positions: fc.constantFrom("learned" as const, "none" as const),
  tie: fc.boolean(),
  headBias: fc.boolean(),
  embeddingWidth: fc.constantFrom(null, 4),
  seed: fc.nat(1000),
});

const anyStep: fc.Arbitrary<GrowthStep> = fc.oneof(
  fc
    .constantFrom(
      { feedforward: 14 },
      { feedforward: 20 },
      { heads: 4 },
      { heads: 8, kvHeads: 4 },
      { valueWidth: 8 },
    )
    .map((to): GrowthStep => ({ grow: "settings", to })),
  fc
    .constantFrom({ feedforward: 20 }, { heads: 8 })
    .map((to): GrowthStep => ({ grow: "settings", to, blocks: [0] })),
  fc.constantFrom(13, 16, 24).map((to): GrowthStep => ({ grow: "width", to })),
  fc
    .record({ add: fc.integer({ min: 1, max: 2 }), at: fc.constantFrom<number | "last">(0, 1, "last") })
    .map((layers): GrowthStep => ({ grow: "layers", ...layers })),
);

const preserving = growthMethods.filter(
  ({ preserves, needsData, name }) => preserves && !needsData && name !== "zero",
);

describe("what a network computes stays, by", () => {
  for (const { name, twins } of preserving) {
    it(`${name}, whatever the steps, with numbers that move in between`, () => {
      let [made, refused] = [0, 0];
      const steps = fc.array(anyStep, { minLength: 2, maxLength: 4 });
      fc.assert(
        fc.property(anyNetwork, steps, fc.boolean(), (input, steps, isNoisy) => {
          const { mixer, channel, seed, ...rest } = input;
          let net = network({ ...rest, stripe: [mixer, channel] }, seed);
          for (const [i, step] of steps.entries()) {
            try {
              const larger = grownBy(name, net, [step], isNoisy && twins ? 10 : undefined);
              expect(difference(net, larger)).toBeLessThan(EXACT);
              net = perturbed(larger, seed + i, 0.1);
              made++;
            } catch (error) {
              if (!(error instanceof RequestError)) throw error;
              expect(error.message).toMatch(/^(grow|architecture): [^\n]+$/);
              refused++;
            }
          }
        }),
        { numRuns: 25, seed: 11 },
      );
      expect(made).toBeGreaterThan(refused / 2);
    });
  }
  const others: Record<string, Partial<ArchitectureInput>> = {
    "norms after sums": { block: "post" },
    "no norms": { norm: "none" },
    "a normalised embedding": { embeddingNorm: true },
    "learned class token, pooled": { inputs: 3, classToken: "learned", pool: "class", representation: true },
    "token types and a narrow table": { embeddingWidth: 4, tokenTypes: 2, tie: true },
    "a loop": { loop: { times: 2 } },
    paths: { paths: { count: 2, norm: "none" } },
    "shared blocks": { share: { period: 1 } },
  };
  for (const { name } of preserving) {
    for (const [what, input] of Object.entries(others)) {
      it(`${name}, around the blocks: ${what}`, () => {
        const small = network(input);
        const steps: GrowthStep[] = [
          { grow: "settings", to: { feedforward: 24, heads: 4 } },
          { grow: "width", to: 16 },
        ];
        expect(difference(small, grownBy(name, small, steps))).toBeLessThan(EXACT);
      });
    }
  }
});
