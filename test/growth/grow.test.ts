import { describe, expect, it } from "vitest";
import type { ArchitectureInput } from "../../src/architecture/architecture.ts";
import type { GrowthStep } from "../../src/growth/steps.ts";
import { deadAfterFourSteps, difference, grown, network, perturbed, trained } from "./harness.ts";

const EXACT = 1e-12;
const settings = (to: Record<string, unknown>, blocks?: number[]): GrowthStep => ({
  grow: "settings",
  to,
  blocks,
});
const width: GrowthStep = { grow: "width", to: 12 };
const layers: GrowthStep = { grow: "layers", add: 2, at: "last" };

const networks: Record<string, Partial<ArchitectureInput>> = {
  GPT: { tie: true },
  "GPT with biases": { bias: true, headBias: true },
  Llama: {
    norm: "rms",
    positions: "rope",
    stripe: ["attention(heads: 4, kvHeads: 2, headWidth: 4)", "swiglu(feedforward: 12)"],
  },
};

describe("a grown network computes what the smaller one did", () => {
  const steps: Record<string, GrowthStep> = {
    "wider feed-forward layers": settings({ feedforward: 20 }),
    "wider feed-forward layers in one block": settings({ feedforward: 20 }, [1]),
    "more heads": settings({ heads: 8 }),
    "wider keys": settings({ headWidth: 6 }),
    "wider values": settings({ valueWidth: 7 }),
    "more layers": layers,
    "layers in front": { grow: "layers", add: 1, at: 0 },
    "a wider stream": width,
  };
  for (const [name, input] of Object.entries(networks)) {
    for (const [what, step] of Object.entries(steps)) {
      it(`${name}, ${what}`, () => {
        const before = network(input);
        const after = grown(before, step);
        expect(after.architecture).not.toEqual(before.architecture);
        expect(difference(before, after)).toBeLessThan(EXACT);
      });
    }
  }
});

describe("around the blocks", () => {
  const wider = [width, layers];
  const outsides: Record<string, Partial<ArchitectureInput>> = {
    "learned class token, pooled": { inputs: 3, classToken: "learned", pool: "class", representation: true },
    "no class token, average": { inputs: 3, pool: "average", headBias: true },
    "token types and a narrow table": { embeddingWidth: 4, tokenTypes: 2, tie: true },
    "a normalised embedding": { norm: "rms", embeddingNorm: true },
    "a loop": { norm: "rms", loop: { times: 2 } },
    "a loop under layer norms": { loop: { times: 2 } },
    paths: { paths: { count: 2, norm: "none" } },
    "no norms": { norm: "none" },
    "primitives in front and after": { first: ["swiglu(feedforward: 5)"], last: ["attention(heads: 1)"] },
  };
  for (const [name, input] of Object.entries(outsides)) {
    it(name, () => {
      const before = network(input);
      expect(difference(before, grown(before, ...wider))).toBeLessThan(EXACT);
    });
  }
  it("shared blocks", () => {
    const before = network({ share: { period: 1 } });
    const after = grown(before, width, settings({ feedforward: 20 }));
    expect(difference(before, after)).toBeLessThan(EXACT);
    expect(() => grown(before, layers)).toThrow("shared");
  });
});

describe("wider heads whose keys are normalised", () => {
  for (const queryKeyNorm of ["layer", "layerUnbiased", "rms"] as const) {
    for (const positions of ["none", "alibi"]) {
      it(`${queryKeyNorm}, positions ${positions}`, () => {
        const before = network({
          stripe: [{ primitive: "attention", heads: 2, queryKeyNorm, positions, bias: true }],
        });
        const after = grown(before, settings({ headWidth: 12 }));
        expect(difference(before, after)).toBeLessThan(EXACT);
        const moved = trained(after, 1);
        const { data } = moved.values["block.0.attention.key.weight"]!;
        expect(data[0]).not.toBeCloseTo(data[4]!, 8);
        expect(difference(moved, grown(moved, settings({ heads: 4 }), width))).toBeLessThan(EXACT);
      });
    }
  }
});

describe("with low-rank additions", () => {
  const networks: Record<string, Partial<ArchitectureInput>> = {
    "layer norms": { sources: ["lora(rank: 3)"] },
    "a stream of copies": { block: "post", sources: ["lora(rank: 3)"] },
    "shared blocks": { norm: "rms", share: { period: 1 }, sources: ["lora(rank: 8)"] },
    experts: {
      norm: "rms",
      stripe: ["mamba(state: 3)", "moe(experts: 2, feedforward: 6)"],
      sources: ["lora(rank: 7)"],
    },
  };
  for (const [name, input] of Object.entries(networks)) {
    it(name, () => {
      const before = network(input);
      const steps: GrowthStep[] = [settings({ feedforward: 20 }), { grow: "width", to: 16 }];
      const isMamba = name === "experts";
      const more = isMamba ? settings({ state: 5, experts: 4 }) : settings({ heads: 4, headWidth: 6 });
      const after = grown(before, ...steps, more);
      expect(difference(before, after)).toBeLessThan(EXACT);
      if (input.block === "post" || input.share !== undefined) return;
      const deeper = grown(after, layers);
      expect(difference(before, deeper)).toBeLessThan(EXACT);
      expect(deadAfterFourSteps(deeper).filter((dead) => /lora/.test(dead) && !/moe/.test(dead))).toEqual([]);
    });
  }
});

