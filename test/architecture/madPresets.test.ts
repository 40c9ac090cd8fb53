// The models of mad-lab against the sizes and states of its code at width 128: parameters of a layer without its norm, and
// numbers of state by the paper's convention. L: 128 tokens; a learned table of three features for each is in the filters.
import { describe, expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { count } from "../../src/architecture/count.ts";
import { presetArchitecture, presets } from "../../src/architecture/presets.ts";

const LENGTH = 128;
const NORM = 128;
const SWIGLU = 135_168;

describe("a mixer has the parameters and the state of mad-lab's", () => {
  test.each([
    ["mad-mh-attention", "attention", 66_048, 256 * LENGTH],
    ["mad-attention", "attention", 66_048, 256 * LENGTH],
    ["mad-mh-sliding-attention", "attention", 66_048, 33 * 256],
    ["mad-sliding-attention", "attention", 66_048, 33 * 256],
    ["mad-mh-linear-attention", "linear-attention", 65_824, 1024],
    ["mad-linear-attention", "linear-attention", 131_584, 16_384],
    ["mad-mh-gated-linear-attention", "gated-linear-attention", 86_160, 2048],
    ["mad-gated-linear-attention", "gated-linear-attention", 86_272, 16_384],
    ["mad-hyena", "hyena", 123_964 + 3 * LENGTH, 2048],
    // As coded; the paper's wording, heads of another size, makes 2048.
    ["mad-mh-hyena", "mh-hyena", 30_478 + 3 * LENGTH, 4096],
    ["mad-hyena-experts", "hyena-experts", 57_080 + 3 * LENGTH, 2048],
    ["mad-mamba", "mamba", 107_264, 1024],
    ["mad-rwkv5", "rwkv5-time", 82_944, 2048],
    ["mad-rwkv6", "rwkv6-time", 140_544, 2048],
    ["mad-rwkv6", "rwkv-channel", 147_712, 128],
    ["mad-striped-hyena-moe", "moe-mlp", 165_000, undefined],
  ])("%s: %s", (preset, layer, parameters, state) => {
    const counted = count(presetArchitecture(preset));
    expect(counted.parameters.byModule[`block.0.${layer}`]).toBe(parameters + NORM);
    const held = counted.stateElements.byLayer.find((entry) => entry.layer === `block.0.${layer}`);
    expect(held?.mad).toBe(state);
  });

  test("SwiGLU is 352 wide, as in the code, where the paper says 512", () => {
    const { byModule } = count(presetArchitecture("mad-hyena")).parameters;
    expect(byModule["block.1.swiglu"]).toBe(SWIGLU + NORM);
  });

  test("its MLP is 512 wide, with GELU by the tanh formula and without biases", () => {
    const { byModule } = count(
      defineArchitecture({ vocabulary: 16, length: 128, width: 128, stripe: ["gelu"], norm: "rms" }),
    ).parameters;
    expect(byModule["block.0.gelu"]).toBe(131_072 + NORM);
  });
});

test("the whole model: 407,184 with attention and 16 tokens", () => {
  const { total } = count(presetArchitecture("mad-mh-attention")).parameters;
  expect(total).toBe(2 * (66_048 + SWIGLU) + 5 * NORM + 2 * 16 * 128 + 16);
  expect(total).toBe(407_184);
});

test("states of all mixers come to 4096 where the paper compares at equal state", () => {
  for (const name of ["mad-hyena", "mad-hyena-experts", "mad-mamba", "mad-mh-gated-linear-attention"]) {
    expect([name, count(presetArchitecture(name)).stateElements.mad]).toEqual([name, 4096]);
  }
});

test("hybrids are a mixer, a channel mixer, attention, a channel mixer", () => {
  const hybrids = [...presets.keys()].filter((name) => name.startsWith("mad-striped"));
  expect(hybrids.length).toBe(6);
  for (const name of hybrids) {
    const { stripe } = presetArchitecture(name);
    expect(stripe.length).toBe(4);
    const channel = name.endsWith("-moe") ? "moe-mlp" : "swiglu";
    expect(stripe.slice(2).map(({ primitive }) => primitive)).toEqual(["attention", channel]);
  }
});
