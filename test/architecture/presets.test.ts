// Presets against published sizes, to the integer.
import { describe, expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { chinchillaParameters } from "../../src/architecture/conventions.ts";
import { count, countedParameters } from "../../src/architecture/count.ts";
import { presetArchitecture, presets } from "../../src/architecture/presets.ts";
import { printStripe } from "../../src/architecture/stripe.ts";

describe("parameters are the published ones", () => {
  // Of the released checkpoints, without buffers.
  test.each([
    ["gpt2", 124_439_808],
    ["gpt2-medium", 354_823_168],
    ["gpt2-large", 774_030_080],
    ["gpt2-xl", 1_557_611_200],
    ["llama-7b", 6_738_415_616],
    ["llama-13b", 13_015_864_320],
    ["llama-33b", 32_528_943_616],
    ["llama-65b", 65_285_660_672],
    ["llama-2-7b", 6_738_415_616],
    ["llama-2-13b", 13_015_864_320],
    ["llama-2-70b", 68_976_648_192],
    ["llama-3-8b", 8_030_261_248],
    ["llama-3-70b", 70_553_706_496],
    ["mistral-7b", 7_241_732_096],
    ["pythia-70m", 70_426_624],
    ["pythia-160m", 162_322_944],
    ["pythia-410m", 405_334_016],
    ["pythia-1b", 1_011_781_632],
    ["pythia-1.4b", 1_414_647_808],
    ["pythia-2.8b", 2_775_208_960],
    ["pythia-6.9b", 6_857_302_016],
    ["pythia-12b", 11_846_072_320],
    ["wide-deep-50m-1", 50_470_912],
    ["wide-deep-50m-4", 50_407_424],
    ["wide-deep-50m-16", 50_381_824],
    ["wide-deep-50m-64", 50_381_312],
    ["wide-deep-50m-256", 50_405_632],
    ["mlp-3-4-2", 26],
  ])("%s: %d", (name, total) => {
    expect(countedParameters(presetArchitecture(name)).total).toBe(total);
  });

  // Pythia's table counts neither the embedding nor the head.
  test.each([
    ["pythia-70m", 18_915_328],
    ["pythia-160m", 85_056_000],
    ["pythia-410m", 302_311_424],
    ["pythia-1b", 805_736_448],
    ["pythia-1.4b", 1_208_602_624],
    ["pythia-2.8b", 2_517_652_480],
    ["pythia-6.9b", 6_444_163_072],
    ["pythia-12b", 11_327_027_200],
  ])("%s without embeddings: %d", (name, size) => {
    const { nonEmbedding, byModule } = countedParameters(presetArchitecture(name));
    expect(nonEmbedding - byModule.head!).toBe(size);
  });

  // Computed from the shapes of the paper's table 2.1; "XL" is called 1.3B there.
  test.each([
    ["gpt3-small", 125.2e6],
    ["gpt3-medium", 355.9e6],
    ["gpt3-large", 760.3e6],
    ["gpt3-xl", 1.517e9],
    ["gpt3-2.7b", 2.65e9],
    ["gpt3-6.7b", 6.66e9],
    ["gpt3-13b", 12.94e9],
    ["gpt3-175b", 174.6e9],
  ])("%s: about %d", (name, size) => {
    expect(Math.abs(countedParameters(presetArchitecture(name)).total / size - 1)).toBeLessThan(1e-3);
  });
});

describe("Hoffmann et al. 2022", () => {
  const heads = (count: number, headWidth = 128) => ({ heads: count, headWidth });
  // Its table A4: layers, width, feed-forward, heads; parameters; operations over 6N.
  const table = [
    [{ layers: 10, width: 640, feedforward: 2560, ...heads(10, 64) }, 73e6, 1.03],
    [{ layers: 20, width: 1024, feedforward: 4096, ...heads(16, 64) }, 305e6, 1.1],
    [{ layers: 24, width: 1280, feedforward: 5120, ...heads(10) }, 552e6, 1.08],
    [{ layers: 26, width: 1792, feedforward: 7168, ...heads(14) }, 1.1e9, 1.04],
    [{ layers: 28, width: 2048, feedforward: 8192, ...heads(16) }, 1.6e9, 1.03],
    [{ layers: 40, width: 3584, feedforward: 14336, ...heads(28) }, 6.8e9, 0.99],
  ] as const;

  test.each(table)("%j: operations over 6N", (shape, size, ratio) => {
    const parameters = chinchillaParameters(shape);
    expect(Math.abs(parameters / size - 1)).toBeLessThan(0.04);
    const architecture = defineArchitecture({
      vocabulary: 32_000,
      length: 2048,
      ...shape,
      norm: "rms",
      positions: "none",
    });
    const { chinchilla } = count(architecture).flopsPerToken;
    expect(Math.abs(chinchilla / (6 * parameters) - ratio)).toBeLessThan(0.005);
  });

  test("sizes of Gopher and Chinchilla by the same rule", () => {
    const gopher = { layers: 80, width: 16384, feedforward: 65536, ...heads(128) };
    const chinchilla = { layers: 80, width: 8192, feedforward: 32768, ...heads(64) };
    expect(chinchillaParameters(gopher) / 1e9).toBeCloseTo(279.7, 1);
    expect(chinchillaParameters(chinchilla) / 1e9).toBeCloseTo(70.06, 2);
    for (const [name, shape] of [
      ["gopher-280b", gopher],
      ["chinchilla-70b", chinchilla],
    ] as const) {
      const { parameters, flopsPerToken } = count(presetArchitecture(name));
      const { layers, width, feedforward } = shape;
      // The rule leaves out norms, and what is added to queries: two numbers for each of their features.
      expect(parameters.total).toBe(
        chinchillaParameters(shape) + (2 * layers + 1) * width + 2 * layers * width,
      );
      const products = layers * (4 * width ** 2 + 2 * width * feedforward);
      const scores = layers * (4 * 2048 * width + 3 * shape.heads * 2048);
      expect(flopsPerToken.chinchilla).toBe(6 * products + 3 * scores);
    }
  });
});

test("the largest is counted in about a second, without its weights", () => {
  const before = process.memoryUsage().arrayBuffers;
  const start = performance.now();
  const { parameters, flopsPerToken } = count(presetArchitecture("gpt3-175b"));
  // Machines that are busy with other tests are slow.
  expect(performance.now() - start).toBeLessThan(10_000);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26);
  expect(flopsPerToken.training / (6 * parameters.total)).toBeCloseTo(1.02, 2);
});

