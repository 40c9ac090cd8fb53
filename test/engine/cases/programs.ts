// Whole programs: what is delivered and how, states and their updates, in what order memory is read and overwritten.
import {
  add,
  attention,
  broadcastTo,
  cast,
  concatenate,
  cumulativeSum,
  divide,
  dynamicSlice,
  dynamicUpdate,
  fill,
  flip,
  gather,
  gradients,
  groupedOuter,
  groupedProduct,
  input,
  iota,
  layerNorm,
  less,
  linear,
  linearRecurrence,
  literal,
  matmul,
  max,
  mean,
  multiply,
  type Program,
  pad,
  program,
  randomBits,
  reshape,
  scan,
  scatterAdd,
  select,
  sigmoid,
  slice,
  softmax,
  sort,
  sqrt,
  square,
  subtract,
  sum,
  swapLast,
  type Tensor,
  tanh,
  transpose,
  triangularSolve,
} from "../../../src/tensor/index.ts";
import { value } from "../../tensor/harness.ts";
import type { Values } from "../harness.ts";

export interface ProgramCase {
  readonly name: string;
  readonly make: () => Program;
  readonly values?: Values;
}

const named = (name: string, make: () => Program, values: Values = {}): ProgramCase => ({
  name,
  make,
  values,
});
const x = (shape: readonly number[] = [37, 5]): Tensor => input("x", shape);

const delivery: readonly ProgramCase[] = [
  named("an input as an output", () => program({ y: x() })),
  named("views of an input", () =>
    program({
      t: transpose(x()),
      s: slice(x(), { 0: [3, 30, 2] }),
      f: flip(x(), [0, 1]),
      r: reshape(x(), [5, 37]),
      b: broadcastTo(slice(x(), { 0: [1, 2] }), [4, 5]),
    }),
  ),
  named("views of something computed", () => {
    const y = tanh(x());
    return program({
      y,
      t: transpose(y),
      s: slice(y, { 0: [3, 30, 2] }),
      f: flip(y, [1]),
      r: reshape(y, [5, 37]),
    });
  }),
  named("one tensor under three names", () => {
    const y = softmax(x());
    return program({ a: y, b: y, c: reshape(y, [185]) });
  }),
  named("one input under two names", () => program({ a: x(), b: x() })),
  named("constants", () =>
    program({
      f: fill(0.5, [3, 4]),
      i: iota([5, 7], 1),
      l: literal([1, 2, 3], [3]),
      s: fill(2),
      t: transpose(literal([1, 2, 3, 4, 5, 6], [2, 3])),
    }),
  ),
  named("scalars", () => {
    const [a, b] = [input("a", []), input("b", [])];
    return program({
      sum: add(a, b),
      product: multiply(a, tanh(b)),
      all: sum(multiply(a, fill(1, [4]))),
      same: a,
    });
  }),
  named("a product as an output and as an operand", () => {
    const product = matmul(x([40, 16]), input("w", [16, 24]));
    return program({ product, next: matmul(tanh(product), input("v", [24, 8])), t: swapLast(product) });
  }),
  named("parts that become one output", () => {
    const y = tanh(x([32, 6]));
    return program({
      y: concatenate([y, multiply(y, 2), slice(x([32, 6]), { 0: [0, 7] })], 0),
      p: pad(y, [1, 2], [3, 0], 7),
    });
  }),
  named("a sort's results and no others", () =>
    program({ i: sort(x()).indices, v: sort(multiply(x(), -1)).values }),
  ),
];

