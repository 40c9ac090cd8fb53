// Scalar functions applied at every place: arithmetic, comparison, select, casts. A table row holds everything about
// one function; operands broadcast by NumPy's rule through explicit `broadcastTo` nodes.
import {
  apply,
  type DType,
  isFloat,
  type Node,
  type Op,
  type Shape,
  sameShape,
  sizeOf,
  type Tensor,
  type TensorType,
} from "../tensor.ts";
import { fill } from "./leaf.ts";
import { broadcastTo } from "./movement.ts";

export interface CastAttributes {
  readonly to: DType;
}
type Attributes = CastAttributes | undefined;
type Gradient = (node: Node<Attributes>, g: Tensor) => readonly (Tensor | undefined)[];

interface Row {
  readonly inputs: 1 | 2 | 3;
  /** Scalar float64 function; integers and bools arrive as numbers. */
  readonly f: (a: number, b: number, c: number, dtype: DType) => number;
  readonly result?: "bool";
  /** Not defined on integers and bools. */
  readonly realOnly?: true;
  readonly gradient?: Gradient;
  readonly flops?: number;
}

const a = (node: Node<Attributes>): Tensor => node.inputs[0]!;
const b = (node: Node<Attributes>): Tensor => node.inputs[1]!;
const y = (node: Node<Attributes>): Tensor => node.outputs[0]!;

/** Integer results wrap to 32 bits, as on every machine. */
function wrap(value: number, dtype: DType): number {
  if (dtype === "i32") return value | 0;
  return dtype === "u32" ? value >>> 0 : value;
}

const table = {
  negate: { inputs: 1, f: (x, _, __, t) => wrap(-x, t), gradient: (_, g) => [negate(g)] },
  abs: { inputs: 1, f: Math.abs, gradient: (n, g) => [multiply(g, sign(a(n)))] },
  sign: { inputs: 1, f: Math.sign, gradient: () => [undefined] },
  floor: { inputs: 1, f: Math.floor, gradient: () => [undefined] },
  round: { inputs: 1, f: roundHalfEven, gradient: () => [undefined] },
  exp: { inputs: 1, realOnly: true, f: Math.exp, gradient: (n, g) => [multiply(g, y(n))] },
  log: { inputs: 1, realOnly: true, f: Math.log, gradient: (n, g) => [divide(g, a(n))] },
  sqrt: { inputs: 1, realOnly: true, f: Math.sqrt, gradient: (n, g) => [divide(multiply(g, 0.5), y(n))] },
  reciprocal: {
    inputs: 1,
    realOnly: true,
    f: (x) => 1 / x,
    gradient: (n, g) => [negate(multiply(g, multiply(y(n), y(n))))],
  },
  sine: { inputs: 1, realOnly: true, f: Math.sin, gradient: (n, g) => [multiply(g, cosine(a(n)))] },
  cosine: { inputs: 1, realOnly: true, f: Math.cos, gradient: (n, g) => [negate(multiply(g, sine(a(n))))] },
  tanh: {
    inputs: 1,
    realOnly: true,
    f: Math.tanh,
    gradient: (n, g) => [multiply(g, subtract(1, multiply(y(n), y(n))))],
  },
  sigmoid: {
    inputs: 1,
    realOnly: true,
    f: (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))),
    gradient: (n, g) => [multiply(g, multiply(y(n), subtract(1, y(n))))],
  },
  erf: {
    inputs: 1,
    realOnly: true,
    f: errorFunction,
    gradient: (n, g) => [multiply(g, multiply(2 / Math.sqrt(Math.PI), exp(negate(multiply(a(n), a(n))))))],
  },
  not: { inputs: 1, f: (x) => (x === 0 ? 1 : 0), result: "bool", gradient: () => [undefined] },
  isFinite: {
    inputs: 1,
    f: (x) => (Number.isFinite(x) ? 1 : 0),
    result: "bool",
    gradient: () => [undefined],
  },
  add: { inputs: 2, f: (p, q, _, t) => wrap(p + q, t), gradient: (_, g) => [g, g] },
  subtract: { inputs: 2, f: (p, q, _, t) => wrap(p - q, t), gradient: (_, g) => [g, negate(g)] },
  multiply: {
    inputs: 2,
    f: (p, q, _, t) => (isFloat(t) ? p * q : wrap(Math.imul(p, q), t)),
    gradient: (n, g) => [multiply(g, b(n)), multiply(g, a(n))],
  },
  divide: {
    inputs: 2,
    realOnly: true,
    f: (p, q) => p / q,
    gradient: (n, g) => [divide(g, b(n)), negate(divide(multiply(g, y(n)), b(n)))],
  },
  power: {
    inputs: 2,
    realOnly: true,
    f: Math.pow,
    gradient: (n, g) => [
      multiply(g, multiply(b(n), power(a(n), subtract(b(n), 1)))),
      multiply(g, multiply(y(n), log(a(n)))),
    ],
  },
  maximum: {
    inputs: 2,
    f: (p, q) => Math.max(p, q),
    gradient: (n, g) => [select(less(a(n), b(n)), 0, g), select(less(a(n), b(n)), g, 0)],
  },
  minimum: {
    inputs: 2,
    f: (p, q) => Math.min(p, q),
    gradient: (n, g) => [select(less(b(n), a(n)), 0, g), select(less(b(n), a(n)), g, 0)],
  },
  equal: {
    inputs: 2,
    f: (p, q) => (p === q ? 1 : 0),
    result: "bool",
    gradient: () => [undefined, undefined],
  },
  notEqual: {
    inputs: 2,
    f: (p, q) => (p !== q ? 1 : 0),
    result: "bool",
    gradient: () => [undefined, undefined],
  },
  less: { inputs: 2, f: (p, q) => (p < q ? 1 : 0), result: "bool", gradient: () => [undefined, undefined] },
  lessEqual: {
    inputs: 2,
    f: (p, q) => (p <= q ? 1 : 0),
    result: "bool",
    gradient: () => [undefined, undefined],
  },
  and: { inputs: 2, f: (p, q, _, t) => wrap(p & q, t), gradient: () => [undefined, undefined] },
  or: { inputs: 2, f: (p, q, _, t) => wrap(p | q, t), gradient: () => [undefined, undefined] },
  xor: { inputs: 2, f: (p, q, _, t) => wrap(p ^ q, t), gradient: () => [undefined, undefined] },
  shiftLeft: { inputs: 2, f: (p, q, _, t) => wrap(p << q, t), gradient: () => [undefined, undefined] },
  shiftRight: {
    inputs: 2,
    f: (p, q, _, t) => (t === "u32" ? (p >>> q) >>> 0 : p >> q),
    gradient: () => [undefined, undefined],
  },
  select: {
    inputs: 3,
    f: (p, q, r) => (p !== 0 ? q : r),
    gradient: (n, g) => [undefined, select(a(n), g, 0), select(a(n), 0, g)],
  },
} satisfies Record<string, Row>;

