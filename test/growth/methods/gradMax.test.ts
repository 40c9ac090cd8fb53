// GradMax: the function stays, the first gradient of new units is the largest that there is, no two units are equal.
import { describe, expect, it } from "vitest";
import type { ArchitectureInput } from "../../../src/architecture/architecture.ts";
import { createNative } from "../../../src/backend/native/index.ts";
import type { GrowthData } from "../../../src/growth/methods/method.ts";
import { growBy, growByData, growthMethod } from "../../../src/growth/methods/methods.ts";
import { rightSingularVectors } from "../../../src/growth/methods/singular.ts";
import type { GrowthStep } from "../../../src/growth/steps.ts";
import { inputSource } from "../../../src/nn/parameters.ts";
import { gradients } from "../../../src/tensor/index.ts";
import { program, programInputs } from "../../../src/tensor/program.ts";
import { generator } from "../../tensor/harness.ts";
import { chainData, deadAfterFourSteps, difference, type Net, network, type Values } from "../harness.ts";

const data = chainData(await createNative({ threads: 1, double: true }));

async function grow(net: Net, to: Record<string, unknown>, blocks?: readonly number[]): Promise<Net> {
  const step: GrowthStep = { grow: "settings", to, blocks };
  const { architecture, values } = await growByData(growthMethod("gradmax"), net, [step], { seed: 3, data });
  return { architecture, values: values as Values };
}

/** Gradients over the first batches, as GradMax measures them, of networks of one architecture. */
function gradientsOn({ machine, loss, write }: GrowthData, architecture: Net["architecture"]) {
  const source = inputSource();
  const value = loss(architecture, source);
  const tensors = [...source.tensors];
  const slopes = gradients(
    value,
    tensors.map(([, tensor]) => tensor),
  );
  const measuring = program(Object.fromEntries(tensors.map(([name], i) => [`slope/${name}`, slopes[i]!])));
  const store = machine.createStore();
  for (const [name, type] of programInputs(measuring)) store.allocate(name, type);
  const executable = machine.load(measuring);
  return (values: Values): Values => {
    for (const [name] of tensors) store.write(name, values[name]!.data);
    const sums = tensors.map(
      ([name, { shape }]) => [name, { shape, data: values[name]!.data.map(() => 0) }] as const,
    );
    for (let n = 0; n < 4; n++) {
      write(store, n);
      executable.runSync(store);
      for (const [name, { data }] of sums) {
        const slope = store.read(`slope/${name}`);
        data.forEach((_, i) => {
          data[i]! += Number(slope[i]);
        });
      }
    }
    return Object.fromEntries(sums);
  };
}

const [WIDTH, OLD] = [12, 12];

const newRows = (data: Float64Array): number[][] =>
  Array.from({ length: data.length / WIDTH - OLD }, (_, i) => [
    ...data.subarray((OLD + i) * WIDTH, (OLD + i + 1) * WIDTH),
  ]);

function withRows({ architecture, values }: Net, name: string, rows: readonly (readonly number[])[]): Net {
  const data = values[name]!.data.slice();
  data.set(rows.flat(), OLD * WIDTH);
  return { architecture, values: { ...values, [name]: { ...values[name]!, data } } };
}

/** Of each new unit, of its silent parameters, in one block. */
function silentGradients(found: Values, primitive: string): number[][] {
  const parts = ["weight", "bias"].flatMap((part) => found[`block.0.${primitive}.up.${part}`] ?? []);
  const units = parts[0]!.shape.at(-1)!;
  return Array.from({ length: units - OLD }, (_, i) =>
    parts.flatMap(({ data }) => [...data].filter((_, at) => at % units === OLD + i)),
  );
}

const scaledTo = (norm: number, row: readonly number[]): number[] =>
  row.map((value) => (value * norm) / Math.hypot(...row));

const layers: Record<string, Partial<ArchitectureInput>> = {
  gelu: { stripe: ["attention(heads: 2)", "gelu(feedforward: 12, bias: true)"] },
  relu: { stripe: ["attention(heads: 2)", "relu(feedforward: 12)"], block: "parallel" },
  swiglu: { stripe: ["attention(heads: 2)", "swiglu(feedforward: 12, bias: true)"], norm: "rms" },
};

