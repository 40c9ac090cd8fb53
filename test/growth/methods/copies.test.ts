// What methods that copy make of small networks: which units are equal, what tells them apart, what new layers are, and that
// a step which a method cannot take is refused in one line.
import { describe, expect, it } from "vitest";
import type { ArchitectureInput } from "../../../src/architecture/architecture.ts";
import type { GrownBy } from "../../../src/growth/methods/method.ts";
import { growBy, growthMethod } from "../../../src/growth/methods/methods.ts";
import type { GrowthStep } from "../../../src/growth/steps.ts";
import { difference, gradientsOf, type Net, network, type Values } from "../harness.ts";

const doubled: GrowthStep = { grow: "settings", to: { feedforward: 24 } };
const twoMore: GrowthStep = { grow: "layers", add: 2, at: "last" };

function grow(name: string, net: Net, steps: readonly GrowthStep[], noise?: number): Net & GrownBy {
  const grown = growBy(growthMethod(name), net, steps, { seed: 3, noise });
  return { ...grown, values: grown.values as Values };
}

/** Pairs of hidden units of a block with equal weights in front of them, as numbers, and how many there are. */
function equalUnits({ values }: Net, gradients: Values, block = 0): number {
  const { shape } = values[`block.${block}.gelu.up.weight`]!;
  const columns = Array.from({ length: shape[1]! }, (_, unit) =>
    [values, gradients].map((of) => {
      const { data } = of[`block.${block}.gelu.up.weight`]!;
      return Array.from({ length: shape[0]! }, (_, row) => data[row * shape[1]! + unit]!.toPrecision(9));
    }),
  );
  return columns.length - new Set(columns.map(String)).size;
}

describe("twins", () => {
  const small = network({});
  for (const name of ["net2net", "hypercloning"]) {
    it(`of ${name} are equal in value and gradient, and noise breaks them`, () => {
      const twins = grow(name, small, [doubled]);
      expect(equalUnits(twins, gradientsOf(twins))).toBeGreaterThan(5);
      const noisy = grow(name, small, [doubled], 10);
      expect(equalUnits(noisy, gradientsOf(noisy))).toBe(0);
      expect(difference(small, noisy)).toBeLessThan(1e-12);
    });
  }
  it("of aki are those of the last block alone", () => {
    const grown = grow("aki", small, [doubled]);
    expect(equalUnits(grown, gradientsOf(grown), 0)).toBe(0);
    expect(equalUnits(grown, gradientsOf(grown), 1)).toBeGreaterThan(0);
    const noisy = grow("aki", small, [doubled], 10);
    expect(equalUnits(noisy, gradientsOf(noisy), 1)).toBe(0);
  });
  for (const name of ["lemon", "zero"]) {
    it(`are not made by ${name}, and noise is refused`, () => {
      const grown = grow(name, small, [doubled]);
      expect(equalUnits(grown, gradientsOf(grown))).toBe(0);
      expect(() => grow(name, small, [doubled], 10)).toThrow(
        /^grow: noise is given.* net2net, aki, hypercloning do$/,
      );
    });
  }
  it("are told apart by as much noise as was asked for", () => {
    const [plain, noisy] = [undefined, 20].map((noise) => grow("hypercloning", small, [doubled], noise));
    const { data } = plain!.values["block.0.gelu.down.weight"]!;
    const moved = noisy!.values["block.0.gelu.down.weight"]!.data;
    const power = (of: ArrayLike<number>) => Array.from(of).reduce((sum, value) => sum + value ** 2, 0);
    const ratio = power(data) / power(data.map((value, i) => value - moved[i]!));
    expect(10 * Math.log10(ratio)).toBeGreaterThan(18.5);
    expect(10 * Math.log10(ratio)).toBeLessThan(21.5);
  });
});

describe("hypercloning", () => {
  it("writes a matrix n × n times, divided by n", () => {
    const small = network({});
    const large = grow("hypercloning", small, [doubled, { grow: "width", to: 16 }]);
    const [before, after] = [small, large].map(({ values }) => values["block.1.gelu.up.weight"]!);
    expect(after!.shape).toEqual([16, 24]);
    after!.data.forEach((value, i) => {
      const [row, column] = [Math.floor(i / 24), i % 24];
      expect(value).toBe(before!.data[(row % 8) * 12 + (column % 12)]! / 2);
    });
  });
});

describe("aki", () => {
  it("takes new units from the block above", () => {
    const small = network({});
    const large = grow("aki", small, [doubled]);
    const above = small.values["block.1.gelu.up.weight"]!.data;
    const units = (data: Float64Array, count: number) =>
      Array.from({ length: count }, (_, unit) =>
        Array.from({ length: 8 }, (_, row) => data[row * count + unit]!),
      );
    const found = units(large.values["block.0.gelu.up.weight"]!.data, 24).map(String);
    const known = new Set(units(above, 12).map(String));
    expect(found.filter((unit) => known.has(unit))).toHaveLength(12);
    expect(difference(small, large)).toBeGreaterThan(1e-6);
  });
});