const empty: readonly ProgramCase[] = [
  named("no elements", () => {
    const none = x([0, 5]);
    return program({
      y: tanh(add(none, 1)),
      t: transpose(none),
      s: sum(none),
      c: concatenate([none, input("z", [3, 5])], 0),
    });
  }),
  named("sums over nothing", () => {
    const none = x([4, 0]);
    return program({
      rows: sum(none, [1]),
      columns: sum(none, [0]),
      all: sum(none),
      product: matmul(none, input("w", [0, 3])),
    });
  }),
  named("kernels that get nothing", () => {
    const [none, indices] = [input("z", [0, 4]), input("i", [0], "i32")];
    const [q, k] = [input("q", [2, 3, 1, 4]), input("k", [2, 0, 1, 4])];
    return program({
      rows: gather(none, literal([0, 1, -1], [3], "i32")),
      nobody: gather(x(), indices),
      totals: scatterAdd(indices, none, 5),
      values: sort(none).values,
      running: cumulativeSum(none),
      ...attention(q, k, k),
      outer: groupedOuter(none, none, literal([0, 0, 0], [3], "i32")),
      grouped: groupedProduct(none, input("w", [2, 4, 3]), literal([0, 0, 0], [3], "i32")),
    });
  }),
  named("an empty slice in the middle", () => {
    const none = slice(tanh(x()), { 0: [5, 5] });
    return program({ none, all: concatenate([none, x()], 0), padded: pad(none, [2, 0], [1, 0], 3) });
  }),
  named("an empty state", () => program({}, { s: multiply(input("s", [0, 3]), 2) })),
];

const s = (name: string, shape: readonly number[] = [40, 8]): Tensor => input(name, shape);

const states: readonly ProgramCase[] = [
  named("a state overwritten in place", () => program({}, { a: add(multiply(s("a"), 0.5), 1) })),
  named("a new state that no input names", () => program({}, { fresh: tanh(s("a")) })),
  named("two states that change places", () => program({}, { a: s("b"), b: s("a") })),
  named("three states that rotate, one of them changed", () =>
    program({}, { a: s("b"), b: tanh(s("c")), c: s("a") }),
  ),
  named("two states, each made of the other", () =>
    program({}, { a: add(multiply(s("a"), 0.5), s("b")), b: subtract(s("a"), multiply(s("b"), 0.25)) }),
  ),
  named("a state that stays as it is", () => program({ y: tanh(s("a")) }, { a: s("a") })),
  named("the old value read after the update is known", () => {
    const next = tanh(multiply(s("a"), 2));
    return program(
      { old: sum(s("a")), change: subtract(next, s("a")), both: matmul(swapLast(s("a")), next) },
      { a: next },
    );
  }),
  named("the old value as an output", () =>
    program({ old: s("a"), t: transpose(s("a")) }, { a: multiply(s("a"), 2) }),
  ),
  named("one value for two states and an output", () => {
    const next = softmax(s("a"));
    return program({ y: next }, { a: next, b: next });
  }),
  named("a shifted state", () =>
    program({}, { a: concatenate([slice(s("a"), { 0: [1, 40] }), slice(s("b"), { 0: [0, 1] })], 0) }),
  ),
  named("a state plus its neighbour", () =>
    program({}, { a: add(s("a"), concatenate([slice(s("a"), { 0: [1, 40] }), fill(0, [1, 8])], 0)) }),
  ),
  named("a state plus itself the other way round", () =>
    program({}, { a: add(multiply(s("a"), 0.5), flip(s("a"), [0])) }),
  ),
  named("a transposed square state", () =>
    program({}, { a: transpose(s("a", [24, 24])), b: add(s("b", [24, 24]), transpose(s("b", [24, 24]))) }),
  ),
  named("a state normalised by its own rows and by all of it", () =>
    program(
      {},
      {
        a: layerNorm(s("a")),
        b: multiply(s("b"), multiply(fill(1), max(s("b")))),
        c: subtract(s("c"), broadcastTo(mean(s("c"), [0], true), [40, 8])),
      },
    ),
  ),
  named("a state times itself", () =>
    program({}, { a: multiply(matmul(s("a", [32, 32]), s("a", [32, 32])), 0.1) }),
  ),
  named("a state added to a product of itself", () =>
    program(
      {},
      {
        a: add(s("a", [32, 32]), multiply(matmul(s("a", [32, 32]), s("w", [32, 32])), 0.1)),
        b: add(s("b", [32, 32]), matmul(s("w", [32, 32]), s("a", [32, 32]))),
      },
    ),
  ),
  named("a product added to its transposed addend", () =>
    program({}, { a: add(swapLast(s("a", [32, 32])), matmul(s("w", [32, 16]), s("v", [16, 32]))) }),
  ),
  named("reshaped and sliced views of the old value beside the update", () => {
    const next = add(s("a"), 1);
    return program(
      {
        first: slice(s("a"), { 0: [0, 3] }),
        flat: tanh(reshape(s("a"), [320])),
        last: gather(s("a"), literal([39, 0, 7], [3], "i32")),
      },
      { a: next },
    );
  }),
  named("a counter and a key", () =>
    program(
      { bits: randomBits(input("key", [2], "u32"), [33]) },
      {
        step: add(input("step", [], "i32"), 1),
        key: add(input("key", [2], "u32"), 1),
      },
    ),
  ),
  named("states of every dtype", () =>
    program(
      {},
      {
        h: cast(multiply(cast(input("h", [33], "f16"), "f32"), 0.5), "f16"),
        b: cast(add(cast(input("b", [33], "bf16"), "f32"), 1), "bf16"),
        i: multiply(input("i", [33], "i32"), 3),
        m: less(cast(input("m", [33], "bool"), "f32"), 0.5),
      },
    ),
  ),
  named("updates chosen by a flag", () => {
    const fine = less(sum(square(s("a"))), 1e9);
    const keep = (name: string, next: Tensor) => select(broadcastTo(fine, [40, 8]), next, s(name));
    return program({ fine }, { a: keep("a", add(s("a"), 1)), b: keep("b", multiply(s("a"), s("b"))) });
  }),
];