describe("GradMax", () => {
  for (const [primitive, input] of Object.entries(layers)) {
    it(`keeps what a network computes, and no unit is dead or like another: ${primitive}`, async () => {
      const small = network(input);
      const large = await grow(small, { feedforward: 21 });
      expect(difference(small, large)).toBeLessThan(1e-12);
      expect(
        deadAfterFourSteps(large).filter((name) => !/up\.weight/.test(name) || primitive !== "relu"),
      ).toEqual([]);
      const { shape, data } = large.values[`block.1.${primitive}.down.weight`]!;
      const rows = Array.from({ length: 21 }, (_, i) => [...data.subarray(i * 8, (i + 1) * 8)]);
      expect(shape).toEqual([21, 8]);
      expect(new Set(rows.map((row) => row.map((value) => value.toFixed(6)).join())).size).toBe(21);
      const lengths = rows.map((row) => Math.hypot(...row));
      const mean = lengths.slice(0, 12).reduce((sum, length) => sum + length) / 12;
      for (const length of lengths.slice(12)) expect(length).toBeCloseTo(mean, 9);
    });

    it(`its first gradient is the largest of 1,000 random starts of equal norm: ${primitive}`, async () => {
      const small = network({ ...input, width: 12, repeat: 1 });
      const large = await grow(small, { feedforward: 15 });
      const measure = gradientsOn(data, large.architecture);
      const down = `block.0.${primitive}.down.weight`;
      const chosen = newRows(large.values[down]!.data);
      // At silent units the gradient is linear in what reads them: for each feature, measured in the larger network itself.
      const slopes = Array.from({ length: WIDTH }, (_, feature) => {
        const rows = chosen.map((row) => row.map((_, i) => (i === feature ? 1 : 0)));
        return silentGradients(measure(withRows(large, down, rows).values), primitive);
      });
      const normOf = (rows: readonly (readonly number[])[]): number => {
        let squares = 0;
        for (const [unit, row] of rows.entries()) {
          for (const i of slopes[0]![unit]!.keys()) {
            squares += row.reduce((sum, value, feature) => sum + value * slopes[feature]![unit]![i]!, 0) ** 2;
          }
        }
        return Math.sqrt(squares);
      };
      const found = Math.hypot(...silentGradients(measure(large.values), primitive).flat());
      expect(found).toBeCloseTo(normOf(chosen), 9);
      const random = generator(5);
      const norm = Math.hypot(...chosen[0]!);
      const norms = Array.from({ length: 1000 }, () =>
        normOf(
          chosen.map((row) =>
            scaledTo(
              norm,
              row.map(() => random() + random() + random() - 1.5),
            ),
          ),
        ),
      );
      expect(found).toBeGreaterThan(Math.max(...norms));
      expect(Math.max(...norms)).toBeGreaterThan(0.1 * found);
    });
  }

  it("has more new units than features, all different", async () => {
    const large = await grow(network({}), { feedforward: 40 });
    const { data } = large.values["block.0.gelu.down.weight"]!;
    const rows = Array.from({ length: 40 }, (_, i) =>
      Array.from(data.subarray(i * 8, (i + 1) * 8), (v) => v.toFixed(6)),
    );
    expect(new Set(rows.map(String)).size).toBe(40);
  });

  it("grows some blocks alone", async () => {
    const small = network({});
    const large = await grow(small, { feedforward: 14 }, [1]);
    expect(large.values["block.0.gelu.up.weight"]!.shape).toEqual([8, 12]);
    expect(difference(small, large)).toBeLessThan(1e-12);
  });

  it("takes singular vectors in their order", () => {
    const matrix = Float64Array.of(0, 2, 0, 0, 0, 5, 1, 0, 0, 0, 0, 0);
    const vectors = rightSingularVectors(matrix, 3, 2).map((vector) =>
      [...vector].map((v) => Math.abs(Math.round(v))),
    );
    expect(vectors).toEqual([
      [0, 0, 1],
      [0, 1, 0],
    ]);
    expect([...rightSingularVectors(matrix, 3, 1)[0]!].map(Math.abs)[2]).toBeCloseTo(1, 6);
  });

  const refusals: [string, Partial<ArchitectureInput>, Record<string, unknown>, RegExp][] = [
    ["heads", {}, { heads: 4 }, /^grow: gradmax cannot grow .* of attention; it grows hidden units.*$/],
    [
      "experts",
      { stripe: "moe(experts: 2, feedforward: 4)" },
      { feedforward: 6 },
      /^grow: gradmax cannot grow .*moe;.*$/,
    ],
    [
      "an activation that is flat",
      { stripe: "squaredRelu(feedforward: 4)" },
      { feedforward: 6 },
      /^grow: gradmax finds no gradient.*$/,
    ],
    [
      "a loop",
      { loop: { times: 2 } },
      { feedforward: 16 },
      /^grow: gradmax measures each place by itself.*$/,
    ],
  ];
  for (const [what, input, to, line] of refusals) {
    it(`refuses ${what} in one line`, async () => {
      await expect(grow(network(input), to)).rejects.toThrow(line);
    });
  }

  it("needs data, and says so", async () => {
    const step: GrowthStep = { grow: "settings", to: { feedforward: 16 } };
    const blind = growByData(growthMethod("gradmax"), network({}), [step], { seed: 3 });
    await expect(blind).rejects.toThrow(/^grow: the method gradmax looks at data.*$/);
    expect(() => growBy(growthMethod("gradmax"), network({}), [step], { seed: 3 })).toThrow(/looks at data/);
  });
});
