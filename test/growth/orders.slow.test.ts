// Every primitive in networks of any kind, with random steps in random orders between which the network is trained: in float64
// to 1e-12 of the largest logit (no primitive declares itself ill-conditioned), in float32 to 1e-5.
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { createNative } from "../../src/backend/native/index.ts";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError } from "../../src/errors.ts";
import { compareNetworks } from "../../src/growth/proof.ts";
import type { GrowthStep } from "../../src/growth/steps.ts";
import { cases } from "./cases.ts";
import { grown, type Net, network, trained } from "./harness.ts";

const machines = { float64: createReference(), float32: await createNative({ threads: 1 }) };
const BOUNDS = { float64: 1e-12, float32: 1e-5 } as const;
afterAll(() => machines.float32.dispose());

const others = [
  "attention(heads: 2, headWidth: 4, bias: true)",
  "attention(heads: 4, kvHeads: 2, headWidth: 4, positions: rope)",
  "gelu(feedforward: 10, bias: true)",
  "swiglu(feedforward: 10)",
];
const anyNetwork = fc.record({
  other: fc.constantFrom(...others),
  isFirst: fc.boolean(),
  norm: fc.constantFrom("layer" as const, "layerUnbiased" as const, "rms" as const, "none" as const),
  block: fc.constantFrom("pre" as const, "parallel" as const, "post" as const),
  sources: fc.constantFrom([], [], ["lora(rank: 2)"]),
  positions: fc.constantFrom("learned" as const, "none" as const),
  tie: fc.boolean(),
  headBias: fc.boolean(),
  embeddingWidth: fc.constantFrom(null, 4),
  seed: fc.nat(1000),
});

function stepsOf(primitive: string): fc.Arbitrary<GrowthStep> {
  const { grows = [], width = 18 } = cases[primitive]!;
  const sizes = [...grows, { feedforward: 14 }, { heads: 4 }, { headWidth: 6 }, { valueWidth: 9 }];
  return fc.oneof(
    fc
      .record({ to: fc.constantFrom(...sizes), blocks: fc.constantFrom(undefined, [0], [1]) })
      .map((step): GrowthStep => ({ grow: "settings", ...step })),
    fc
      .constantFrom(typeof width === "number" ? width : 18, 12, 36)
      .map((to): GrowthStep => ({ grow: "width", to })),
    fc
      .record({ add: fc.integer({ min: 1, max: 2 }), at: fc.constantFrom<number | "last">(0, 1, "last") })
      .map((layers): GrowthStep => ({ grow: "layers", ...layers })),
  );
}

function expectSame(before: Net, after: Net): void {
  for (const precision of ["float64", "float32"] as const) {
    const { largest, scale } = compareNetworks(machines[precision], before, after, { seed: 5 });
    expect(largest / scale, precision).toBeLessThan(BOUNDS[precision]);
  }
}

describe("steps in any order, interleaved with training, keep what the network computes", () => {
  for (const [primitive, { settings = {}, from = 9 }] of Object.entries(cases)) {
    it(primitive, () => {
      let made = 0;
      fc.assert(
        fc.property(
          anyNetwork,
          fc.array(stepsOf(primitive), { minLength: 2, maxLength: 5 }),
          ({ other, isFirst, seed, ...rest }, steps) => {
            const place = { primitive, ...settings };
            const stripe = isFirst ? [place, other] : [other, place];
            let net = network({ ...rest, stripe, width: from, allowNonCausal: true }, seed);
            for (const step of steps) {
              try {
                const larger = grown(net, step);
                expectSame(net, larger);
                net = trained(larger, 2);
                made++;
              } catch (error) {
                if (!(error instanceof RequestError)) throw error;
                expect(error.message).toMatch(/^(grow|architecture): [^\n]+$/);
              }
            }
          },
        ),
        { numRuns: 12, seed: 11 },
      );
      expect(made).toBeGreaterThan(4);
    });
  }
});
