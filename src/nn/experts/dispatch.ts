// Tokens sorted by the expert they are sent to, within a limit of places where there is one. Knows no router and no
// network. N tokens, G groups of tokens that share places, S choices of a group, E experts, R rows.

import { swapLast } from "../../tensor/ops/contract.ts";
import { cumulativeSum } from "../../tensor/ops/cumulative.ts";
import { add, cast, equal, less, minimum, multiply, select, subtract } from "../../tensor/ops/elementwise.ts";
import { gather, scatterAdd } from "../../tensor/ops/gather.ts";
import { iota } from "../../tensor/ops/leaf.ts";
import { concatenate, reshape, slice } from "../../tensor/ops/movement.ts";
import { mean, sum } from "../../tensor/ops/reduce.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** What tokens choose, in the order in which places are given away. */
export interface Choices {
  /** i32 [G, S]. */
  readonly expert: Tensor;
  /** Of all N, i32 [G, S]. */
  readonly token: Tensor;
  /** The weight of the expert's output, [G, S]. */
  readonly gate: Tensor;
}

/** Rows of tokens, those of an expert side by side. */
export interface Dispatch {
  /** The token of each row, i32 [R]; -1 where there is none. */
  readonly token: Tensor;
  /** The weight of what comes of a row, [R]. */
  readonly gate: Tensor;
  /** Where the rows of each expert begin, and where the last one's end, i32 [E + 1]. */
  readonly offsets: Tensor;
  /** The expert of each row, i32 [R]; -1 where there is none. */
  expert(): Tensor;
}

export interface DispatchedChoices extends Dispatch {
  /** Share of the choices that found no place, []. */
  readonly dropped: Tensor;
}

/** Each expert takes the first `limit` choices of each group (null: all); those that come later are dropped. */
export function dispatchChoices(choices: Choices, experts: number, limit: number | null): DispatchedChoices {
  const { expert, token, gate } = choices;
  const [groups, count] = expert.shape as [number, number];
  const rows = limit === null ? groups * count : Math.min(groups * count, groups * experts * limit);
  const chosen = cast(equal(reshape(expert, [groups, 1, count]), iota([groups, experts, count], 1)), "i32");
  const running = cumulativeSum(chosen); // [G, E, S]
  const place = subtract(sum(multiply(chosen, running), [1]), 1); // [G, S]
  const wanted = reshape(slice(running, { 2: [count - 1, count] }), [groups, experts]);
  const sizes = swapLast(limit === null ? wanted : minimum(wanted, limit)); // [E, G]
  const ends = cumulativeSum(reshape(sizes, [experts * groups]));
  const starts = subtract(ends, reshape(sizes, [experts * groups]));
  const first = add(multiply(expert, groups), iota([groups, count], 0));
  const row = add(gather(starts, first), place);
  const target = reshape(limit === null ? row : select(less(place, limit), row, -1), [groups * count]);
  const at = (of: Tensor) => subtract(scatterAdd(target, reshape(add(of, 1), [groups * count]), rows), 1);
  const offsets = concatenate(
    [
      reshape(slice(reshape(starts, [experts, groups]), { 1: [0, 1] }), [experts]),
      slice(ends, { 0: [experts * groups - 1, experts * groups] }),
    ],
    0,
  );
  return {
    token: at(token),
    gate: scatterAdd(target, reshape(gate, [groups * count]), rows),
    offsets,
    expert: () => at(expert),
    dropped: mean(cast(less(target, 0), "f32")),
  };
}

/** Rows of x [N, D] in the order of the dispatch → [R, D]. */
export function collect(x: Tensor, { token }: Dispatch): Tensor {
  return gather(x, token);
}

/** What came of the rows [R, D], each times its gate, added up at its token → [N, D]. */
export function combine(made: Tensor, { token, gate }: Dispatch, tokens: number): Tensor {
  return scatterAdd(token, multiply(made, reshape(gate, [gate.shape[0]!, 1])), tokens);
}
