// Who is given a place first: choices token by token, rank by rank, or those of the surest tokens first. Knows no limit.
// G groups of M tokens, Z prototypes, K choices in each, N = G · M.
import { add, multiply } from "../../tensor/ops/elementwise.ts";
import { gather } from "../../tensor/ops/gather.ts";
import { iota } from "../../tensor/ops/leaf.ts";
import { broadcastTo, reshape, transpose } from "../../tensor/ops/movement.ts";
import { max } from "../../tensor/ops/reduce.ts";
import { sort } from "../../tensor/ops/sort.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Choices } from "./dispatch.ts";
import type { Chosen } from "./router.ts";

/**
 * `tokens`: all choices of a token before those of the next (WideNet's code). `choices`: first choices of all tokens before
 * second ones (Lepikhin et al. 2020, "GShard", algorithm 1). `gates`: so, too, but the tokens with the largest gate first
 * (Riquelme et al. 2021, "V-MoE", batch prioritized routing).
 */
export const orderNames = ["tokens", "choices", "gates"] as const;
export type OrderName = (typeof orderNames)[number];

/** The choices of N tokens in `groups` groups, in the order in which each group's places are given away. */
export function orderChoices({ experts, gates }: Chosen, groups: number, order: OrderName): Choices {
  const [tokens, prototypes, ranks] = experts.shape as [number, number, number];
  const members = tokens / groups;
  const shape = [groups, members, prototypes, ranks];
  const grouped = { expert: reshape(experts, shape), gate: reshape(gates, shape), token: numbers(shape) };
  const sorted = order === "gates" ? surestFirst(grouped, gates, groups) : grouped;
  const flat = (x: Tensor) =>
    reshape(order === "tokens" ? x : transpose(x, [0, 3, 2, 1]), [groups, members * prototypes * ranks]);
  return { expert: flat(sorted.expert), gate: flat(sorted.gate), token: flat(sorted.token) };
}

/** The number of the token of each choice: [G, M, Z, K]. */
function numbers([groups, members, prototypes, ranks]: readonly number[]): Tensor {
  const shape = [groups! * members!, prototypes!, ranks!];
  return reshape(iota(shape, 0), [groups!, members!, prototypes!, ranks!]);
}

function surestFirst({ expert, gate }: Choices, gates: Tensor, groups: number): Choices {
  const [, members, prototypes, ranks] = expert.shape as [number, number, number, number];
  const largest = max(reshape(gates, [groups, members, prototypes * ranks]), [-1]);
  const { indices } = sort(largest, { descending: true });
  const first = multiply(iota([groups, members], 0), members);
  const token = reshape(add(indices, first), [groups * members]);
  const pick = (x: Tensor) =>
    reshape(gather(reshape(x, [groups * members, prototypes, ranks]), token), expert.shape);
  const repeated = broadcastTo(reshape(token, [groups, members, 1, 1]), expert.shape);
  return { expert: pick(expert), gate: pick(gate), token: repeated };
}
