// What an optimiser remembers goes with copies: gradients of the larger network are shares of those of the smaller one.
import { describe, expect, it } from "vitest";
import { growMoments } from "../../../src/growth/grow.ts";
import { growBy, growthMethod, growthMethods } from "../../../src/growth/methods/methods.ts";
import type { GrowthPlan } from "../../../src/growth/plan.ts";
import type { GrowthStep } from "../../../src/growth/steps.ts";
import { gradientsOf, type Net, network, type Values } from "../harness.ts";

function grow(name: string, net: Net, step: GrowthStep): { large: Net; plan: GrowthPlan | undefined } {
  const { architecture, values, steps } = growBy(growthMethod(name), net, [step], { seed: 3 });
  return { large: { architecture, values: values as Values }, plan: steps[0]!.plan };
}

const settings = (to: Record<string, unknown>): GrowthStep => ({ grow: "settings", to });
const inputs = {
  GPT: { bias: true, tie: true },
  Llama: {
    norm: "rms",
    stripe: ["attention(heads: 4, kvHeads: 2, headWidth: 4)", "swiglu(feedforward: 12)"],
  },
} as const;

describe("moments are those of the larger network's gradients", () => {
  const steps = [settings({ feedforward: 24 }), settings({ heads: 8 }), { grow: "width", to: 16 } as const];
  for (const method of ["net2net", "hypercloning"]) {
    for (const [name, input] of Object.entries(inputs)) {
      for (const step of steps) {
        it(`${method}, ${name}, ${JSON.stringify(step)}`, () => {
          const small = network(input);
          const { large, plan } = grow(method, small, step);
          const before = gradientsOf(small);
          const after = gradientsOf(large);
          const squared = Object.fromEntries(
            Object.entries(before).map(([name, { shape, data }]) => [
              name,
              { shape, data: data.map((g) => g * g) },
            ]),
          );
          const first = growMoments(plan!, before, 1);
          const second = growMoments(plan!, squared, 2);
          for (const [name, { data }] of Object.entries(after)) {
            data.forEach((gradient, i) => {
              expect(first[name]!.data[i], name).toBeCloseTo(gradient, 10);
              expect(second[name]!.data[i], name).toBeCloseTo(gradient ** 2, 10);
            });
          }
        });
      }
    }
  }
});

describe("new layers", () => {
  const small = network({ repeat: 3 });
  const step: GrowthStep = { grow: "layers", add: 3, at: "last" };
  const blockOf = (values: Readonly<Record<string, { readonly data: ArrayLike<number> }>>, block: number) =>
    Array.from(values[`block.${block}.gelu.up.weight`]!.data);
  it.each([
    ["stack", [0, 1, 2, 0, 1, 2]],
    ["interleave", [0, 0, 1, 1, 2, 2]],
  ])("of %s have the memory of what they copy", (method, origins) => {
    const { large } = grow(method, small, step);
    const made = growBy(growthMethod(method), small, [step], { seed: 3 });
    let moments: Parameters<typeof growMoments>[1] = gradientsOf(small);
    for (const { plan } of made.steps) moments = growMoments(plan!, moments, 1);
    expect(Object.keys(moments)).toEqual(Object.keys(large.values));
    const before = gradientsOf(small);
    for (const [block, origin] of origins.entries()) {
      expect(blockOf(moments, block)).toEqual(blockOf(before, origin));
    }
  });
  it("of net2net, which do nothing at first, have none", () => {
    const { plan } = grow("net2net", small, step);
    const moments = growMoments(plan!, gradientsOf(small), 1);
    expect(blockOf(moments, 2)).toEqual(blockOf(gradientsOf(small), 2));
    expect(blockOf(moments, 4).every((value) => value === 0)).toBe(true);
  });
});

it("methods whose shares are not known begin with a fresh optimiser", () => {
  const fresh: string[] = [];
  for (const { name, needsData } of growthMethods) {
    if (needsData) continue;
    const { plan } = grow(
      name,
      network({}),
      growthMethod(name).grows.includes("settings")
        ? settings({ feedforward: 24 })
        : { grow: "layers", add: 2, at: "last" },
    );
    if (plan === undefined) fresh.push(name);
  }
  expect(fresh).toEqual(["aki", "lemon"]);
});
