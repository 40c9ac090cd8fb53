// Every scalar function a group has, by its definition in float64 and 32-bit integers.
import { castValue } from "../../src/tensor/ops/elementwise.ts";
import type { Function_, Kind } from "./group_case.ts";

/** erf by a series of positive terms, and by the continued fraction of erfc beyond (Abramowitz & Stegun 7.1.6, 7.1.14). */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (Number.isNaN(x) || z > 6) return Number.isNaN(x) ? x : Math.sign(x);
  if (z >= 2.5) {
    let fraction = z;
    for (let n = 60; n > 0; n--) fraction = z + n / 2 / fraction;
    return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * fraction));
  }
  let term = x;
  let total = x;
  for (let n = 1; n < 100; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

export const sigmoid = (x: number): number =>
  x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));

export function roundHalfEven(x: number): number {
  const nearest = Math.round(x);
  return Math.abs(x - Math.trunc(x)) === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}

type Row = readonly [
  code: Function_["code"],
  operands: readonly Kind[],
  result: Kind,
  f: Function_["f"],
  more?: Pick<Function_, "range" | "ulps">,
];

const real1: readonly Kind[] = ["real"];
const real2: readonly Kind[] = ["real", "real"];
const int1: readonly Kind[] = ["int"];
const int2: readonly Kind[] = ["int", "int"];
const uint1: readonly Kind[] = ["uint"];
const uint2: readonly Kind[] = ["uint", "uint"];
const rounded = { ulps: 1 };
const approximate = { ulps: 6 };
const yes = (condition: boolean): number => (condition ? 1 : 0);
const whole: Pick<Function_, "range"> = { range: [-1e10, 1e10] };

