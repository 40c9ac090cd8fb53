// A layer of experts of which each token takes two: with a capacity (Lepikhin et al. 2020, "GShard", algorithm 1, without
// its random routing) or dropless (Gale et al. 2022, "MegaBlocks").
// N tokens, D width, F width inside an expert, E experts, C places of an expert.
import {
  add,
  cast,
  concatenate,
  cumulativeSum,
  divide,
  equal,
  fill,
  gather,
  groupedProduct,
  iota,
  less,
  linear,
  matmul,
  mean,
  multiply,
  reshape,
  scatterAdd,
  select,
  shiftRight,
  silu,
  slice,
  softmax,
  sort,
  sum,
  swapLast,
  type Tensor,
  takeAlong,
  topK,
} from "../../src/tensor/index.ts";
import type { Grids, Model } from "./harness.ts";
import { at, type Grid, grid, over, plus, put, scaled, siluOf, softmaxOf, times, total } from "./scalar.ts";
import { type Tensors, uniform, type Values } from "./values.ts";

const CHOICES = 2;

export interface ExpertsShape {
  readonly tokens: number;
  readonly width: number;
  readonly inner: number;
  readonly experts: number;
}

interface Routing {
  /** The two experts of each token, best first, i32 [N, 2]. */
  readonly experts: Tensor;
  /** Their shares, which sum to 1, [N, 2]. */
  readonly shares: Tensor;
  /** E·Σ (fraction of tokens whose first choice is e)·(mean probability of e): GShard's auxiliary loss, []. */
  readonly balance: Tensor;
}

/** x [N, D], router [D, E] → each token's experts. */
function route(x: Tensor, router: Tensor): Routing {
  const probabilities = softmax(linear(x, router));
  const { indices } = topK(probabilities, CHOICES);
  const chosen = takeAlong(probabilities, indices);
  const first = cast(isExpert(slice(indices, { 1: [0, 1] }), router.shape[1]!), "f32");
  const balance = multiply(sum(multiply(mean(first, [0]), mean(probabilities, [0]))), router.shape[1]!);
  return { experts: indices, shares: divide(chosen, sum(chosen, [-1], true)), balance };
}

/** indices i32 [N, 1] → bool [N, E]. */
function isExpert(indices: Tensor, experts: number): Tensor {
  return equal(indices, iota([indices.shape[0]!, experts], 1));
}

/** x [N, D], router [D, E], up [E, D, F], down [E, F, D] → y [N, D] and the balance loss; tokens beyond an expert's C are dropped. */
export function capacityExperts({ x, router, up, down }: Tensors, capacity: number): Tensors {
  const [tokens, width] = x!.shape as [number, number];
  const count = up!.shape[0]!;
  const { experts, shares, balance } = route(x!, router!);
  // First choices of all tokens before second choices, each in the order of tokens: [E, 2N].
  const ofChoice = (choice: number) =>
    cast(isExpert(slice(experts, { 1: [choice, choice + 1] }), count), "i32");
  const taken = swapLast(concatenate([ofChoice(0), ofChoice(1)], 0));
  const before = cumulativeSum(taken, { exclusive: true });
  const place = reshape(sum(multiply(taken, before), [0]), [CHOICES, tokens]);
  const expert = swapLast(experts);
  const slot = select(less(place, capacity), add(multiply(expert, capacity), place), -1); // [2, N]; -1: dropped
  const copies = concatenate([x!, x!], 0);
  const queued = scatterAdd(reshape(slot, [CHOICES * tokens]), copies, count * capacity);
  const hidden = silu(matmul(reshape(queued, [count, capacity, width]), up!));
  const made = reshape(matmul(hidden, down!), [count * capacity, width]);
  const returned = gather(made, slot); // [2, N, D]
  const weights = reshape(swapLast(shares), [CHOICES, tokens, 1]);
  return { y: sum(multiply(returned, weights), [0]), balance };
}

