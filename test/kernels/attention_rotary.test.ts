// The rotary kernel against its formula: odd widths, gaps between rows, in place.
import { describe, expect, test } from "vitest";
import { rotaryRows, rotaryWords } from "../../src/backend/tape/rotary.ts";
import { createTapeWriter, elementType, space } from "../../src/backend/tape/writer.ts";
import { builds, compileDriver, runCases } from "./attention_driver.ts";

const opRotary = 7;

const shapes = [
  { batch: 2, length: 3, heads: 2, width: 2 },
  { batch: 1, length: 5, heads: 3, width: 16 },
  { batch: 2, length: 4, heads: 1, width: 50 },
  { batch: 1, length: 2, heads: 2, width: 128 },
];

for (const build of builds.filter(({ name }) => name.includes("sanitizers"))) {
  describe(`rotary, ${build.name}`, () => {
    const driver = compileDriver(build);
    const numbers = (count: number, value: (i: number) => number) => {
      const values = Float64Array.from({ length: count }, (_, i) => value(i));
      return build.realBytes === 4 ? Float32Array.from(values) : values;
    };

    for (const shape of shapes) {
      for (const inPlace of [false, true]) {
        test(`turns pairs of ${JSON.stringify(shape)}${inPlace ? " in place" : ""}`, () => {
          const { batch, length, heads, width } = shape;
          const half = width / 2;
          const token = heads * width + 1;
          const item = length * token;
          const x = numbers(batch * item, (i) => Math.sin(3 * i + 1));
          const y = inPlace ? x : numbers(x.length, () => 5);
          const cosines = numbers(length * half, Math.cos);
          const sines = numbers(length * half, Math.sin);
          const expected = Float64Array.from(y);
          for (let b = 0; b < batch; b++)
            for (let t = 0; t < length; t++)
              for (let h = 0; h < heads; h++)
                for (let i = 0; i < half; i++) {
                  const first = b * item + t * token + h * width + i;
                  const [c, s] = [cosines[t * half + i]!, sines[t * half + i]!];
                  const [x1, x2] = [x[first]!, x[first + half]!];
                  expected[first] = x1 * c - x2 * s;
                  expected[first + half] = x2 * c + x1 * s;
                }
          const operand = (binding: number, stride = 0) => {
            return {
              space: space.binding(binding),
              type: elementType.real,
              line: 0,
              element: 0,
              item: stride,
              step: [],
            };
          };
          const writer = createTapeWriter();
          const instruction = {
            ...shape,
            fine: !inPlace,
            x: { operand: operand(0, item), token, head: width },
            result: { operand: operand(inPlace ? 0 : 3, item), token, head: width },
            cosines: { operand: operand(1), token: half },
            sines: { operand: operand(2), token: half },
          };
          rotaryWords(instruction, writer);
          const bindings = inPlace ? [x, cosines, sines] : [x, cosines, sines, y];
          runCases(driver, [
            {
              opcode: opRotary,
              rows: rotaryRows(instruction),
              words: writer.words,
              scratchBytes: 0,
              bindings,
            },
          ]);
          const tolerance = build.realBytes === 4 ? 1e-6 : 1e-15;
          y.forEach((got, i) => {
            expect(Math.abs(got - expected[i]!)).toBeLessThanOrEqual(tolerance);
          });
        });
      }
    }
  });
}