const at = { at: value([3], [], "i32") };
const windows: readonly ProgramCase[] = [
  named(
    "a cache written at a run-time place, then read",
    () => {
      const start = input("at", [], "i32");
      const cache = dynamicUpdate(s("cache", [2, 16, 8]), s("new", [2, 1, 8]), { 1: start });
      return program(
        { y: sum(cache, [1]), w: dynamicSlice(cache, { 1: start }, { 1: 4 }) },
        { cache, at: add(start, 1) },
      );
    },
    at,
  ),
  named(
    "a cache whose old value is also read",
    () => {
      const start = input("at", [], "i32");
      const cache = dynamicUpdate(s("cache", [16, 8]), multiply(s("new", [2, 8]), 2), { 0: start });
      return program(
        {
          old: sum(s("cache", [16, 8]), [0]),
          window: dynamicSlice(s("cache", [16, 8]), { 0: start }, { 0: 2 }),
        },
        { cache },
      );
    },
    at,
  ),
  named(
    "a cache written with what was read from it",
    () => {
      const start = input("at", [], "i32");
      const old = dynamicSlice(s("cache", [16, 8]), { 0: start }, { 0: 3 });
      return program(
        { old },
        { cache: dynamicUpdate(s("cache", [16, 8]), add(flip(old, [0]), 1), { 0: add(start, 1) }) },
      );
    },
    at,
  ),
  named(
    "two windows written one after the other",
    () => {
      const start = input("at", [], "i32");
      const first = dynamicUpdate(s("cache", [16, 8]), s("new", [2, 8]), { 0: start });
      return program(
        { first: tanh(first) },
        { cache: dynamicUpdate(first, s("other", [16, 1]), { 1: start }) },
      );
    },
    at,
  ),
  named(
    "a decoding step",
    () => {
      const start = input("at", [], "i32");
      const q = reshape(linear(s("x", [2, 1, 12]), s("wq", [12, 12])), [2, 1, 4, 3]);
      const kv = (name: string) => reshape(linear(s("x", [2, 1, 12]), s(name, [12, 6])), [2, 1, 2, 3]);
      const keys = dynamicUpdate(s("keys", [2, 16, 2, 3]), kv("wk"), { 1: start });
      const values = dynamicUpdate(s("values", [2, 16, 2, 3]), kv("wv"), { 1: start });
      const { out } = attention(q, keys, values, { causal: true, offset: start });
      return program({ out }, { keys, values, at: add(start, 1) });
    },
    at,
  ),
];

