// Image models and encoders against published sizes, to the integer, and by formulas of their own.
import { describe, expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { count, countedParameters } from "../../src/architecture/count.ts";
import { presetArchitecture } from "../../src/architecture/presets.ts";
import { solveWidths } from "../../src/architecture/solve.ts";
import { printStripe } from "../../src/architecture/stripe.ts";
import { diagramText } from "../../src/report/diagram.ts";

const sizes: readonly (readonly [string, number])[] = [
  // Xue et al. 2021 print them in millions; the integers are those of its code.
  ["vit-b", 87_157_480],
  ["vit-l", 305_375_208],
  ["vit-moe-b", 128_089_320],
  ["vit-moe-l", 406_116_328],
  ["widenet-b", 29_690_600],
  ["widenet-l", 40_941_544],
  ["widenet-h", 63_341_800],
  // Of the released checkpoints.
  ["vit-b-16", 86_567_656],
  ["vit-l-16", 304_326_632],
  ["bert-base-uncased", 109_482_240],
  ["albert-base", 11_683_584],
];

describe("parameters are the published ones", () => {
  test.each(sizes)("%s: %d", (name, total) => {
    expect(countedParameters(presetArchitecture(name)).total).toBe(total);
  });

  test.each([
    ["albert-base", 11.68],
    ["widenet-text-4", 25.89],
    ["widenet-text-8", 44.78],
    ["widenet-text-16", 82.57],
    ["bert-base", 89.65],
  ])("%s: %d million", (name, millions) => {
    expect((countedParameters(presetArchitecture(name)).total / 1e6).toFixed(2)).toBe(millions.toFixed(2));
  });
});

test.each([
  ["widenet-b", { d: 768, f: 4096, L: 12 }],
  ["widenet-l", { d: 1024, f: 4096, L: 24 }],
  ["widenet-h", { d: 1280, f: 5120, L: 32 }],
] as const)("%s by hand, total and active", (name, { d, f, L }) => {
  const [p, E, K] = [16, 4, 2];
  const others =
    3 * p ** 2 * d +
    d +
    197 * d +
    (4 * d ** 2 + 4 * d) +
    E * d +
    (4 * L * d + 2 * d) +
    (d ** 2 + d) +
    1000 * (d + 1);
  const expert = 2 * d * f + f + d;
  const { total, active } = countedParameters(presetArchitecture(name));
  expect(total).toBe(others + E * expert);
  expect(active).toBe(others + K * expert);
});

test("count, draw and solve know them", () => {
  const architecture = presetArchitecture("widenet-b");
  const { flopsPerToken, parameters } = count(architecture);
  // Twelve blocks run whatever they share: two experts, four maps of attention, and 197 keys, at each of 197 places.
  const perPlace = 12 * (2 * 4 * 768 ** 2 + 2 * 2 * 2 * 768 * 4096 + 4 * 197 * 768);
  expect(flopsPerToken.forward / ((perPlace * 197) / 196)).toBeGreaterThan(1);
  expect(flopsPerToken.forward / ((perPlace * 197) / 196)).toBeLessThan(1.06);
  expect(parameters.byModule).toMatchObject({ representation: 590_592, head: 769_000 });
  const drawn = diagramText(architecture, "widenet-b");
  expect(drawn).toContain("class token");
  expect(drawn).toContain("average");
  const [solution] = solveWidths(
    presetArchitecture("vit-b"),
    { of: "parameters", value: 87_157_480, convention: "total" },
    [12],
  );
  expect(solution).toMatchObject({ width: 768, value: 87_157_480, error: 0 });
});

test.each([...sizes.map(([name]) => name), "widenet-text-4"])(
  "%s prints as a pattern that is read again",
  (name) => {
    const architecture = presetArchitecture(name);
    const { first: _, last: __, repeat: ___, ...others } = architecture;
    const again = defineArchitecture({ ...others, stripe: printStripe(architecture) });
    expect(again).toEqual(architecture);
  },
);
