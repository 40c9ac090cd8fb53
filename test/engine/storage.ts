// Sixteen-bit floats as the bits a store holds: decoded by their definition, encoded by looking up what decodes to them.
import type { NumericArray } from "../../src/backend/machine.ts";
import type { DType } from "../../src/tensor/index.ts";

function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

function decodeBfloat(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
}

const halves = new Map<number, number>();
for (let bits = 0xffff; bits >= 0; bits--) halves.set(decodeHalf(bits), bits);

/** What a store holds, as numbers. */
export function decode(values: NumericArray, dtype: DType): Float64Array {
  if (dtype === "f16") return Float64Array.from(values, decodeHalf);
  return Float64Array.from(values, dtype === "bf16" ? decodeBfloat : (value) => value);
}

/** Numbers as a store holds them; those of sixteen bits must be exact. */
export function encode(values: Float64Array, dtype: DType): ArrayLike<number> {
  if (dtype === "f16") return Array.from(values, (value) => halves.get(value)!);
  if (dtype !== "bf16") return values;
  return Array.from(values, (value) => new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16);
}