const rows: readonly Row[] = [
  ["NEGATE", real1, "real", (a) => -a!],
  ["ABS", real1, "real", (a) => Math.abs(a!)],
  ["SIGN", real1, "real", (a) => Math.sign(a!)],
  ["FLOOR", real1, "real", (a) => Math.floor(a!)],
  ["ROUND", real1, "real", (a) => roundHalfEven(a!)],
  ["EXP", real1, "real", (a) => Math.exp(a!), { range: [-20, 10], ...approximate }],
  ["LOG", real1, "real", (a) => Math.log(a!), { range: [1e-3, 60], ...approximate }],
  ["SQRT", real1, "real", (a) => Math.sqrt(a!), { range: [0, 60], ...rounded }],
  ["RECIPROCAL", real1, "real", (a) => 1 / a!, { range: [0.1, 60], ...rounded }],
  ["SINE", real1, "real", (a) => ({ value: Math.sin(a!), scale: 1 }), approximate],
  ["COSINE", real1, "real", (a) => ({ value: Math.cos(a!), scale: 1 }), approximate],
  ["TANH", real1, "real", (a) => Math.tanh(a!), approximate],
  ["SIGMOID", real1, "real", (a) => sigmoid(a!), approximate],
  ["ERF", real1, "real", (a) => erf(a!), approximate],
  ["IS_FINITE", real1, "bool", (a) => yes(Number.isFinite(a!)), { range: [0, Number.POSITIVE_INFINITY] }],
  ["ADD", real2, "real", (a, b) => a! + b!, rounded],
  ["SUBTRACT", real2, "real", (a, b) => a! - b!, rounded],
  ["MULTIPLY", real2, "real", (a, b) => a! * b!, rounded],
  ["DIVIDE", real2, "real", (a, b) => a! / b!, { range: [0.25, 9], ...rounded }],
  ["POWER", real2, "real", (a, b) => a! ** b!, { range: [0.5, 5], ...approximate }],
  ["MAXIMUM", real2, "real", (a, b) => Math.max(a!, b!)],
  ["MINIMUM", real2, "real", (a, b) => Math.min(a!, b!)],
  ["EQUAL", real2, "bool", (a, b) => yes(a === b), { range: [-1, 1] }],
  ["NOT_EQUAL", real2, "bool", (a, b) => yes(a !== b), { range: [-1, 1] }],
  ["LESS", real2, "bool", (a, b) => yes(a! < b!)],
  ["LESS_EQUAL", real2, "bool", (a, b) => yes(a! <= b!)],
  [
    "MULTIPLY_ADD",
    ["real", "real", "real"],
    "real",
    (a, b, c) => ({ value: a! * b! + c!, scale: Math.abs(a! * b!) + Math.abs(c!) }),
    { ulps: 2 },
  ],
  ["SELECT", ["bool", "real", "real"], "real", (a, b, c) => (a !== 0 ? b! : c!)],
  ["INT_NEGATE", int1, "int", (a) => -a! | 0],
  ["INT_ABS", int1, "int", (a) => Math.abs(a!) | 0],
  ["INT_SIGN", int1, "int", (a) => Math.sign(a!)],
  ["INT_ADD", int2, "int", (a, b) => (a! + b!) | 0],
  ["INT_SUBTRACT", int2, "int", (a, b) => (a! - b!) | 0],
  ["INT_MULTIPLY", int2, "int", (a, b) => Math.imul(a!, b!)],
  ["INT_MAXIMUM", int2, "int", (a, b) => Math.max(a!, b!)],
  ["INT_MINIMUM", int2, "int", (a, b) => Math.min(a!, b!)],
  ["INT_EQUAL", int2, "bool", (a, b) => yes(a === b)],
  ["INT_NOT_EQUAL", int2, "bool", (a, b) => yes(a !== b)],
  ["INT_LESS", int2, "bool", (a, b) => yes(a! < b!)],
  ["INT_LESS_EQUAL", int2, "bool", (a, b) => yes(a! <= b!)],
  ["AND", int2, "int", (a, b) => a! & b!],
  ["OR", ["bool", "bool"], "bool", (a, b) => a! | b!],
  ["XOR", uint2, "uint", (a, b) => (a! ^ b!) >>> 0],
  ["SHIFT_LEFT", int2, "int", (a, b) => a! << b!],
  ["SHIFT_RIGHT", int2, "int", (a, b) => a! >> b!],
  ["NOT", ["bool"], "bool", (a) => yes(a === 0)],
  ["UINT_ADD", uint2, "uint", (a, b) => (a! + b!) >>> 0],
  ["UINT_SUBTRACT", uint2, "uint", (a, b) => (a! - b!) >>> 0],
  ["UINT_MULTIPLY", uint2, "uint", (a, b) => Math.imul(a!, b!) >>> 0],
  ["UINT_MAXIMUM", uint2, "uint", (a, b) => Math.max(a!, b!)],
  ["UINT_MINIMUM", uint2, "uint", (a, b) => Math.min(a!, b!)],
  ["UINT_LESS", uint2, "bool", (a, b) => yes(a! < b!)],
  ["UINT_LESS_EQUAL", uint2, "bool", (a, b) => yes(a! <= b!)],
  ["UINT_SHIFT_LEFT", uint2, "uint", (a, b) => (a! << b!) >>> 0],
  ["UINT_SHIFT_RIGHT", uint2, "uint", (a, b) => a! >>> b!],
  ["COPY", real1, "real", (a) => a!],
  ["REAL_TO_INT", real1, "int", (a) => castValue(a!, "i32"), whole],
  ["REAL_TO_UINT", real1, "uint", (a) => castValue(a!, "u32"), whole],
  ["REAL_TO_BOOL", real1, "bool", (a) => yes(a !== 0)],
  ["INT_TO_REAL", int1, "real", (a) => a!],
  ["UINT_TO_REAL", uint1, "real", (a) => a!],
  ["INT_TO_UINT", int1, "uint", (a) => a! >>> 0],
  ["UINT_TO_INT", uint1, "int", (a) => a! | 0],
  ["INT_TO_BOOL", int1, "bool", (a) => yes(a !== 0)],
  ["ROUND_TO_F16", real1, "real", (a) => castValue(a!, "f16")],
  ["ROUND_TO_BF16", real1, "real", (a) => castValue(a!, "bf16")],
];

export const functions: readonly Function_[] = rows.map(([code, operands, result, f, more]) => ({
  code,
  operands,
  result,
  f,
  ...more,
}));
