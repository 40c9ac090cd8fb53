// Smaller networks: what declarations call a unit is one, growth is undone exactly, and what cannot be is refused in one line.
import { describe, expect, it } from "vitest";
import type { ArchitectureInput } from "../../src/architecture/architecture.ts";
import { growNetwork } from "../../src/growth/grow.ts";
import { randomImportance, sizedParameters, sumImportance } from "../../src/growth/importance.ts";
import { storedParameters } from "../../src/growth/plan.ts";
import { type PruneStep, pruneNetwork } from "../../src/growth/prune.ts";
import type { GrowthStep } from "../../src/growth/steps.ts";
import { type KeptPlaces, keepAxes, unitGroups } from "../../src/growth/units.ts";
import { generator } from "../tensor/harness.ts";
import { cases } from "./cases.ts";
import { difference, gradientsOf, grown, type Net, network, type Values } from "./harness.ts";

const EXACT = 1e-12;

/** The network with the places of every size in another order. */
function shuffled({ architecture, values }: Net, seed: number): { net: Net; moved: number } {
  const random = generator(seed);
  const parameters = sizedParameters(architecture);
  const groups = unitGroups(parameters);
  const fixed = /^ |^embedding/;
  const kept: KeptPlaces = new Map(
    [...groups]
      .filter(([key, { labels }]) => labels === undefined && !fixed.test(key))
      .map(([key, { apart, count }]) => [
        key,
        Array.from({ length: apart }, () =>
          Array.from({ length: count }, (_, i) => [random(), i] as const)
            .sort(([a], [b]) => a - b)
            .map(([, i]) => i),
        ),
      ]),
  );
  const stored = storedParameters(architecture);
  const plan = parameters.map((parameter) => ({
    ...{ name: parameter.name, origin: parameter.name, before: parameter.shape, shape: parameter.shape },
    ...{ declaration: stored.get(parameter.name)!, axes: keepAxes(parameter, groups, kept), scale: 1 },
  }));
  const { values: moved } = growNetwork(
    { from: architecture, to: architecture, parameters: plan },
    values,
    0,
  );
  return { net: { architecture, values: moved as Values }, moved: kept.size };
}

describe("units: in any other order they compute the same", () => {
  for (const [primitive, { settings = {}, from = 9 }] of Object.entries(cases)) {
    it(primitive, () => {
      const net = network({
        width: from,
        norm: "rms",
        stripe: [{ primitive, ...settings }, "gelu(feedforward: 5)"],
        allowNonCausal: true,
      });
      const { net: other, moved } = shuffled(net, 1);
      expect(moved).toBeGreaterThan(1);
      expect(difference(net, other)).toBeLessThan(EXACT);
    });
  }
  const around: Record<string, Partial<ArchitectureInput>> = {
    "grouped heads": { stripe: ["attention(heads: 4, kvHeads: 2, headWidth: 4)"] },
    "grouped heads that turn": { stripe: ["attention(heads: 4, kvHeads: 2, headWidth: 4, positions: rope)"] },
    "heads with slopes": { stripe: ["attention(heads: 4, kvHeads: 2, headWidth: 4, positions: alibi)"] },
    "normalised keys": { stripe: ["attention(heads: 2, queryKeyNorm: layer)"] },
    "normalised keys that turn": { stripe: ["attention(heads: 2, queryKeyNorm: rms, positions: rope)"] },
    "a class token, pooled": { inputs: 3, classToken: "learned", pool: "class", representation: true },
    "a narrow table": { embeddingWidth: 4, tokenTypes: 2, tie: true, headBias: true },
    paths: { paths: { count: 2, norm: "layer" } },
    "a loop": { loop: { times: 2, between: "projection" } },
    "shared blocks": { share: { period: 1 } },
    "norms after sums": { block: "post", norm: "layer" },
  };
  for (const [name, input] of Object.entries(around)) {
    it(name, () => {
      const net = network(input);
      expect(difference(net, shuffled(net, 2).net)).toBeLessThan(EXACT);
    });
  }
});

/** First order: Σ |g · w| of each unit on 12 tokens. */
function importanceOf(net: Net) {
  const gradients = gradientsOf(net);
  return sumImportance(net.architecture, (name) =>
    net.values[name]!.data.map((value, i) => Math.abs(value * gradients[name]!.data[i]!)),
  );
}

function pruned(net: Net, importance: ReturnType<typeof importanceOf>, ...steps: readonly PruneStep[]): Net {
  const [step, ...others] = steps;
  if (step === undefined) return net;
  const { architecture, values } = pruneNetwork(net.architecture, net.values, step, importance);
  const smaller = { architecture, values: values as Values };
  return pruned(smaller, others.length === 0 ? importance : importanceOf(smaller), ...others);
}