/** Names of the scalar functions; a backend implements each under this name. */
export type ElementwiseName = keyof typeof table | "cast" | "stopGradient";

function inferElementwise(name: string, row: Row): Op["infer"] {
  return (inputs: readonly TensorType[]) => {
    const values = name === "select" ? inputs.slice(1) : inputs;
    for (const type of inputs) {
      if (!sameShape(type.shape, inputs[0]!.shape)) {
        throw new RangeError(`${name}: shapes ${inputs.map((i) => `[${i.shape}]`).join(" and ")} differ`);
      }
    }
    for (const type of values) {
      if (type.dtype !== values[0]!.dtype) {
        throw new RangeError(`${name}: dtypes ${values.map((i) => i.dtype).join(" and ")} differ`);
      }
    }
    if (row.realOnly && !isFloat(values[0]!.dtype)) {
      throw new RangeError(`${name} of ${values[0]!.dtype}; expected a float, cast it`);
    }
    return [{ shape: inputs[0]!.shape, dtype: row.result ?? values[0]!.dtype }];
  };
}

function defineOp(name: string, row: Row): Op<Attributes> {
  return {
    name,
    lowering: "elementwise",
    infer: inferElementwise(name, row),
    evaluate: (inputs, _, outputs) => {
      const data = new Float64Array(sizeOf(outputs[0]!.shape));
      const [p, q, r] = inputs.map((array) => array.data);
      const dtype = outputs[0]!.dtype;
      for (let i = 0; i < data.length; i++) data[i] = row.f(p![i]!, q?.[i] ?? 0, r?.[i] ?? 0, dtype);
      return [{ shape: outputs[0]!.shape, data }];
    },
    gradient: (node, [g]) => {
      if (g === undefined || row.gradient === undefined || !isFloat(y(node).dtype))
        return node.inputs.map(() => undefined);
      return row.gradient(node, g);
    },
    flops: (node) => sizeOf(y(node).shape) * (row.flops ?? 1),
  };
}

// Integer `and`/`or`/`xor` on u32 need their operands' bits, so shiftRight reads the dtype of its result (= operand).
const ops = Object.fromEntries(
  Object.entries(table).map(([name, row]) => [name, defineOp(name, row)]),
) as Record<keyof typeof table, Op<Attributes>>;