describe("new layers", () => {
  const small = network({ repeat: 3 });
  const blocks = (net: Net) =>
    Array.from({ length: net.architecture.repeat }, (_, i) =>
      String(net.values[`block.${i}.gelu.up.weight`]!.data),
    );
  const [first, second, third] = blocks(small);
  it("are stacked", () => {
    expect(blocks(grow("stack", small, [twoMore]))).toEqual([first, second, third, first, second]);
    expect(difference(small, grow("stack", small, [twoMore]))).toBeGreaterThan(1e-6);
  });
  it("are interleaved", () => {
    const six = grow("interleave", small, [{ ...twoMore, add: 3 }]);
    expect(blocks(six)).toEqual([first, first, second, second, third, third]);
    expect(blocks(grow("interleave", small, [twoMore]))).toHaveLength(5);
  });
  it("are interleaved where blocks differ in size and the stripe is written out", () => {
    const uneven = grow("net2net", network({}), [{ ...doubled, blocks: [0] }]);
    const four = grow("interleave", uneven, [twoMore]);
    expect(four.architecture.stripe.map(({ feedforward }) => feedforward)).toEqual(
      [24, 24, 12, 12].flatMap((size) => [undefined, size]),
    );
    const up = (net: Net, place: string) => String(net.values[`block.0.${place}.up.weight`]!.data);
    for (const [i, origin] of ["gelu", "gelu", "gelu2", "gelu2"].entries()) {
      expect(up(four, i === 0 ? "gelu" : `gelu${i + 1}`)).toBe(up(uneven, origin));
    }
  });
  it("are the block before with no output", () => {
    const large = grow("net2net", small, [{ grow: "layers", add: 1, at: 1 }]);
    expect(blocks(large)).toEqual([first, first, second, third]);
    expect(large.values["block.1.gelu.down.weight"]!.data.every((value) => value === 0)).toBe(true);
  });
});

describe("is refused in one line", () => {
  const cases: [string, string, Partial<ArchitectureInput>, GrowthStep, RegExp][] = [
    [
      "a wider stream by stacking",
      "stack",
      {},
      { grow: "width", to: 16 },
      /^grow: .* stack cannot .* zero, net2net.*$/,
    ],
    ["layers in the middle", "stack", {}, { ...twoMore, at: 0 }, /^grow: stacked layers go on top.*$/],
    [
      "layers in one place",
      "interleave",
      {},
      { ...twoMore, at: 0 },
      /^grow: interleaved layers are spread.*$/,
    ],
    [
      "layers by hypercloning",
      "hypercloning",
      {},
      twoMore,
      /^grow: the method hypercloning cannot grow layers; .*$/,
    ],
    [
      "no multiple",
      "hypercloning",
      {},
      { grow: "width", to: 12 },
      /^grow: hypercloning cannot make 12 of 8; .*$/,
    ],
    ["no multiple under norms", "net2net", {}, { grow: "width", to: 12 }, /^grow: net2net cannot .*lemon$/],
    [
      "a mean where norms stand after sums",
      "lemon",
      { block: "post" },
      { grow: "width", to: 12 },
      /^grow: lemon .*$/,
    ],
    [
      "keys",
      "lemon",
      {},
      { grow: "settings", to: { headWidth: 8 } },
      /^grow: lemon .* copies of its keys .*$/,
    ],
    [
      "a primitive without copies",
      "lemon",
      { stripe: "mamba" },
      { grow: "width", to: 16 },
      /^grow: lemon .*mamba.*$/,
    ],
    ["a smaller width", "net2net", {}, { grow: "width", to: 4 }, /^grow: net2net .* it is 8; expected more$/],
    [
      "fewer features",
      "net2net",
      {},
      { grow: "settings", to: { feedforward: 8 } },
      /^grow: gelu: feedforward 12 .*$/,
    ],
    [
      "a tied head without a norm",
      "net2net",
      { norm: "none", tie: true },
      { grow: "width", to: 16 },
      /^grow: .*$/,
    ],
    ["layers beside shared ones", "net2net", { share: { period: 1 } }, twoMore, /^grow: blocks share .*$/],
  ];
  for (const [what, method, input, step, line] of cases) {
    it(what, () => {
      expect(() => grow(method, network(input), [step])).toThrow(line);
    });
  }
  it("blocks of different sizes on top of each other", () => {
    const uneven = grow("net2net", network({}), [{ ...doubled, blocks: [0] }]);
    expect(() => grow("interleave", uneven, [twoMore])).not.toThrow();
    expect(() => grow("stack", uneven, [twoMore])).toThrow(/^grow: stack would copy block\.0.*$/);
  });
  it("a method that is not there", () => {
    expect(() => growthMethod("magic")).toThrow(
      /^grow: there is no method "magic"; expected one of zero, .*$/,
    );
  });
});
