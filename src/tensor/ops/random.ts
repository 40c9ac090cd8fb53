// Random numbers as a function of a key: the same key gives the same numbers on every machine and in any order.
import { apply, type Op, type Shape, sizeOf, type Tensor } from "../tensor.ts";
import {
  cast,
  cosine,
  divide,
  less,
  log,
  multiply,
  type Operand,
  select,
  shiftRight,
  sqrt,
  subtract,
  xor,
} from "./elementwise.ts";
import { fill } from "./leaf.ts";
import { broadcastTo } from "./movement.ts";

export interface RandomBitsAttributes {
  readonly shape: Shape;
}

const randomBitsOp: Op<RandomBitsAttributes> = {
  name: "randomBits",
  lowering: "random",
  infer: ([key], { shape }) => {
    if (key!.dtype !== "u32" || key!.shape.length !== 1 || key!.shape[0] !== 2) {
      throw new RangeError(`randomBits: a key ${key!.dtype} [${key!.shape}]; expected u32 [2]`);
    }
    return [{ shape, dtype: "u32" }];
  },
  evaluate: ([key], { shape }) => {
    const data = new Float64Array(sizeOf(shape));
    const [key0, key1] = key!.data;
    for (let i = 0; i < data.length; i++) {
      const [first, second] = threefry(key0!, key1!, i >>> 0, Math.floor(i / 2 ** 32));
      data[i] = (first ^ second) >>> 0;
    }
    return [{ shape, data }];
  },
  gradient: () => [undefined],
  // Twenty rounds of add, rotate and exclusive or: integer work, counted as nothing.
  flops: () => 0,
};

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/**
 * Threefry-2x32 with 20 rounds: two words from a key and a counter of two words each.
 * Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", section 4.2.
 */
export function threefry(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const keys = [key0, key1, key0 ^ key1 ^ 0x1bd11bda];
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;
  for (let round = 0; round < 20; round++) {
    const rotation = ROTATIONS[round % 8]!;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0;
    if (round % 4 === 3) {
      const injection = (round + 1) / 4;
      x0 = (x0 + keys[injection % 3]!) | 0;
      x1 = (x1 + keys[(injection + 1) % 3]! + injection) | 0;
    }
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** Random u32 of a shape from a key u32 [2]: element i is the exclusive or of the two Threefry words at counter i. */
export function randomBits(key: Tensor, shape: Shape): Tensor {
  return apply(randomBitsOp, [key], { shape });
}

/**
 * Another key u32 [2], for data (a u32 or i32 scalar, or a number): different data give unrelated keys. The key is
 * hashed before the data enter, so that key and data cannot stand in for each other.
 */
export function foldIn(key: Tensor, data: Operand): Tensor {
  const word = typeof data === "number" ? fill(data, [2], "u32") : broadcastTo(cast(data, "u32"), [2]);
  return randomBits(xor(randomBits(key, [2]), word), [2]);
}

/** Uniform in [0, 1), multiples of 2⁻²⁴. */
export function uniform(key: Tensor, shape: Shape): Tensor {
  return multiply(cast(shiftRight(randomBits(key, shape), 8), "f32"), 2 ** -24);
}

/** Standard normal (Box and Muller 1958) from two streams; no value beyond ±5.8. */
export function normal(key: Tensor, shape: Shape): Tensor {
  const radius = sqrt(multiply(log(subtract(1, uniform(foldIn(key, 0), shape))), -2));
  return multiply(radius, cosine(multiply(uniform(foldIn(key, 1), shape), 2 * Math.PI)));
}

/** True with the given probability (a number, or a tensor that broadcasts to the shape). */
export function bernoulli(key: Tensor, probability: Operand, shape: Shape): Tensor {
  return less(uniform(key, shape), probability);
}

/** Zero with probability `rate`, else x / (1 - rate). Srivastava et al. 2014. */
export function dropout(x: Tensor, key: Tensor, rate: number): Tensor {
  if (!(rate >= 0 && rate < 1))
    throw new RangeError(`dropout: rate ${rate}; expected at least 0 and below 1`);
  if (rate === 0) return x;
  return select(bernoulli(key, 1 - rate, x.shape), divide(x, 1 - rate), 0);
}