const castOp: Op<CastAttributes> = {
  name: "cast",
  lowering: "elementwise",
  infer: ([from], { to }) => [{ shape: from!.shape, dtype: to }],
  evaluate: ([from], { to }) => [
    { shape: from!.shape, data: from!.data.map((value) => castValue(value, to)) },
  ],
  gradient: (node, [g]) => [
    g !== undefined && isFloat(node.inputs[0]!.dtype) && isFloat(node.attributes.to)
      ? cast(g, node.inputs[0]!.dtype)
      : undefined,
  ],
  flops: () => 0,
};

const stopGradientOp: Op<undefined> = {
  name: "stopGradient",
  lowering: "elementwise",
  infer: ([from]) => [from!],
  evaluate: ([from]) => [from!],
  gradient: () => [undefined],
  flops: () => 0,
};

/** What a number becomes in another dtype. f32 is left as it is: the reference carries float64. */
export function castValue(value: number, to: DType): number {
  switch (to) {
    case "f32":
      return value;
    case "i32":
      return Math.trunc(value) | 0;
    case "u32":
      return Math.trunc(value) >>> 0;
    case "bool":
      return value !== 0 ? 1 : 0;
    case "f16":
      return roundToHalf(value);
    case "bf16":
      return roundToBfloat(value);
  }
}

const f32View = new Float32Array(1);
const u32View = new Uint32Array(f32View.buffer);

/** Nearest bfloat16, ties to even. */
function roundToBfloat(value: number): number {
  f32View[0] = value;
  if (Number.isNaN(value)) return value;
  const bits = u32View[0]!;
  u32View[0] = (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000;
  return f32View[0]!;
}

/** Nearest IEEE half, ties to even, with subnormals and overflow to infinity. */
function roundToHalf(value: number): number {
  const magnitude = Math.abs(Math.fround(value));
  if (!(magnitude > 0) || magnitude === Number.POSITIVE_INFINITY) return value;
  const exponent = Math.max(Math.floor(Math.log2(magnitude)), -14);
  const quantum = 2 ** (exponent - 10);
  const rounded = roundHalfEven(magnitude / quantum) * quantum;
  return Math.sign(value) * (rounded > 65504 ? Number.POSITIVE_INFINITY : rounded);
}

/** Nearest integer, ties to even. */
function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

/** erf to float64 accuracy: Maclaurin series near 0, continued fraction of erfc beyond (Abramowitz & Stegun 7.1.6, 7.1.14). */
function errorFunction(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 2.5) {
    let term = z;
    let total = z;
    for (let n = 1; n < 100 && Math.abs(term) > 1e-18 * Math.abs(total); n++) {
      term *= (2 * z * z) / (2 * n + 1);
      total += term;
    }
    return Math.sign(x) * ((2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * total);
  }
  let fraction = 0;
  for (let n = 80; n >= 1; n--) fraction = n / 2 / (z + fraction);
  return Math.sign(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction));
}

/** The common shape of operands under NumPy broadcasting. */
export function broadcastShapes(what: string, shapes: readonly Shape[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    shape.forEach((size, i) => {
      const axis = rank - shape.length + i;
      if (size === 1 || size === result[axis]) return;
      if (result[axis] !== 1) {
        throw new RangeError(`${what}: shapes ${shapes.map((s) => `[${s}]`).join(" and ")} do not broadcast`);
      }
      result[axis] = size;
    });
  }
  return result;
}

/** A tensor or a number, which becomes a constant of the other operands' dtype. */
export type Operand = Tensor | number;

function isTensor(operand: Operand): operand is Tensor {
  return typeof operand !== "number";
}

function applyElementwise(name: keyof typeof table, operands: readonly Operand[]): Tensor {
  const shape = broadcastShapes(
    name,
    operands.filter(isTensor).map((tensor) => tensor.shape),
  );
  const values = name === "select" ? operands.slice(1) : operands;
  const dtype = values.find(isTensor)?.dtype ?? "f32";
  const tensors = operands.map((operand) =>
    isTensor(operand) ? broadcastTo(operand, shape) : fill(operand, shape, dtype),
  );
  return apply(ops[name], tensors, undefined);
}

