// What an optimiser remembers goes with the parameters: gradients of the larger network are the grown gradients.
import { describe, expect, it } from "vitest";
import { growMoments, growNetwork } from "../../src/growth/grow.ts";
import { planStep } from "../../src/growth/steps.ts";
import { deadAfterFourSteps, gradientsOf, grown, network } from "./harness.ts";

describe("moments", () => {
  const small = network({
    norm: "rms",
    positions: "rope",
    stripe: ["attention(heads: 2, bias: true)", "swiglu(feedforward: 12)"],
  });
  const before = gradientsOf(small);
  const ones = Object.fromEntries(
    Object.entries(small.values).map(([name, { shape, data }]) => [name, { shape, data: data.map(() => 1) }]),
  );
  for (const step of [
    { grow: "settings", to: { headWidth: 6 } },
    { grow: "settings", to: { heads: 4, feedforward: 16 } },
    { grow: "width", to: 12 },
    { grow: "layers", add: 1, at: 1 },
  ] as const) {
    it(`are those of the larger network's gradients: ${JSON.stringify(step)}`, () => {
      const plan = planStep(small.architecture, step);
      const { architecture, values } = growNetwork(plan, small.values, 1);
      const after = gradientsOf({ architecture, values });
      const first = growMoments(plan, before, 1);
      const squares = Object.fromEntries(
        Object.entries(before).map(([name, { shape, data }]) => [
          name,
          { shape, data: data.map((g) => g * g) },
        ]),
      );
      const second = growMoments(plan, squares, 2);
      const isOld = growMoments(plan, ones, 1);
      for (const [name, { data }] of Object.entries(after)) {
        data.forEach((gradient, i) => {
          const [expected, square] = isOld[name]!.data[i] === 0 ? [0, 0] : [gradient, gradient ** 2];
          expect(first[name]!.data[i]).toBeCloseTo(expected, 11);
          expect(second[name]!.data[i]).toBeCloseTo(square, 11);
        });
      }
    });
  }
});

it("are shared out among copies of features: together they are those of the larger network's gradients", () => {
  const small = network({
    block: "post",
    stripe: ["attention(heads: 2, bias: true)", "gelu(feedforward: 12)"],
  });
  const plan = planStep(small.architecture, { grow: "width", to: 16 });
  const { architecture, values } = growNetwork(plan, small.values, 1);
  const after = gradientsOf({ architecture, values });
  const first = growMoments(plan, gradientsOf(small), 1);
  /** Over the copies of all features on both axes. */
  const together = ({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }) => {
    const sums = new Map<string, number>();
    for (let i = 0; i < data.length; i++) {
      const at = [Math.floor(i / shape.at(-1)!), i % shape.at(-1)!];
      const places = at.map((place, axis) => (shape.at(axis - 2) === 16 ? place % 8 : place)).join();
      sums.set(places, (sums.get(places) ?? 0) + data[i]!);
    }
    return [...sums.values()];
  };
  for (const [name, gradient] of Object.entries(after)) {
    const expected = together(gradient);
    together(first[name]!).forEach((sum, i) => {
      expect(sum, name).toBeCloseTo(expected[i]!, 11);
    });
  }
});

describe("new parameters", () => {
  const networks = {
    GPT: { norm: "layer", stripe: ["attention(heads: 2, bias: true)", "gelu(feedforward: 12, bias: true)"] },
    Llama: {
      norm: "rms",
      positions: "rope",
      stripe: ["attention(heads: 4, kvHeads: 2, headWidth: 4)", "swiglu(feedforward: 12)"],
    },
    Mamba: { norm: "rms", stripe: ["mamba(state: 3)", "swiglu(feedforward: 12)"] },
  } as const;
  for (const [name, input] of Object.entries(networks)) {
    it(`can all learn within four steps: ${name}`, () => {
      const sizes =
        name === "Mamba" ? { state: 5, feedforward: 16 } : { heads: 8, headWidth: 6, feedforward: 16 };
      const net = grown(
        network(input),
        { grow: "settings", to: sizes },
        { grow: "width", to: 12 },
        { grow: "layers", add: 1, at: 1 },
      );
      expect(deadAfterFourSteps(net)).toEqual([]);
    });
  }
});