test("every name is lower case, resolves, and has a pattern that is read back", () => {
  for (const name of presets.keys()) {
    expect(name).toMatch(/^[a-z0-9.-]+$/);
    const architecture = presetArchitecture(name);
    const { first: _, last: __, repeat: ___, ...rest } = architecture;
    expect(defineArchitecture({ ...rest, stripe: printStripe(architecture) })).toEqual(architecture);
  }
});

test("an unknown name is refused with the nearest one", () => {
  expect(() => presetArchitecture("gtp2")).toThrow(
    'architecture "gtp2" is neither a preset nor a file; did you mean gpt2?',
  );
  expect(() => presetArchitecture("llama-2")).toThrow(
    "expected one of llama-2-7b, llama-2-13b, llama-2-70b, or a .json or .yaml file",
  );
});

test("an unknown name that is near to none is refused with a few of all kinds, in a short line", () => {
  for (const name of ["nosuch", ""]) {
    expect(() => presetArchitecture(name)).toThrow(
      /expected one of \d+ presets, such as [\w.-]+(, [\w.-]+)+, or/,
    );
    try {
      presetArchitecture(name);
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(260);
    }
  }
  expect(() => presetArchitecture("nosuch")).toThrow("such as gpt2, gopher-280b, chinchilla-70b, llama-7b, ");
});