/** A parameter and two states of an optimiser, each of which reads and overwrites itself. */
function optimized(name: string, shape: readonly number[], gradient: Tensor): Record<string, Tensor> {
  const parameter = s(name, shape);
  const first = add(multiply(s(`${name}.m`, shape), 0.9), multiply(gradient, 0.1));
  const second = add(multiply(s(`${name}.v`, shape), 0.99), multiply(square(gradient), 0.01));
  const step = multiply(
    input("rate", []),
    add(broadcastTo(multiply(first, 1), shape), multiply(parameter, 0.1)),
  );
  const scaled = multiply(step, sqrt(add(square(second), 1)));
  return { [name]: subtract(parameter, scaled), [`${name}.m`]: first, [`${name}.v`]: second };
}

const training: readonly ProgramCase[] = [
  named("a training step", () => {
    const [w, v, g] = [s("w", [6, 32]), s("v", [32, 3]), s("g", [6])];
    const hidden = tanh(linear(layerNorm(x([50, 6]), g, undefined, 0.1), w));
    const loss = mean(square(subtract(linear(hidden, v), s("y", [50, 3]))));
    const [dw, dv, dg] = gradients(loss, [w, v, g]) as [Tensor, Tensor, Tensor];
    return program(
      { loss },
      { ...optimized("w", [6, 32], dw), ...optimized("v", [32, 3], dv), ...optimized("g", [6], dg) },
    );
  }),
  named("a recurrent state through a loop", () => {
    const w = s("w", [8, 8]);
    const { carries, outputs } = scan(
      { length: 6, carries: [s("h", [4, 8])], sequences: [x([6, 4, 8])] },
      ([h], [e]) => {
        const next = tanh(add(matmul(h!, w), e!));
        return { carries: [next], outputs: [next] };
      },
    );
    const [dw] = gradients(mean(square(outputs[0]!)), [w]) as [Tensor];
    return program(
      { y: outputs[0]! },
      { h: carries[0]!, w: subtract(w, multiply(dw, 0.1)), x: multiply(x([6, 4, 8]), 0.5) },
    );
  }),
  named("states that a loop reads and an update overwrites", () => {
    const { carries, outputs } = scan(
      { length: 5, carries: [s("a", [7])], sequences: [s("b", [5, 7])] },
      ([h], [e]) => ({
        carries: [add(multiply(h!, 0.5), s("c", [7]))],
        outputs: [multiply(h!, e!)],
      }),
    );
    return program(
      { last: carries[0]! },
      { a: s("c", [7]), b: outputs[0]!, c: add(s("c", [7]), carries[0]!) },
    );
  }),
  named("counts, running totals and rows by index into states", () => {
    const indices = input("indices", [9], "i32");
    const counts = scatterAdd(indices, fill(1, [9]), 12);
    return program(
      { totals: cumulativeSum(counts) },
      {
        table: add(
          s("table", [12, 5]),
          multiply(scatterAdd(indices, gather(s("table", [12, 5]), indices), 12), 0.1),
        ),
      },
    );
  }),
];

