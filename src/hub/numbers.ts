// Numbers of tensors in the formats of public files: float32, float16, bfloat16. Knows no tensor's meaning.
import type { SafetensorsType } from "../train/safetensors.ts";

/** Formats that networks are stored in. */
export const numberTypes = ["F32", "F16", "BF16"] as const;
export type NumberType = (typeof numberTypes)[number];

export function isNumberType(type: SafetensorsType): type is NumberType {
  return (numberTypes as readonly string[]).includes(type);
}

export const bytesOf: Readonly<Record<NumberType, number>> = { F32: 4, F16: 2, BF16: 2 };

/** Numbers as they lie in a file: floats, or the bits of shorter ones. */
export type Stored = Float32Array | Uint16Array;

/** Room for so many numbers. */
export function storedArray(type: NumberType, count: number): Stored {
  return type === "F32" ? new Float32Array(count) : new Uint16Array(count);
}

/** Little-endian bytes of the numbers, the same memory. */
export function asBytes({ buffer, byteOffset, byteLength }: Stored): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Numbers as floats; those of float32 are the same memory. */
export function toFloats(type: NumberType, from: Stored): Float32Array {
  if (from instanceof Float32Array) return from;
  const out = new Float32Array(from.length);
  if (type === "BF16") {
    const bits = new Uint32Array(out.buffer);
    for (let i = 0; i < bits.length; i++) bits[i] = from[i]! << 16;
    return out;
  }
  const halves = halfTable();
  for (let i = 0; i < out.length; i++) out[i] = halves[from[i]!]!;
  return out;
}

/** Floats rounded to nearest, ties to even, and written to `to` from `at` on. */
export function fromFloats(type: NumberType, from: Float32Array, to: Stored, at: number): void {
  if (type === "F32") {
    to.set(from, at);
    return;
  }
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length);
  const round = type === "BF16" ? bfloatBits : halfBits;
  for (let i = 0; i < bits.length; i++) to[at + i] = round(bits[i]!);
}

const QUIET = 0x0040;

function bfloatBits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | QUIET;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** IEEE 754 binary16 of binary32 bits. */
function halfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;
  // From 65520 on the nearest is infinity.
  if (size >= 0x477ff000) return sign | 0x7c00;
  // Below 2^-14: multiples of 2^-24.
  if (size < 0x38800000) {
    const shift = 126 - (size >>> 23);
    if (shift > 24) return sign;
    const whole = (size & 0x7fffff) | 0x800000;
    const kept = whole >>> shift;
    const rest = whole & ((1 << shift) - 1);
    const half = 1 << (shift - 1);
    return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0));
  }
  return sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
}

let halves: Float32Array | undefined;

/** The value of each of the 65,536 numbers of float16. */
function halfTable(): Float32Array {
  halves ??= Float32Array.from({ length: 65_536 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const [exponent, fraction] = [(bits >>> 10) & 31, bits & 1023];
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
  });
  return halves;
}

const POINTS = 65_536;
const quantiles = new Map<string, Stored>();

/** The middles of 65,536 parts of equal probability of a normal distribution around 0; a random one is a random number. */
export function normalQuantiles(type: NumberType, standardDeviation: number): Stored {
  const key = `${type} ${standardDeviation}`;
  const known = quantiles.get(key);
  if (known !== undefined) return known;
  const floats = Float32Array.from(
    { length: POINTS },
    (_, i) => standardDeviation * normalQuantile((i + 0.5) / POINTS),
  );
  const table = storedArray(type, POINTS);
  fromFloats(type, floats, table, 0);
  quantiles.set(key, table);
  return table;
}

/** Abramowitz and Stegun 1964, 26.2.23: within 4.5e-4. */
function normalQuantile(probability: number): number {
  if (probability > 0.5) return -normalQuantile(1 - probability);
  const t = Math.sqrt(-2 * Math.log(probability));
  const above = 2.515517 + t * (0.802853 + t * 0.010328);
  const below = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  return above / below - t;
}
