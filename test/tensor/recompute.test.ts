// Gradients that compute values again: the same numbers as those that keep them, however a graph is cut.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  dropout,
  evaluate,
  gradients,
  hold,
  input,
  linear,
  multiply,
  rmsNorm,
  sine,
  square,
  sum,
  type Tensor,
  tanh,
  topologicalOrder,
} from "../../src/tensor/index.ts";
import { generator, uniformValue } from "./harness.ts";

const WIDTH = 3;

interface Chain {
  readonly loss: Tensor;
  readonly leaves: Tensor[];
  readonly entered: Tensor[];
}

/** A residual chain in which some blocks also read what an earlier block made inside, and one weight is read by all. */
function chainOf(blocks: number, skips: readonly boolean[]): Chain {
  const x = input("x", [2, WIDTH]);
  const shared = input("shared", [WIDTH, WIDTH]);
  const key = input("key", [2], "u32");
  const weights = Array.from({ length: blocks }, (_, i) => input(`w${i}`, [WIDTH, WIDTH]));
  const entered: Tensor[] = [];
  let y = x;
  let inner: Tensor | undefined;
  weights.forEach((weight, i) => {
    entered.push(y);
    let h = tanh(linear(rmsNorm(y), weight));
    if (skips[i] && inner !== undefined) h = add(h, sine(inner));
    inner = h;
    y = add(y, dropout(linear(multiply(h, h), shared), key, 0.3));
  });
  entered.push(y);
  return { loss: sum(square(y)), leaves: [x, shared, ...weights], entered };
}

function valuesOf(results: readonly Tensor[], seed: number) {
  const random = generator(seed);
  const inputs = topologicalOrder(results)
    .filter((node) => node.op.name === "input")
    .map((node) => {
      const { name, shape, dtype } = node.attributes as { name: string; shape: number[]; dtype: string };
      const data = dtype === "u32" ? { shape, data: Float64Array.of(7, 11) } : uniformValue(random, shape);
      return [name, data] as const;
    });
  return evaluate(results, Object.fromEntries(inputs)).map(({ data }) => [...data]);
}

const settings = fc.record({
  blocks: fc.integer({ min: 1, max: 5 }),
  skips: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
  chosen: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
  seed: fc.nat(1000),
});

test("wherever the graph is cut, every gradient is the same number", () => {
  fc.assert(
    fc.property(settings, ({ blocks, skips, chosen, seed }) => {
      const { loss, leaves, entered } = chainOf(blocks, skips);
      const boundaries = entered.filter((_, i) => chosen[i]);
      const plain = valuesOf([loss, ...gradients(loss, leaves)], seed);
      expect(valuesOf([loss, ...gradients(loss, leaves, boundaries)], seed)).toEqual(plain);
    }),
    { numRuns: 60 },
  );
});

test("gradients of gradients are the same numbers", () => {
  fc.assert(
    fc.property(settings, ({ blocks, skips, seed }) => {
      const { loss, leaves, entered } = chainOf(Math.min(blocks, 3), skips);
      const second = (boundaries: readonly Tensor[]) => {
        const slopes = gradients(loss, leaves, boundaries).map((slope) => sum(square(slope)));
        return valuesOf(gradients(slopes.reduce(add), leaves), seed).flat();
      };
      const plain = second([]);
      second(entered).forEach((value, i) => {
        expect(Math.abs(value - plain[i]!)).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(plain[i]!)));
      });
    }),
    { numRuns: 15 },
  );
});

test("also for a tensor in the middle of a segment", () => {
  const x = input("x", [2, WIDTH]);
  const middle = tanh(x);
  const next = sine(middle);
  const loss = sum(square(sine(next)));
  const plain = gradients(loss, [middle, next, x]);
  expect(valuesOf(gradients(loss, [middle, next, x], [x, next]), 3)).toEqual(valuesOf(plain, 3));
});

describe("what is computed again", () => {
  const countOf = (results: readonly Tensor[], name: string) =>
    topologicalOrder(results).filter(({ op }) => op.name === name).length;

  test("is all but the last segment, each behind one held value", () => {
    const { loss, leaves, entered } = chainOf(4, []);
    const boundaries = entered.slice(0, -1);
    const plain = [loss, ...gradients(loss, leaves)];
    const again = [loss, ...gradients(loss, leaves, boundaries)];
    expect(countOf(plain, "hold")).toBe(0);
    expect(countOf(again, "hold")).toBe(3);
    expect(countOf(again, "tanh")).toBe(countOf(plain, "tanh") + 3);
  });

  test("does not change what comes after the last boundary or before the first", () => {
    const { loss, leaves, entered } = chainOf(2, []);
    expect(countOf(gradients(loss, leaves, [entered[1]!]), "hold")).toBe(0);
  });
});

test("a held value is the value, and its gradient goes through", () => {
  const x = input("x", [4]);
  const y = sum(square(hold(x, tanh(x))));
  const [slope] = gradients(y, [x]);
  const [value, slopes] = valuesOf([sum(square(x)), slope!], 5);
  expect(valuesOf([y], 5)).toEqual([value]);
  const [twice] = valuesOf([add(x, x)], 5);
  expect(slopes).toEqual(twice);
  expect(() => hold(x, input("none", [0]))).toThrow(RangeError);
});
