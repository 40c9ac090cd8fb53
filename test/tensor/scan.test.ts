// scan: against a plain loop, and its gradient through kept and recomputed carries.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  broadcastTo,
  cast,
  evaluate,
  gradients,
  input,
  matmul,
  multiply,
  reshape,
  type ScanAttributes,
  scan,
  sine,
  sum,
  type Tensor,
  tanh,
  topologicalOrder,
} from "../../src/tensor/index.ts";
import {
  checkGradient,
  expectClose,
  forAll,
  generator,
  run,
  size,
  uniformValue,
  value,
  wholeValue,
} from "./harness.ts";

/** h ← tanh(a·h + x), y = sum(h)·x: the carry [W, W] is larger than the element [W], so gradients use chunks. */
function wide(length: number, reverse: boolean) {
  return (h: Tensor, x: Tensor, a: Tensor) => {
    const run = scan(
      { length, carries: [h], sequences: [x], constants: [a], reverse },
      ([carry], [element], [k]) => {
        const next = tanh(add(multiply(carry!, k!), element!));
        return { carries: [next], outputs: [multiply(sum(next), element!)] };
      },
    );
    return [...run.carries, ...run.outputs];
  };
}

const lengths = fc.constantFrom(1, 2, 3, 4, 5, 7, 9, 10, 13);

