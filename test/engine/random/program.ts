// Random programs: a recipe is a list of rows of numbers, each of which applies one op to earlier tensors. Any recipe is
// a valid program, so that a failing one can be made shorter.
import fc from "fast-check";
import {
  add,
  argMaximum,
  broadcastTo,
  cast,
  einsum,
  flip,
  gradients,
  mean,
  multiply,
  type Program,
  program,
  sizeOf,
  square,
  subtract,
  swapLast,
  type Tensor,
} from "../../../src/tensor/index.ts";
import { kernel } from "./kernels.ts";
import { loop } from "./loops.ts";
import {
  type Apply,
  bounded,
  broadcastable,
  Choice,
  MOST_ELEMENTS,
  MOST_RANK,
  newLeaf,
  ofShape,
  type Pool,
  quantized,
  SIZES,
} from "./pool.ts";
import { binary, movement, normal, product, reduction, unary } from "./simple.ts";
import { typed } from "./typed.ts";

export type Row = readonly [number, number, number, number, number];
export interface Recipe {
  readonly rows: readonly Row[];
  /** Numbers that choose what is delivered. */
  readonly results: readonly number[];
}

const row: fc.Arbitrary<Row> = fc.tuple(fc.nat(1008), fc.nat(1008), fc.nat(1008), fc.nat(1008), fc.nat(1008));
export const recipes: fc.Arbitrary<Recipe> = fc.record({
  rows: fc.array(row, { minLength: 2, maxLength: 16 }),
  results: fc.array(fc.nat(100_000), { maxLength: 4 }),
});

const kinds: readonly Apply[] = [
  (_, x, choice) => choice.of(unary)(x),
  (_, x, choice) => choice.of(unary)(x),
  (pool, x, choice) => choice.of(binary)(x, broadcastable(pool, choice, x.shape)),
  (pool, x, choice) => choice.of(binary)(x, broadcastable(pool, choice, x.shape)),
  (pool, x, choice) => choice.of(binary)(broadcastable(pool, choice, x.shape), x),
  movement,
  movement,
  reduction,
  reduction,
  product,
  product,
  normal,
  normal,
  kernel,
  loop,
  typed,
  (pool, x, choice) => {
    if (x.shape.length !== 2) return x;
    const y = ofShape(pool, choice, [x.shape[1]!, 4, 3]);
    return multiply(einsum("ab,bcd->dac", x, y), 1 / Math.sqrt(x.shape[1]!));
  },
  (_, x) => (x.shape.length === 0 ? x : multiply(cast(argMaximum(quantized(x)), "f32"), 0.1)),
  (pool, _, choice) => newLeaf(pool, shapeFrom(choice)),
];

function shapeFrom(choice: Choice): number[] {
  const shape = Array.from({ length: choice.below(MOST_RANK + 1) }, () => choice.of(SIZES));
  while (sizeOf(shape) > MOST_ELEMENTS) shape.pop();
  return shape;
}

/** The program of a recipe. */
export function programOf({ rows, results }: Recipe): Program {
  const pool: Pool = { tensors: [], leaves: [] };
  rows.forEach((row, i) => {
    const choice = new Choice(row.reduce((n, value) => n * 1009 + value, 0));
    if (i === 0) {
      const shape = shapeFrom(choice);
      pool.tensors.push(newLeaf(pool, shape));
      return;
    }
    // Recent tensors rather than old ones: deep graphs.
    const back = Math.min(choice.below(3) === 0 ? choice.below(8) : choice.below(2), pool.tensors.length - 1);
    const x = pool.tensors[pool.tensors.length - 1 - back]!;
    const leaves = pool.leaves.length;
    const made = choice.of(kinds)(pool, x, choice);
    pool.tensors.push(...pool.leaves.slice(leaves));
    for (const tensor of "node" in made ? [made] : made) {
      if (sizeOf(tensor.shape) <= MOST_ELEMENTS && tensor.shape.length <= MOST_RANK)
        pool.tensors.push(tensor);
    }
  });
  return deliver(pool, results);
}

/** Outputs, updates of leaves by tensors of their shape, and gradients of a sum of some of them. */
function deliver(pool: Pool, results: readonly number[]): Program {
  const outputs: Record<string, Tensor> = {};
  const updates: Record<string, Tensor> = {};
  const recent = pool.tensors.slice(-6);
  outputs.last = pool.tensors.at(-1)!;
  results.forEach((number, i) => {
    const choice = new Choice(number);
    const x = choice.of(choice.below(2) === 0 ? recent : pool.tensors);
    switch (choice.below(4)) {
      case 0:
        outputs[`y${i}`] = x;
        break;
      case 1: {
        const leaf = choice.of(pool.leaves);
        const fitting = pool.tensors.filter((t) => t.shape.join() === leaf.shape.join() && t !== leaf);
        const name = `x${pool.leaves.indexOf(leaf)}`;
        updates[name] =
          fitting.length > 0 && choice.below(3) > 0
            ? choice.of(fitting)
            : add(multiply(leaf, 0.5), broadcastTo(mean(x), leaf.shape));
        break;
      }
      case 2: {
        const loss = add(mean(square(bounded(x))), mean(outputs.last!));
        const leaves = pool.leaves.slice(choice.below(pool.leaves.length)).slice(0, 4);
        gradients(loss, leaves).forEach((g, j) => {
          const name = `x${pool.leaves.indexOf(leaves[j]!)}`;
          if (choice.below(2) === 0) outputs[`g${i}.${j}`] = g;
          else updates[name] = subtract(leaves[j]!, multiply(g, 0.1));
        });
        break;
      }
      default:
        outputs[`t${i}`] =
          x.shape.length > 1
            ? swapLast(x)
            : flip(
                x,
                x.shape.map((_, a) => a),
              );
    }
  });
  return program(outputs, updates);
}
