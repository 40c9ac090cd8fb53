// Every primitive in every direction in which it says it grows, and that it says so where it does not.
import { describe, expect, it } from "vitest";
import type { GrowthStep } from "../../src/growth/steps.ts";
import { primitives } from "../../src/nn/primitives.ts";
import { cases } from "./cases.ts";
import { afterFourSteps, difference, equalUnits, grown, network } from "./harness.ts";

const EXACT = 1e-12;

const settings = (to: Record<string, unknown>): GrowthStep => ({ grow: "settings", to });

describe("primitives grow", () => {
  it("equal units are noticed: copies of experts", () => {
    const small = network({ norm: "rms", stripe: "moe(experts: 4, feedforward: 6)" });
    expect(equalUnits(small)).toEqual([]);
    const copied = grown(small, settings({ experts: 8 }));
    expect(equalUnits(copied)).toEqual(["block.0.moe. experts", "block.1.moe. experts"]);
  });
  it("all of them are here", () => {
    expect(Object.keys(cases).sort()).toEqual([...primitives.keys()].sort());
  });
  for (const [
    primitive,
    { settings: own = {}, width = 18, from = 9, grows = [], layers, unreached },
  ] of Object.entries(cases)) {
    const smaller = () =>
      network({
        width: from,
        norm: "rms",
        stripe: [{ primitive, ...own }, "gelu(feedforward: 5)"],
        allowNonCausal: true,
      });
    const wider: GrowthStep = { grow: "width", to: typeof width === "number" ? width : 18 };
    it(`${primitive}, in a wider stream`, () => {
      const small = smaller();
      if (typeof width === "string") expect(() => grown(small, wider)).toThrow(width);
      else expect(difference(small, grown(small, wider))).toBeLessThan(EXACT);
    });
    it(`${primitive}, in one more layer`, () => {
      const small = smaller();
      const step: GrowthStep = { grow: "layers", add: 1, at: 1 };
      if (layers !== undefined) expect(() => grown(small, step)).toThrow(layers);
      else expect(difference(small, grown(small, step))).toBeLessThan(EXACT);
    });
    it(`${primitive}: no new parameter is dead, no unit like another`, () => {
      let large = smaller();
      for (const to of grows) large = grown(large, settings(to));
      if (typeof width === "number") large = grown(large, wider);
      if (layers === undefined) large = grown(large, { grow: "layers", add: 1, at: 1 });
      const { dead, net } = afterFourSteps(large);
      expect(dead.filter((name) => !unreached?.test(name))).toEqual([]);
      expect(equalUnits(net)).toEqual([]);
    });
    for (const to of grows) {
      it(`${primitive}, with ${JSON.stringify(to)}`, () => {
        const small = smaller();
        const large = grown(small, settings(to));
        expect(large.architecture).not.toEqual(small.architecture);
        expect(difference(small, large)).toBeLessThan(EXACT);
      });
    }
  }
});