/** Programs that once went wrong. */
const regressions: readonly ProgramCase[] = [
  named("a value per outer and inner index, read by rows of another cut", () => {
    const divisor = add(square(input("d", [48, 1, 5])), 0.3);
    return program({ y: tanh(divide(x([48, 7, 5]), divisor)) });
  }),
  named("the right side of a product made in the same rows as the left", () => {
    const right = tanh(multiply(s("a", [64, 64]), 2));
    return program({ y: matmul(tanh(s("b", [64, 64])), right), z: matmul(right, right) });
  }),
  named("random numbers whose key is computed, beside sums of rows", () => {
    const key = cast(multiply(square(slice(s("k", [9]), { 0: [1, 3] })), 100), "u32");
    return program({ y: sum(multiply(s("a", [33]), cast(randomBits(key, [33]), "f32"))) });
  }),
  named("the last carry of a loop read by what is made before its steps' gradients", () => {
    const [h0, c, sequence] = [s("h", [3]), s("c", [3]), x([7, 3])];
    const { carries } = scan(
      { length: 7, carries: [h0], sequences: [sequence], reverse: true },
      ([h], [e]) => ({
        carries: [tanh(add(multiply(h!, 0.8), multiply(e!, c)))],
        outputs: [],
      }),
    );
    const y = multiply(tanh(c), carries[0]!);
    const [dc, dh] = gradients(mean(y), [c, h0]) as [Tensor, Tensor];
    return program(
      { y, dc },
      { h: subtract(h0, multiply(dh, 0.1)), x: add(multiply(sequence, 0.5), mean(c)) },
    );
  }),
  named("a normalised value made again for a product, in a group without rows of its own", () => {
    const [value, w] = [add(multiply(x([20, 6]), 0.75), 0.125), s("w", [6, 18])];
    const hidden = tanh(linear(tanh(linear(layerNorm(value), w)), s("v", [18, 18])));
    const mixed = tanh(linear(hidden, s("u", [18, 6])));
    const [dw, dx] = gradients(mean(square(add(value, mixed))), [w, value]) as [Tensor, Tensor];
    return program({ y: add(value, mixed), dw, dx });
  }),
  named("many axes that no strides join", () => {
    const many = x([2, 3, 2, 3, 2, 3, 2, 3]);
    const batched = transpose(
      reshape(s("b", [256, 3, 4]), [2, 2, 2, 2, 2, 2, 2, 2, 3, 4]),
      [7, 6, 5, 4, 3, 2, 1, 0, 9, 8],
    );
    return program({
      t: transpose(many),
      y: tanh(transpose(many)),
      total: sum(many, [1, 3, 5, 7]),
      product: matmul(batched, s("c", [2, 2, 2, 2, 2, 2, 2, 2, 3, 4])),
    });
  }),
  named("a gradient through loops in loops in loops", () => {
    const nest = (depth: number, h: Tensor): Tensor =>
      depth === 0
        ? tanh(multiply(h, 0.9))
        : scan({ length: 4, carries: [h] }, ([c]) => ({ carries: [nest(depth - 1, c!)], outputs: [] }))
            .carries[0]!;
    const h = s("h", [3]);
    return program({ g: gradients(sum(nest(3, h)), [h])[0]! });
  }),
  named("two losses, whose gradients wait for the same values to be made again", () => {
    const [right, matrix] = [s("v", [13]), s("w", [13, 13])];
    const solved = triangularSolve(matrix, reshape(right, [13, 1]), { unit: true, transpose: true });
    const normal = add(solved, divide(solved, sqrt(add(square(solved), 0.01))));
    const product = reshape(matmul(normal, swapLast(solved)), [1, 13, 13]);
    const h = linearRecurrence(sigmoid(product), product, reshape(normal, [1, 13]));
    const [dw] = gradients(mean(h), [matrix]) as [Tensor];
    const [dv] = gradients(add(mean(square(tanh(h))), mean(h)), [right]) as [Tensor];
    return program({}, { w: subtract(matrix, multiply(dw, 0.01)), v: subtract(right, multiply(dv, 0.01)) });
  }),
];

export const programCases: readonly ProgramCase[] = [
  ...delivery,
  ...empty,
  ...states,
  ...windows,
  ...training,
  ...regressions,
];
