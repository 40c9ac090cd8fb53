// How blocks lie on the residual stream, against plain loops. B = 1, T length, D width.
import { describe, expect, test } from "vitest";
import { type ArchitectureInput, defineArchitecture } from "../../src/architecture/architecture.ts";
import { forward } from "../../src/architecture/forward.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { evaluate, input, type NdArray } from "../../src/tensor/index.ts";
import { generator } from "../tensor/harness.ts";

const [LENGTH, WIDTH, OUTPUTS, INPUTS] = [3, 4, 2, 5];

type Row = readonly number[];

const functions: Record<string, (x: number) => number> = { tanh: Math.tanh, relu: (x) => Math.max(0, x) };

/** A plain model of two activation functions a block, on one place. */
function plain(
  x: Row,
  at: (name: string, ...index: number[]) => number,
  { block, norm, repeat }: { block: string; norm: string; repeat: number },
): Row {
  const normalize = (path: string, row: Row): Row => {
    if (norm === "none") return row;
    const mean = norm === "rms" ? 0 : row.reduce((a, b) => a + b) / WIDTH;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / WIDTH;
    const bias = (i: number) => (norm === "layer" ? at(`${path}.bias`, i) : 0);
    return row.map(
      (value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * at(`${path}.scale`, i) + bias(i),
    );
  };
  let row = Array.from({ length: WIDTH }, (_, j) =>
    x.reduce((sum, value, i) => sum + value * at("embedding.weight", i, j), at("embedding.bias", j)),
  ) as Row;
  for (let repetition = 0; repetition < repeat; repetition++) {
    const start = row;
    ["tanh", "relu"].forEach((name, i) => {
      const path = `block.${repetition}.nonlinearity${i === 0 ? "" : "2"}.norm`;
      const f = (of: Row) => of.map(functions[name]!);
      const plus = (a: Row, b: Row) => a.map((value, k) => value + b[k]!);
      if (block === "pre") row = plus(row, f(normalize(path, row)));
      if (block === "post") row = normalize(path, plus(row, f(row)));
      if (block === "parallel") row = plus(row, f(normalize(path, start)));
      if (block === "none") row = normalize(path, f(row));
    });
  }
  const last = block === "post" ? row : normalize("norm", row);
  return Array.from({ length: OUTPUTS }, (_, j) =>
    last.reduce((sum, value, i) => sum + value * at("head.weight", i, j), at("head.bias", j)),
  );
}

describe.each(["pre", "post", "parallel", "none"] as const)("%s", (block) => {
  test.each(["layer", "layerUnbiased", "rms", "none"] as const)("with norm %s", (norm) => {
    const given: ArchitectureInput = {
      vocabulary: OUTPUTS,
      inputs: INPUTS,
      length: LENGTH,
      width: WIDTH,
      stripe: "[nonlinearity(function: tanh), nonlinearity] × 2",
      positions: "none",
      headBias: true,
      norm,
      block,
    };
    const source = inputSource();
    const logits = forward(defineArchitecture(given), source, input("tokens", [1, LENGTH, INPUTS], "f32"));
    const random = generator(3);
    const draw = (shape: readonly number[]): NdArray => ({
      shape,
      data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1),
    });
    const values = new Map([...source.declared].map(([name, { shape }]) => [name, draw(shape)]));
    values.set("tokens", draw([1, LENGTH, INPUTS]));
    const [found] = evaluate([logits], Object.fromEntries(values));
    const used = new Set<string>();
    const at = (name: string, ...index: number[]) => {
      used.add(name);
      const { shape, data } = values.get(name)!;
      return data[index.length === 1 ? index[0]! : index[0]! * shape[1]! + index[1]!]!;
    };
    for (let t = 0; t < LENGTH; t++) {
      const x = [...values.get("tokens")!.data.subarray(t * INPUTS, (t + 1) * INPUTS)];
      plain(x, at, { block, norm, repeat: 2 }).forEach((value, j) => {
        expect(found!.data[t * OUTPUTS + j]).toBeCloseTo(value, 10);
      });
    }
    expect([...used].sort()).toEqual([...source.declared.keys()].sort());
  });
});

test("text is refused where numbers are expected", () => {
  const architecture = defineArchitecture({
    vocabulary: 2,
    inputs: 3,
    length: 4,
    width: 4,
    stripe: ["gelu"],
  });
  expect(() => forward(architecture, inputSource(), input("tokens", [1, 4], "i32"))).toThrow(
    "it takes 3 numbers at each place (inputs), not tokens",
  );
});
