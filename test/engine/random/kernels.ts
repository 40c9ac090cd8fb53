// Random ops that have a kernel of their own.
import {
  abs,
  add,
  attention,
  cast,
  cosine,
  cumulativeSum,
  dynamicSlice,
  dynamicUpdate,
  gather,
  iota,
  less,
  linearRecurrence,
  longConvolution,
  max,
  multiply,
  pad,
  randomBits,
  reshape,
  rotary,
  scatterAdd,
  select,
  shortConvolution,
  sigmoid,
  sine,
  slice,
  sort,
  subtract,
  swapLast,
  takeAlong,
  topK,
  triangularSolve,
  uniform,
} from "../../../src/tensor/index.ts";
import { type Apply, bounded, MOST_PAIRS, newLeaf, ofShape, quantized, threeAxes } from "./pool.ts";

export const kernel: Apply = (pool, x, choice) => {
  const kind = choice.below(14);
  if (x.shape.length === 0) return x;
  const width = x.shape.at(-1)!;
  switch (kind) {
    case 0: {
      const options = { descending: choice.below(2) === 0 };
      return choice.below(2) === 0
        ? sort(x, options).values
        : multiply(cast(sort(quantized(x), options).indices, "f32"), 0.1);
    }
    case 1: {
      const { values, indices } = topK(quantized(x), 1 + choice.below(Math.min(width, 5)));
      return [values, takeAlong(x, indices)];
    }
    case 2:
      return multiply(
        cumulativeSum(x, { exclusive: choice.below(2) === 0, reverse: choice.below(2) === 0 }),
        1 / Math.sqrt(width),
      );
    case 3: {
      const count = choice.of([1, 3, 8, 20]);
      const indices = cast(multiply(abs(bounded(newLeaf(pool, [count]))), x.shape[0]!), "i32");
      return gather(x, indices);
    }
    case 4: {
      const rows = choice.of([1, 2, 5, 9]);
      const indices = cast(multiply(bounded(newLeaf(pool, [x.shape[0]!])), rows), "i32");
      return multiply(scatterAdd(indices, x, rows), 0.5);
    }
    case 5: {
      const n = Math.min(width, 20);
      const lower = newLeaf(pool, [n, n]);
      const diagonal = select(
        less(abs(subtract(iota([n, n], 0, "f32"), iota([n, n], 1, "f32"))), 0.5),
        2,
        multiply(lower, 0.3),
      );
      const right = swapLast(slice(reshape(x, [-1, width]), { 1: [0, n] }));
      return triangularSolve(diagonal, right, {
        unit: choice.below(2) === 0,
        transpose: choice.below(2) === 0,
      });
    }
    case 6: {
      const three = choice.below(2) === 0 ? threeAxes(x, choice) : swapLast(threeAxes(x, choice));
      const [, t, d] = three.shape as [number, number, number];
      if (t * t * d > MOST_PAIRS) return x;
      const filter = ofShape(pool, choice, [t, d]);
      return multiply(longConvolution(three, filter), 1 / Math.sqrt(t));
    }
    case 7: {
      const three = threeAxes(x, choice);
      return shortConvolution(three, ofShape(pool, choice, [choice.of([1, 2, 3, 4, 7]), width]));
    }
    case 8: {
      const three = threeAxes(x, choice);
      const a = sigmoid(ofShape(pool, choice, three.shape));
      const initial = ofShape(pool, choice, [three.shape[0]!, width]);
      return linearRecurrence(a, three, initial, { reverse: choice.below(2) === 0 });
    }
    case 9: {
      const three = threeAxes(x, choice);
      const heads = choice.of([1, 2, 4].filter((h) => width % h === 0));
      const [batch, t] = three.shape as [number, number, number];
      if (batch * heads * t * t > MOST_PAIRS) return x;
      const q = reshape(three, [batch, t, heads, width / heads]);
      const other = () => ofShape(pool, choice, q.shape);
      const window = choice.below(3) === 0 ? { window: 3 } : {};
      const { out } = attention(q, other(), other(), { causal: choice.below(2) === 0, ...window });
      return reshape(out, three.shape);
    }
    case 10: {
      if (width % 2 !== 0) return x;
      const three = threeAxes(x, choice);
      const [batch, t] = three.shape as [number, number, number];
      const heads = choice.of([1, 2, 4].filter((h) => width % (2 * h) === 0));
      const q = reshape(three, [batch, t, heads, width / heads]);
      const table = ofShape(pool, choice, [t, width / heads / 2]);
      return rotary(q, cosine(table), sine(table));
    }
    case 11: {
      const start = cast(add(multiply(max(bounded(x)), 3), 0.0123), "i32");
      const size = 1 + choice.below(x.shape[0]!);
      return dynamicSlice(x, { 0: start }, { 0: size });
    }
    case 12: {
      const start = cast(add(multiply(max(bounded(x)), 3), 0.0123), "i32");
      const axis = choice.below(x.shape.length);
      const size = 1 + choice.below(x.shape[axis]!);
      const window = x.shape.map((s, i) => (i === axis ? size : s));
      return dynamicUpdate(x, ofShape(pool, choice, window), { [axis]: start });
    }
    default: {
      const key = cast(
        quantized(
          multiply(
            abs(
              slice(
                reshape(
                  pad(
                    x,
                    x.shape.map(() => 1),
                    x.shape.map(() => 1),
                  ),
                  [-1],
                ),
                { 0: [0, 2] },
              ),
            ),
            250,
          ),
        ),
        "u32",
      );
      return choice.below(2) === 0
        ? multiply(x, uniform(key, x.shape))
        : add(x, multiply(cast(randomBits(key, x.shape), "f32"), 2 ** -32));
    }
  }
};