describe("what growth has added is what goes first", () => {
  const networks: Record<string, Partial<ArchitectureInput>> = {
    GPT: { norm: "rms", tie: true, stripe: ["attention(heads: 2, bias: true)", "gelu(feedforward: 12)"] },
    Llama: {
      norm: "rms",
      positions: "rope",
      stripe: ["attention(heads: 4, kvHeads: 2, headWidth: 4)", "swiglu(feedforward: 12)"],
    },
    Mamba: { norm: "rms", stripe: ["mamba(state: 3)", "moe(experts: 3, feedforward: 6)"] },
  };
  const ways: Record<string, readonly [GrowthStep, PruneStep]> = {
    "feed-forward layers": [
      { grow: "settings", to: { feedforward: 20 } },
      { prune: "settings", to: { feedforward: 12 } },
    ],
    "experts' features": [
      { grow: "settings", to: { feedforward: 9 } },
      { prune: "settings", to: { feedforward: 6 } },
    ],
    heads: [
      { grow: "settings", to: { heads: 8 } },
      { prune: "settings", to: { heads: 2 } },
    ],
    "grouped heads": [
      { grow: "settings", to: { heads: 8, kvHeads: 4 } },
      { prune: "settings", to: { heads: 4, kvHeads: 2 } },
    ],
    "heads of a group": [
      { grow: "settings", to: { heads: 6 } },
      { prune: "settings", to: { heads: 4 } },
    ],
    keys: [
      { grow: "settings", to: { headWidth: 8 } },
      { prune: "settings", to: { headWidth: 4 } },
    ],
    values: [
      { grow: "settings", to: { valueWidth: 7 } },
      { prune: "settings", to: { valueWidth: 4 } },
    ],
    states: [
      { grow: "settings", to: { state: 5 } },
      { prune: "settings", to: { state: 3 } },
    ],
    width: [
      { grow: "width", to: 12 },
      { prune: "width", to: 8 },
    ],
    layers: [
      { grow: "layers", add: 2, at: 1 },
      { prune: "layers", to: 2 },
    ],
  };
  const pairs: [string, string][] = [
    ["GPT", "feed-forward layers"],
    ["GPT", "heads"],
    ["GPT", "keys"],
    ["GPT", "values"],
    ["GPT", "width"],
    ["GPT", "layers"],
    ["Llama", "grouped heads"],
    ["Llama", "heads of a group"],
    ["Llama", "keys"],
    ["Llama", "width"],
    ["Mamba", "experts' features"],
    ["Mamba", "states"],
    ["Mamba", "width"],
    ["Mamba", "layers"],
  ];
  it.each(pairs)("%s, %s", (name, way) => {
    const before = network(networks[name]!);
    const [grow, prune] = ways[way]!;
    const larger = grown(before, grow);
    const again = pruned(larger, importanceOf(larger), prune);
    const shapesOf = ({ values }: Net) =>
      Object.fromEntries(Object.entries(values).map(([of, { shape }]) => [of, shape]));
    expect(shapesOf(again)).toEqual(shapesOf(before));
    for (const [of, { data }] of Object.entries(before.values)) {
      data.forEach((value, i) => {
        expect(again.values[of]!.data[i], of).toBeCloseTo(value, 13);
      });
    }
    expect(difference(before, again)).toBeLessThan(EXACT);
  });
  it("all of it at once", () => {
    const before = network(networks.Llama!);
    const larger = grown(
      before,
      { grow: "settings", to: { feedforward: 20, heads: 8, kvHeads: 4 } },
      { grow: "width", to: 12 },
      { grow: "layers", add: 1, at: 1 },
    );
    const again = pruned(
      larger,
      importanceOf(larger),
      { prune: "layers", to: 2 },
      { prune: "width", to: 8 },
      { prune: "settings", to: { feedforward: 12, heads: 4, kvHeads: 2 } },
    );
    expect(again.architecture).toEqual(before.architecture);
    expect(difference(before, again)).toBeLessThan(EXACT);
  });
});

describe("is refused in one line", () => {
  const refusals: [string, Partial<ArchitectureInput>, PruneStep, RegExp][] = [
    [
      "a larger width",
      {},
      { prune: "width", to: 9 },
      /^prune: width is 9; expected less than the 8 of now, .*$/,
    ],
    ["more heads", {}, { prune: "settings", to: { heads: 4 } }, /^prune: .*kvHeads 2 cannot become 4; .*$/],
    ["nothing", {}, { prune: "settings", to: { heads: 2 } }, /^prune: nothing would be smaller .*$/],
    [
      "a setting that is no size",
      {},
      { prune: "settings", to: { window: 3 } },
      /^prune: window of attention .*$/,
    ],
    ["no layer left", {}, { prune: "layers", to: 0 }, /^prune: layers is 0; .*$/],
    ["shared layers", { share: { period: 1 } }, { prune: "layers", to: 1 }, /^prune: layers cannot .*$/],
    ["additions", { sources: ["lora(rank: 2)"] }, { prune: "width", to: 4 }, /^prune: .* source lora, .*$/],
    [
      "filters that decay otherwise",
      { stripe: ["hyena(filterWidth: 6)"] },
      { prune: "width", to: 5 },
      /^prune: block\.0\.hyena: the 5 inner would not be among the 8 of now, which are not alike; .*$/,
    ],
    [
      "states that are the output",
      { stripe: ["lstm", "gelu(feedforward: 12)"] },
      { prune: "width", to: 4 },
      /^prune: block\.0\.lstm\.output\.weight has nothing that it could be made of; .*$/,
    ],
  ];
  it.each(refusals)("%s", (_, input, step, message) => {
    const net = network(input);
    const importance = randomImportance(net.architecture, 1);
    expect(() => pruneNetwork(net.architecture, net.values, step, importance)).toThrow(message);
  });
});
