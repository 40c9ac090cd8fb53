// One vector of numbers that all matrices of all blocks are cut from, going round and round, in a fixed random order with
// fixed random signs (Wang et al. 2021, Recurrent Parameter Generators, section 3).

import { RequestError } from "../../errors.ts";
import { wholeNumber } from "../../strict.ts";
import { multiply, negate } from "../../tensor/ops/elementwise.ts";
import { gather } from "../../tensor/ops/gather.ts";
import { literal } from "../../tensor/ops/leaf.ts";
import { concatenate, reshape } from "../../tensor/ops/movement.ts";
import { threefry } from "../../tensor/ops/random.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import type { Parameters } from "../parameters.ts";
import { bankInPyTorch } from "../pytorch/stores.ts";
import { defineSource, initialDeviation, isBlockMatrix } from "./source.ts";

/** Name of the vector. */
export const bankName = "bank";

export const bank = defineSource({
  name: "bank",
  level: "store",
  settings: {
    /** Numbers in the vector; as many as the matrices have are as good as none. */
    size: wholeNumber(),
    /** Of the order and the signs. */
    seed: wholeNumber(0).default(0),
  },
  check({ size }, { parameters }, what) {
    const most = numbersOf(places(parameters()));
    if (size <= most) return;
    throw new RequestError(
      `${what}: size is ${size}, and the matrices of the blocks have ${most} numbers; expected at most ${most}`,
    );
  },
  pytorch: bankInPyTorch,
  wrap({ size, seed }, { parameters }, inner) {
    const layout = places(parameters());
    const total = numbersOf(layout);
    return {
      parameter(name, declaration) {
        const place = layout.get(name);
        if (place === undefined) return inner.parameter(name, declaration);
        const vector = inner.parameter(bankName, {
          shape: [size],
          initializer: { kind: "normal", standardDeviation: 1 },
          role: "hidden",
        });
        const elements = sizeOf(declaration.shape);
        const indices = drawnIndices(size, seed, total).slice(place.start, place.start + elements);
        const picked = gather(concatenate([vector, negate(vector)], 0), literal(indices, [elements], "i32"));
        return multiply(reshape(picked, declaration.shape), initialDeviation(declaration)!);
      },
    };
  },
});

function numbersOf(layout: ReturnType<typeof places>): number {
  return [...layout.values()].reduce((total, { elements }) => total + elements, 0);
}

/** Where each matrix begins, one after the other in the order they are asked for. */
function places(
  parameters: Parameters,
): ReadonlyMap<string, { readonly start: number; readonly elements: number }> {
  const found = new Map<string, { start: number; elements: number }>();
  let start = 0;
  for (const [name, declaration] of parameters) {
    if (!isBlockMatrix(name, declaration) || !initialDeviation(declaration)) continue;
    const elements = sizeOf(declaration.shape);
    found.set(name, { start, elements });
    start += elements;
  }
  return found;
}

interface Drawing {
  readonly size: number;
  readonly seed: number;
  readonly indices: Int32Array;
}

/** Drawing takes most of the time of a graph, and one model asks for many graphs: the last drawing is kept. */
let last: Drawing | undefined;

/** Where in the vector and, behind it, its negative the numbers of all matrices lie, one after the other: at least `total`. */
function drawnIndices(size: number, seed: number, total: number): Int32Array {
  if (last?.size === size && last.seed === seed && last.indices.length >= total) return last.indices;
  const order = shuffled(size, seed);
  const indices = new Int32Array(total);
  for (let i = 0; i < total; i++) {
    const [sign] = threefry(seed >>> 0, 1, i >>> 0, 0);
    indices[i] = order[i % size]! + (sign & 1) * size;
  }
  last = { size, seed, indices };
  return indices;
}

/** The whole numbers below `size` in an order that depends on the seed alone (Fisher and Yates). */
function shuffled(size: number, seed: number): Int32Array {
  const order = Int32Array.from({ length: size }, (_, i) => i);
  for (let i = size - 1; i > 0; i--) {
    const [drawn] = threefry(seed >>> 0, 0, i, 0);
    const j = Math.floor((drawn / 2 ** 32) * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
