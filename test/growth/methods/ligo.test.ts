// LiGO: what its operators begin with, and that learning them lowers the loss.
import { describe, expect, it } from "vitest";
import type { ArchitectureInput } from "../../../src/architecture/architecture.ts";
import { count } from "../../../src/architecture/count.ts";
import { createNative } from "../../../src/backend/native/index.ts";
import type { GrowthData } from "../../../src/growth/methods/method.ts";
import { growByData, growthMethod } from "../../../src/growth/methods/methods.ts";
import { growthOperators } from "../../../src/growth/methods/operators.ts";
import { storedParameters } from "../../../src/growth/plan.ts";
import { type GrowthStep, stepTarget } from "../../../src/growth/steps.ts";
import { evaluate } from "../../../src/tensor/index.ts";
import { chainData, difference, type Net, network, type Values } from "../harness.ts";

const machine = await createNative({ threads: 1 });

async function grow(net: Net, steps: readonly GrowthStep[]) {
  const data = chainData(machine);
  const made = await growByData(growthMethod("ligo"), net, steps, { seed: 3, data });
  const [, before, after] = /: ([\d.]+) with .*, ([\d.]+) after 100 steps$/.exec(
    made.steps.at(-1)!.told![0]!,
  )!;
  return {
    architecture: made.architecture,
    values: made.values as Values,
    losses: [Number(before), Number(after)],
  };
}

const ways: Record<string, readonly GrowthStep[]> = {
  "sizes and the width": [
    { grow: "settings", to: { feedforward: 20, heads: 4 } },
    { grow: "width", to: 16 },
  ],
  layers: [{ grow: "layers", add: 2, at: "last" }],
  "all at once": [{ grow: "architecture", to: { layers: 3, width: 12, heads: 2, feedforward: 16 } }],
};
const networks: Record<string, Partial<ArchitectureInput>> = {
  GPT: { tie: true, bias: true },
  Llama: {
    norm: "rms",
    stripe: ["attention(heads: 4, kvHeads: 2, headWidth: 4, positions: rope)", "swiglu(feedforward: 12)"],
  },
};

describe("LiGO", () => {
  for (const [way, steps] of Object.entries(ways)) {
    it(`its 100 steps lower the loss below that of its first operators: ${way}`, async () => {
      const { losses } = await grow(network({}), steps);
      expect(losses[1]).toBeLessThan(losses[0]! - 0.05);
    });
  }

  it("tells what its steps took, and ends when it is told to", async () => {
    const net = network({});
    const steps = ways["sizes and the width"]!;
    const data = chainData(machine);
    const { architecture, flops } = await growByData(growthMethod("ligo"), net, steps, { seed: 3, data });
    // 8 sequences of 6 tokens; the operators come on top.
    const plain = 100 * 48 * count(architecture).flopsPerToken.training;
    expect(flops! / plain).toBeGreaterThan(0.9);
    expect(flops! / plain).toBeLessThan(3);
    const stop = new AbortController();
    let written = 0;
    const watched: GrowthData = {
      ...data,
      write(store, n) {
        if (++written === 20) stop.abort(new Error("enough"));
        data.write(store, n);
      },
    };
    const given = { seed: 3, data: watched, signal: stop.signal };
    await expect(growByData(growthMethod("ligo"), net, steps, given)).rejects.toThrow("enough");
    expect(written).toBe(20);
  });

  for (const [name, input] of Object.entries(networks)) {
    it(`its operators begin as copies, told apart by a little noise: ${name}`, () => {
      const small = network(input);
      const steps: GrowthStep[] = [
        { grow: "settings", to: { feedforward: 20, heads: 4 } },
        { grow: "width", to: 16 },
      ];
      const to = steps.reduce((from, step) => stepTarget(from, step).to, small.architecture);
      const architecture = { ...to, normEpsilon: small.architecture.normEpsilon };
      const made = (change: (value: number) => number): Net => {
        const operators = growthOperators(small.architecture, architecture, [0, 1, 2, 3], 3);
        const names = [...storedParameters(architecture)].map(([name]) => name);
        const tensors = names.map((name) =>
          operators.source.parameter(name, {
            shape: [],
            initializer: { kind: "constant", value: 0 },
            role: "hidden",
          }),
        );
        const firsts = [...operators.tensors].map(([name, { shape }]) => [
          name,
          { shape, data: operators.initial(name).map(change) },
        ]);
        const found = evaluate(tensors, { ...small.values, ...Object.fromEntries(firsts) });
        return { architecture, values: Object.fromEntries(names.map((name, i) => [name, found[i]!])) };
      };
      expect(difference(small, made(Math.round))).toBeLessThan(1e-12);
      const noisy = difference(
        small,
        made((value) => value),
      );
      expect(noisy).toBeGreaterThan(0.001);
      expect(noisy).toBeLessThan(0.5);
    });
  }
});