describe("scan", () => {
  test("is a loop, forwards and backwards", () => {
    forAll(fc.tuple(lengths, size(3), fc.boolean()), ([length, width, reverse], random) => {
      const h = uniformValue(random, [width, width]);
      const x = uniformValue(random, [length, width]);
      const a = uniformValue(random, [width, width]);
      let state = [...h.data];
      const ys = new Array<number>(length * width);
      for (let step = 0; step < length; step++) {
        const t = reverse ? length - 1 - step : step;
        state = state.map((s, i) => Math.tanh(s * a.data[i]! + x.data[t * width + (i % width)]!));
        const sumOfState = state.reduce((p, q) => p + q, 0);
        for (let j = 0; j < width; j++) ys[t * width + j] = sumOfState * x.data[t * width + j]!;
      }
      const [last, outputs] = run(wide(length, reverse), h, x, a);
      expectClose(last!.data, state);
      expectClose(outputs!.data, ys);
    });
  });

  test("gradient with recomputed chunks, any remainder, both directions", () => {
    forAll(
      fc.tuple(lengths, fc.boolean()),
      ([length, reverse], random) => {
        const values = [
          uniformValue(random, [2, 2]),
          uniformValue(random, [length, 2]),
          uniformValue(random, [2, 2]),
        ];
        checkGradient(wide(length, reverse), values, { second: length <= 5 });
      },
      14,
    );
  });

  test("gradient with every carry kept", () => {
    forAll(
      fc.tuple(lengths, fc.boolean()),
      ([length, reverse], random) => {
        const narrow = (h: Tensor, x: Tensor, w: Tensor) => {
          const run = scan(
            { length, carries: [h], sequences: [x], constants: [w], reverse },
            ([c], [e], [k]) => {
              const next = tanh(add(matmul(c!, k!), e!));
              return { carries: [next], outputs: [next] };
            },
          );
          return [...run.carries, ...run.outputs];
        };
        const values = [
          uniformValue(random, [1, 3]),
          uniformValue(random, [length, 1, 3]),
          uniformValue(random, [3, 3]),
        ];
        checkGradient(narrow, values, { second: length <= 3 });
      },
      10,
    );
  });

  test("gradient of constants in products, summed after the loop or in it, in any arrangement", () => {
    // Depth enough for products to be kept; the constant stands in two products, transposed in one, and in a sum.
    const [length, wide] = [3, 32];
    const several = (h: Tensor, x: Tensor, w: Tensor) => {
      const { carries, outputs } = scan({ length, carries: [h], sequences: [x] }, ([c], [e]) => {
        const turned = matmul(w, reshape(c!, [wide, 1]));
        const next = tanh(add(add(matmul(c!, w), e!), multiply(reshape(turned, [1, wide]), sum(w))));
        return { carries: [next], outputs: [matmul(matmul(w, w), reshape(next, [wide, 1]))] };
      });
      return [...carries, ...outputs];
    };
    const random = generator(5);
    const small = (shape: number[]) => {
      const { data } = uniformValue(random, shape);
      return { shape, dtype: "f32" as const, data: data.map((v) => v / 16) };
    };
    checkGradient(several, [small([1, wide]), small([length, 1, wide]), small([wide, wide])], {
      second: false,
    });
  });

  test("what a step takes from outside becomes a constant and has a gradient", () => {
    const captured = (h: Tensor, bias: Tensor, scale: Tensor) => {
      const outside = sine(bias);
      const { carries, outputs } = scan({ length: 3, carries: [h] }, ([c]) => {
        const next = tanh(add(multiply(c!, outside), reshape(scale, [1, 2])));
        return { carries: [next], outputs: [add(next, bias)] };
      });
      return [...carries, ...outputs];
    };
    const random = () => 0.3;
    const h = uniformValue(random, [2, 2]);
    const bias = value([0.5, -0.2]);
    const scale = value([0.1, 0.7]);
    checkGradient(captured, [h, bias, scale]);
    let state = [...h.data];
    for (let t = 0; t < 3; t++) {
      state = state.map((s, i) => Math.tanh(s * Math.sin(bias.data[i % 2]!) + scale.data[i % 2]!));
    }
    expectClose(run(captured, h, bias, scale)[0]!.data, state);
  });

  test("holds its body closed, with only what it reads", () => {
    const x = input("x", [4, 2]);
    const unread = input("unread", [4, 2]);
    const weight = input("weight", [2]);
    const twice = multiply(weight, 2);
    const { outputs } = scan(
      { length: 4, sequences: [unread, x], constants: [input("spare", [9])] },
      (_, [, e]) => ({
        carries: [],
        outputs: [multiply(e!, twice)],
      }),
    );
    const { node } = outputs[0]!;
    const { body, sequences, constants } = node.attributes as ScanAttributes;
    expect({ sequences, constants }).toEqual({ sequences: 1, constants: 1 });
    expect(node.inputs).toEqual([x, twice]);
    const leaves = new Set(body.inputs.map((leaf) => leaf.node));
    for (const inside of topologicalOrder(body.outputs)) {
      if (inside.op.name === "input") expect(leaves.has(inside)).toBe(true);
    }
  });

  test("scans inside scans", () => {
    const nested = (h: Tensor, x: Tensor, w: Tensor) => {
      const outer = scan({ length: 3, carries: [h], sequences: [x] }, ([c], [row]) => {
        const inner = scan({ length: 2, carries: [c!], sequences: [row!], reverse: true }, ([d], [e]) => ({
          carries: [tanh(add(multiply(d!, w), multiply(e!, c!)))],
          outputs: [],
        }));
        return { carries: inner.carries, outputs: inner.carries };
      });
      return [...outer.carries, ...outer.outputs];
    };
    const random = generator(17);
    const [h, x, w] = [uniformValue(random, [2]), uniformValue(random, [3, 2, 2]), uniformValue(random, [2])];
    let state = [...h.data];
    for (let i = 0; i < 3; i++) {
      const outerState = state;
      for (const j of [1, 0]) {
        state = state.map((s, k) =>
          Math.tanh(s * w.data[k]! + x.data[(i * 2 + j) * 2 + k]! * outerState[k]!),
        );
      }
    }
    expectClose(run(nested, h, x, w)[0]!.data, state);
    checkGradient(nested, [h, x, w]);
  });

  test("whole-number carries and sequences pass, without gradient", () => {
    const counted = (h: Tensor, n: Tensor, x: Tensor, m: Tensor) => {
      const { carries, outputs } = scan(
        { length: 5, carries: [n, h], sequences: [m, x] },
        ([i, c], [j, e]) => {
          const next = tanh(add(multiply(c!, cast(add(i!, j!), "f32")), e!));
          return { carries: [add(i!, 1), next], outputs: [i!, next] };
        },
      );
      return [...carries, ...outputs];
    };
    const random = () => 0.6;
    const values = [
      uniformValue(random, [3, 3]),
      value([2], [], "i32"),
      uniformValue(random, [5, 3]),
      wholeValue(random, [5], 0, 3),
    ];
    expect([...run(counted, ...values)[2]!.data]).toEqual([2, 3, 4, 5, 6]);
    checkGradient(counted, values, { second: false });
  });

  test("a carry that passes through and one input in two roles", () => {
    const same = (x: Tensor) => {
      const { carries, outputs } = scan(
        { length: 4, carries: [sum(x, [0]), x], constants: [x], sequences: [x] },
        (c, [e], [k]) => ({
          carries: [sine(add(multiply(c[0]!, e!), sum(k!, [0]))), c[1]!],
          outputs: [],
        }),
      );
      return [...carries, ...outputs];
    };
    checkGradient(same, [uniformValue(() => 0.8, [4, 2])]);
  });

  test("only wanted inputs have their gradient carried along", () => {
    const h = input("h", [2]);
    const mask = input("mask", [2]);
    const x = input("x", [6, 2]);
    const { carries } = scan(
      { length: 6, carries: [h], sequences: [x], constants: [mask] },
      ([c], [e], [k]) => ({
        carries: [tanh(multiply(add(c!, e!), k!))],
        outputs: [],
      }),
    );
    const [dx] = gradients(sum(carries[0]!), [x]);
    const scans = topologicalOrder([dx!]).filter((node) => node.op.name === "scan");
    const most = Math.max(...scans.map((node) => (node.attributes as ScanAttributes).carries));
    expect(most).toBe(1);
  });

  test("a long loop keeps the square root of its carries", () => {
    const h = input("h", [4, 4]);
    const x = input("x", [100, 4]);
    const { carries } = scan({ length: 100, carries: [h], sequences: [x] }, ([c], [e]) => ({
      carries: [tanh(add(c!, e!))],
      outputs: [],
    }));
    const [dh] = gradients(sum(carries[0]!), [h]);
    const held = topologicalOrder([dh!]).flatMap((node) => node.outputs.map(({ shape }) => shape));
    expect(held.some((shape) => shape[0] === 100 && shape.length === 3)).toBe(false);
    expect(held.some((shape) => shape[0] === 10 && shape.length === 3)).toBe(true);
  });

  test("small carries are kept, so that the gradient is one more loop and no step runs twice", () => {
    const x = input("x", [50, 4]);
    const { outputs } = scan({ length: 50, carries: [input("h", [4])], sequences: [x] }, ([c], [e]) => ({
      carries: [tanh(add(c!, e!))],
      outputs: [multiply(c!, e!)],
    }));
    const [dx] = gradients(sum(outputs[0]!), [x]);
    expect(topologicalOrder([dx!]).filter((node) => node.op.name === "scan")).toHaveLength(2);
  });

  test("chunks divide the length where they can", () => {
    const shapes = (length: number) => {
      const wide = scan(
        { length, carries: [input("h", [9])], sequences: [input("x", [length])] },
        ([c], [e]) => ({
          carries: [tanh(add(c!, e!))],
          outputs: [],
        }),
      );
      const lengths = topologicalOrder(wide.carries).map(
        (node) => (node.attributes as ScanAttributes).length,
      );
      return lengths.filter((length) => length !== undefined);
    };
    expect(shapes(2048)).toEqual([64]);
    expect(shapes(53)).toEqual([6, 5]);
    expect(shapes(3)).toEqual([3]);
  });

  test("a constant is what was broadcast, not its copies", () => {
    const bias = input("bias", [2]);
    const { outputs } = scan({ length: 4, sequences: [input("x", [4, 3, 2])] }, (_, [e]) => ({
      carries: [],
      outputs: [add(e!, broadcastTo(reshape(bias, [1, 2]), [3, 2]))],
    }));
    expect(outputs[0]!.node.inputs[1]).toBe(bias);
  });

  test("counts its steps' operations", () => {
    const { outputs } = scan({ length: 7, sequences: [input("x", [7, 3])] }, (_, [e]) => ({
      carries: [],
      outputs: [tanh(e!)],
    }));
    const { node } = outputs[0]!;
    expect(node.op.flops(node)).toBe(7 * 3);
  });

  test("says what does not fit", () => {
    const x = input("x", [4, 2]);
    const h = input("h", [2]);
    const step = ([c]: readonly Tensor[], [e]: readonly Tensor[]) => ({
      carries: [add(c!, e!)],
      outputs: [],
    });
    expect(() => scan({ length: 5, carries: [h], sequences: [x] }, step)).toThrow(
      /sequence \[4,2\] of a scan of length 5/,
    );
    expect(() => scan({ length: 4, carries: [input("s", [])], sequences: [x] }, step)).toThrow(
      /carry 0 enters/,
    );
    expect(() => scan({ length: 4, carries: [h] }, () => ({ carries: [], outputs: [] }))).toThrow(
      /1 carries enter/,
    );
    expect(() => scan({ length: 0, carries: [h] }, ([c]) => ({ carries: [c!], outputs: [] }))).toThrow(
      /length 0/,
    );
    expect(() => evaluate([x], {})).toThrow(/no value for input "x"/);
  });
});