describe("in a wider stream of copies", () => {
  const twice: GrowthStep = { grow: "width", to: 16 };
  const networks: Record<string, Partial<ArchitectureInput>> = {
    "layer norms after sums": { block: "post" },
    "layer norms, nothing goes past": { block: "none" },
    "a normalised embedding": { embeddingNorm: true, tie: true, headBias: true },
    "a normalised narrow table": { norm: "rms", embeddingNorm: true, embeddingWidth: 4, tie: true },
    "paths with norms": { norm: "rms", paths: { count: 2, norm: "layer" } },
    "activations after the second map": {
      stripe: ["attention(heads: 2)", "gelu(feedforward: 12, activationAfter: true, bias: true)"],
    },
    "experts of another code": { stripe: ["mamba(state: 3)", "moe-mlp(experts: 3, feedforward: 4)"] },
    experts: { block: "post", stripe: ["attention(heads: 2)", "moe(experts: 3, feedforward: 6)"] },
    "gates on the stream": { stripe: ["rwkv4-time", "rwkv-channel(feedforward: 12)"] },
    "a pooled class token": {
      block: "post",
      inputs: 3,
      classToken: "learned",
      pool: "class",
      headBias: true,
    },
    "shared blocks": { block: "post", share: { period: 1 } },
    "a loop": { block: "post", loop: { times: 2, between: "projection" } },
  };
  for (const [name, input] of Object.entries(networks)) {
    it(name, () => {
      const before = network(input);
      const { normEpsilon } = before.architecture;
      const after = grown(before, twice);
      expect(after.architecture).toMatchObject({ width: 16, normEpsilon });
      expect(difference(before, after)).toBeLessThan(EXACT);
      const moved = perturbed(after, 3);
      const larger = grown(moved, settings({ feedforward: 20 }), { grow: "width", to: 32 });
      expect(difference(moved, larger)).toBeLessThan(EXACT);
    });
  }
  it("copies are told apart by the first step of training", () => {
    const after = trained(grown(network({ block: "post" }), twice), 1);
    const { data } = after.values["block.0.attention.output.weight"]!;
    for (let feature = 0; feature < 8; feature++) {
      expect(Math.abs(data[feature]! - data[feature + 8]!)).toBeGreaterThan(1e-6);
    }
  });
});

describe("is refused in one line", () => {
  const refusals: [string, Partial<ArchitectureInput>, GrowthStep, RegExp][] = [
    [
      "a smaller width",
      {},
      { grow: "width", to: 4 },
      /^grow: width is 4; expected at least the 8 of now, prune makes it less$/,
    ],
    ["fewer features", {}, settings({ feedforward: 8 }), /^grow: .*feedforward 12 cannot become 8; .*$/],
    ["an unknown setting", {}, settings({ state: 8 }), /^grow: no primitive .* has a setting "state"$/],
    ["a block that is not there", {}, settings({ feedforward: 20 }, [2]), /^grow: block 2 is named.*$/],
    ["layer norms after sums", { block: "post" }, width, /^grow: the width .* multiple of 8, such as 16$/],
    ["copies in a table that the head shares", { block: "post", tie: true }, width, /^grow: the width .*$/],
    ["layers after sums", { block: "post" }, layers, /^grow: a new attention cannot begin as nothing.*$/],
    ["normalised keys", { queryKeyNorm: "rms" }, settings({ headWidth: 6 }), /^grow: .* a multiple of 4$/],
    [
      "normalised keys that turn",
      { queryKeyNorm: "rms", positions: "rope" },
      settings({ headWidth: 8 }),
      /^grow: attention cannot .*$/,
    ],
    ["a source that cannot grow", { sources: ["ternary"] }, width, /^grow: .* source ternary.*$/],
    [
      "one block of a loop",
      { loop: { times: 2 } },
      settings({ feedforward: 20 }, [0]),
      /^grow: with a loop.*$/,
    ],
  ];
  for (const [name, input, step, message] of refusals) {
    it(name, () => {
      expect(() => grown(network(input), step)).toThrow(message);
    });
  }
});