/** The same without a limit: each expert's tokens side by side, one product over groups of unknown size. */
export function droplessExperts({ x, router, up, down }: Tensors): Tensors {
  const [tokens, width] = x!.shape as [number, number];
  const count = up!.shape[0]!;
  const { experts, shares, balance } = route(x!, router!);
  const rows = CHOICES * tokens;
  const { indices: order } = sort(reshape(experts, [rows])); // row 2n + choice
  const sizes = scatterAdd(reshape(experts, [rows]), fill(1, [rows], "i32"), count + 1);
  const starts = cumulativeSum(sizes, { exclusive: true }); // [E + 1]: no row is of expert E
  const hidden = silu(groupedProduct(gather(x!, shiftRight(order, 1)), up!, starts));
  const made = groupedProduct(hidden, down!, starts);
  const back = scatterAdd(order, iota([rows], 0), rows); // the inverse permutation
  const returned = reshape(gather(made, back), [tokens, CHOICES, width]);
  return { y: sum(multiply(returned, reshape(shares, [tokens, CHOICES, 1])), [1]), balance };
}

/** Token by token; `capacity` is Infinity where nothing is dropped. */
function plainExperts(
  { tokens, width, inner, experts }: ExpertsShape,
  inputs: Grids,
  capacity: number,
): Grids {
  const { x, router, up, down } = inputs as Record<"x" | "router" | "up" | "down", Grid>;
  const probabilities = Array.from({ length: tokens }, (_, n) =>
    softmaxOf(
      Array.from({ length: experts }, (_, e) => total(width, (d) => times(at(x, n, d), at(router, d, e)))),
    ),
  );
  const choices = probabilities.map((row) =>
    row
      .map(({ value }, e) => ({ value, e }))
      .sort((p, q) => q.value - p.value || p.e - q.e)
      .slice(0, CHOICES)
      .map(({ e }) => e),
  );
  const y = grid([tokens, width]);
  const used = new Array<number>(experts).fill(0);
  for (let choice = 0; choice < CHOICES; choice++) {
    for (let n = 0; n < tokens; n++) {
      const e = choices[n]![choice]!;
      if (used[e]! >= capacity) continue;
      used[e]!++;
      const row = probabilities[n]!;
      const share = over(
        row[e]!,
        total(CHOICES, (i) => row[choices[n]![i]!]!),
      );
      const hidden = Array.from({ length: inner }, (_, f) =>
        siluOf(total(width, (d) => times(at(x, n, d), at(up, e, d, f)))),
      );
      for (let d = 0; d < width; d++) {
        const made = total(inner, (f) => times(hidden[f]!, at(down, e, f, d)));
        put(y, plus(at(y, n, d), times(share, made)), n, d);
      }
    }
  }
  const balance = grid([]);
  balance.data[0] = total(experts, (e) => {
    const first = choices.filter((of) => of[0] === e).length / tokens;
    return scaled(
      total(tokens, (n) => probabilities[n]![e]!),
      (first * experts) / tokens,
    );
  });
  return { y, balance };
}

export function expertsValues(random: () => number, { tokens, width, inner, experts }: ExpertsShape): Values {
  return {
    x: uniform(random, [tokens, width]),
    router: uniform(random, [width, experts]),
    up: uniform(random, [experts, width, inner]),
    down: uniform(random, [experts, inner, width]),
  };
}

export function capacityModel(random: () => number, shape: ExpertsShape, capacity: number): Model {
  return {
    values: expertsValues(random, shape),
    graph: (inputs) => capacityExperts(inputs, capacity),
    plain: (inputs) => plainExperts(shape, inputs, capacity),
  };
}

export function droplessModel(random: () => number, shape: ExpertsShape): Model {
  return {
    values: expertsValues(random, shape),
    graph: droplessExperts,
    plain: (inputs) => plainExperts(shape, inputs, Number.POSITIVE_INFINITY),
  };
}
