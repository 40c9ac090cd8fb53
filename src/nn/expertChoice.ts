// A layer of experts of which each chooses its tokens, so that all have equally much to do and no loss has to balance them.
// Zhou et al. 2022, "Mixture-of-Experts with Expert Choice Routing", section 3. Whether a token is chosen depends on those
// after it. B batch, T length, D width, N = B · T tokens in G groups of M, E experts, P places of an expert in a group.
import { RequestError } from "../errors.ts";
import { numberBetween, oneOf, positiveNumber } from "../strict.ts";
import { swapLast } from "../tensor/ops/contract.ts";
import { add, cast, equal, multiply } from "../tensor/ops/elementwise.ts";
import { scatterAdd } from "../tensor/ops/gather.ts";
import { fill, iota } from "../tensor/ops/leaf.ts";
import { reshape, transpose } from "../tensor/ops/movement.ts";
import { mean } from "../tensor/ops/reduce.ts";
import { topK } from "../tensor/ops/sort.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { collect, combine, type Dispatch } from "./experts/dispatch.ts";
import {
  expertRows,
  growingNetworks,
  networkSettings,
  refuseNetworks,
  resolveNetwork,
  withShared,
} from "./experts/network.ts";
import { route } from "./experts/router.ts";
import { definePrimitive } from "./primitive.ts";
import { expertChoiceInPyTorch } from "./pytorch/experts.ts";

/** x [B, T, D] → the sum of what the experts that chose a token make of it, times its probabilities [B, T, D]. */
export const expertChoice = definePrimitive({
  name: "moe-expert-choice",
  settings: {
    ...networkSettings,
    /** Experts that a token has on average. */
    capacity: positiveNumber().default(2),
    /** Tokens of which each expert chooses its share: those of a sequence, or of the whole (micro-)batch. */
    capacityGroup: oneOf(["sequence", "batch"]).default("sequence"),
    /** Weight of the z-loss; 0: none. */
    zLoss: numberBetween(0, 1e6).default(0),
  },
  resolve(settings, { width, length }, what) {
    const { capacity, experts, capacityGroup } = settings;
    if (capacity > experts) {
      throw new RequestError(
        `${what}: capacity is ${capacity}; expected at most the ${experts} experts a token can have`,
      );
    }
    if (capacityGroup === "sequence" && length !== undefined) {
      requirePlace(placesOf(capacity, length, experts), settings, length, what);
    }
    return resolveNetwork(settings, width);
  },
  causal: () => false,
  apply(settings, surroundings, scope, x) {
    const [batch, length, width] = x.shape as [number, number, number];
    const { experts, capacity, capacityGroup, zLoss } = settings;
    const count = batch * length;
    const groups = capacityGroup === "sequence" ? batch : 1;
    const members = count / groups;
    const wanted = placesOf(capacity, members, experts);
    if (scope.isTraining) requirePlace(wanted, settings, members, scope.path);
    const tokens = reshape(x, [count, width]);
    const router = { experts, prototypes: 1, noise: 0, zLoss };
    const { probabilities } = route(router, surroundings, scope, tokens);
    // Fewer tokens than in training have at least one place.
    const dispatch = chooseTokens(reshape(probabilities, [groups, members, experts]), Math.max(1, wanted));
    scope.observe("tokens", reshape(dispatch.token, [experts, dispatch.token.shape[0]! / experts]));
    const met = scatterAdd(dispatch.token, fill(1, dispatch.token.shape, "i32"), count);
    scope.statistic("unserved", mean(cast(equal(met, 0), "f32")));
    const rows = collect(tokens, dispatch);
    const made = expertRows(settings, surroundings, scope, rows, dispatch, capacity / experts);
    const routed = combine(made, dispatch, count);
    return reshape(withShared(settings, surroundings, scope, tokens, routed), [batch, length, width]);
  },
  pytorch: expertChoiceInPyTorch,
  growth: {
    settings: ["experts", "capacity", "feedforward", "sharedExperts"],
    declare: growingNetworks,
    // Copies of an expert choose the same tokens, each with its part of the weight.
    follow: ({ settings: { experts, capacity } }, changes) =>
      changes.experts === undefined ? {} : { capacity: (capacity * changes.experts) / experts },
    refuse(before, after) {
      const expected = (before.settings.capacity * after.settings.experts) / before.settings.experts;
      if (after.settings.capacity === expected) return refuseNetworks(before, after);
      return `capacity is ${after.settings.capacity}; expected ${expected}, as many times as there are experts`;
    },
  },
});

function placesOf(capacity: number, tokens: number, experts: number): number {
  return Math.floor((capacity * tokens) / experts);
}

function requirePlace(
  places: number,
  { capacity, experts, capacityGroup }: { capacity: number; experts: number; capacityGroup: string },
  tokens: number,
  what: string,
): void {
  if (places >= 1) return;
  throw new RequestError(
    `${what}: capacity ${capacity} lets each of ${experts} experts choose none of the ${tokens} tokens of a ` +
      `${capacityGroup}; expected at least one: give a larger capacity, fewer experts or more tokens`,
  );
}

/** probabilities [G, M, E] → the P tokens of each group that each expert wants most. */
function chooseTokens(probabilities: Tensor, places: number): Dispatch {
  const [groups, members, experts] = probabilities.shape as [number, number, number];
  const { values, indices } = topK(swapLast(probabilities), places); // [G, E, P]
  const numbered = add(indices, multiply(iota([groups, experts, places], 0), members));
  const rows = experts * groups * places;
  const byExpert = (of: Tensor) => reshape(transpose(of, [1, 0, 2]), [rows]);
  return {
    token: byExpert(numbered),
    gate: byExpert(values),
    offsets: multiply(iota([experts + 1], 0), groups * places),
    expert: () => reshape(iota([experts, groups * places], 0), [rows]),
  };
}