/** -x. */
export const negate = (x: Operand): Tensor => applyElementwise("negate", [x]);
/** |x|. */
export const abs = (x: Operand): Tensor => applyElementwise("abs", [x]);
/** -1, 0 or 1. */
export const sign = (x: Operand): Tensor => applyElementwise("sign", [x]);
/** Largest whole number that is not above x. */
export const floor = (x: Operand): Tensor => applyElementwise("floor", [x]);
/** Nearest integer, ties to even. */
export const round = (x: Operand): Tensor => applyElementwise("round", [x]);
/** eˣ. */
export const exp = (x: Operand): Tensor => applyElementwise("exp", [x]);
/** Natural logarithm. */
export const log = (x: Operand): Tensor => applyElementwise("log", [x]);
/** √x. */
export const sqrt = (x: Operand): Tensor => applyElementwise("sqrt", [x]);
/** 1 / x. */
export const reciprocal = (x: Operand): Tensor => applyElementwise("reciprocal", [x]);
/** sin x, in radians. */
export const sine = (x: Operand): Tensor => applyElementwise("sine", [x]);
/** cos x, in radians. */
export const cosine = (x: Operand): Tensor => applyElementwise("cosine", [x]);
/** Hyperbolic tangent. */
export const tanh = (x: Operand): Tensor => applyElementwise("tanh", [x]);
/** 1 / (1 + e⁻ˣ). */
export const sigmoid = (x: Operand): Tensor => applyElementwise("sigmoid", [x]);
/** Error function, 2/√π · ∫₀ˣ e^(-t²) dt. */
export const erf = (x: Operand): Tensor => applyElementwise("erf", [x]);
/** Negation of a bool. */
export const not = (x: Operand): Tensor => applyElementwise("not", [x]);
/** Bool: neither infinite nor NaN. */
export const isFiniteAt = (x: Operand): Tensor => applyElementwise("isFinite", [x]);
/** p + q. */
export const add = (p: Operand, q: Operand): Tensor => applyElementwise("add", [p, q]);
/** p - q. */
export const subtract = (p: Operand, q: Operand): Tensor => applyElementwise("subtract", [p, q]);
/** p · q, element by element. */
export const multiply = (p: Operand, q: Operand): Tensor => applyElementwise("multiply", [p, q]);
/** p / q, element by element; floats only. */
export const divide = (p: Operand, q: Operand): Tensor => applyElementwise("divide", [p, q]);
/** p to the power q. */
export const power = (p: Operand, q: Operand): Tensor => applyElementwise("power", [p, q]);
/** The larger of p and q. */
export const maximum = (p: Operand, q: Operand): Tensor => applyElementwise("maximum", [p, q]);
/** The smaller of p and q. */
export const minimum = (p: Operand, q: Operand): Tensor => applyElementwise("minimum", [p, q]);
/** Bool: p = q. */
export const equal = (p: Operand, q: Operand): Tensor => applyElementwise("equal", [p, q]);
/** Bool: p ≠ q. */
export const notEqual = (p: Operand, q: Operand): Tensor => applyElementwise("notEqual", [p, q]);
/** Bool: p < q. */
export const less = (p: Operand, q: Operand): Tensor => applyElementwise("less", [p, q]);
/** Bool: p ≤ q. */
export const lessEqual = (p: Operand, q: Operand): Tensor => applyElementwise("lessEqual", [p, q]);
/** Bool: p > q. */
export const greater = (p: Operand, q: Operand): Tensor => less(q, p);
/** Bool: p ≥ q. */
export const greaterEqual = (p: Operand, q: Operand): Tensor => lessEqual(q, p);
/** Bitwise and; of bools, logical. */
export const and = (p: Operand, q: Operand): Tensor => applyElementwise("and", [p, q]);
/** Bitwise or; of bools, logical. */
export const or = (p: Operand, q: Operand): Tensor => applyElementwise("or", [p, q]);
/** Bitwise exclusive or; of bools, logical. */
export const xor = (p: Operand, q: Operand): Tensor => applyElementwise("xor", [p, q]);
/** p · 2^q by bits. */
export const shiftLeft = (p: Operand, q: Operand): Tensor => applyElementwise("shiftLeft", [p, q]);
/** p moved down by q bits: zeros come in for u32, the sign for i32. */
export const shiftRight = (p: Operand, q: Operand): Tensor => applyElementwise("shiftRight", [p, q]);
/** `p` where the bool `condition` holds, else `q`. */
export const select = (condition: Tensor, p: Operand, q: Operand): Tensor =>
  applyElementwise("select", [condition, p, q]);
/** x². */
export const square = (x: Tensor): Tensor => multiply(x, x);

/** Another dtype; to f16 and bf16 with rounding to nearest even, to integers by truncation. */
export function cast(x: Tensor, to: DType): Tensor {
  return x.dtype === to ? x : apply(castOp, [x], { to });
}

/** The same values, through which no gradient flows. */
export function stopGradient(x: Tensor): Tensor {
  return apply(stopGradientOp, [x], undefined);
}
