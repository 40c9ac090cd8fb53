// A layer of experts of which each token chooses a few (Shazeer et al. 2017), with a place for every choice (dropless, Gale
// et al. 2022) or so many for each expert (Lepikhin et al. 2020, "GShard"; Fedus et al. 2021, "Switch Transformers").
// Prototypes: Yang et al. 2021, "M6-T". Shared and finer experts: Dai et al. 2024, "DeepSeekMoE". WideNet: Xue et al. 2021.
// B batch, T length, D width, N = B · T tokens, Z prototypes, K choices in each, E experts.
import type { z } from "zod";
import { RequestError } from "../errors.ts";
import { numberBetween, oneOf, positiveNumber, trueOrFalse, wholeNumber } from "../strict.ts";
import { reshape } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { collect, combine, dispatchChoices } from "./experts/dispatch.ts";
import {
  expertRows,
  growingNetworks,
  networkSettings,
  refuseNetworks,
  resolveNetwork,
  withShared,
} from "./experts/network.ts";
import { orderChoices, orderNames } from "./experts/order.ts";
import { balance, chooseExperts, route } from "./experts/router.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { moeInPyTorch } from "./pytorch/experts.ts";
import type { Scope } from "./scope.ts";

const moeSettings = {
  ...networkSettings,
  /** K, experts that a token chooses; of each prototype. */
  chosen: wholeNumber().default(2),
  /** Z, parts of equal size of the experts, each with a router's softmax of its own. */
  prototypes: wholeNumber().default(1),
  /** Probabilities as they are, or divided by the sum of those chosen; default renormalised, raw where K is 1. */
  gates: oneOf(["raw", "renormalised"]).optional(),
  /** Places of an expert as a multiple of what it gets where all get the same: capacity · Z · K · tokens / E; null: no limit. */
  capacity: positiveNumber().nullable().default(null),
  capacityRounding: oneOf(["down", "up"]).default("down"),
  /** Which tokens share an expert's places: those of a sequence, or of the whole (micro-)batch. */
  capacityGroup: oneOf(["sequence", "batch"]).default("sequence"),
  /** Who gets the places first. */
  order: oneOf(orderNames).default("tokens"),
  /** Places are counted from 1 and the first is never used, so that there is one fewer, as in WideNet's code. */
  firstPlaceUnused: trueOrFalse().default(false),
  /** Standard deviation of Gaussian noise on the router's logits while training, as a multiple of Z / E. WideNet: 1. */
  noise: numberBetween(0, 1e6).default(0),
  /** Weight of the balance loss; 0: none. */
  balance: numberBetween(0, 1e6).default(0.01),
  /** Weight of the z-loss; 0: none. */
  zLoss: numberBetween(0, 1e6).default(0),
};

type MoeSettings = z.infer<z.ZodObject<typeof moeSettings>>;

/** x [B, T, D] → the gated sum of what each token's experts make of it [B, T, D]; 0 for choices without a place. */
export const moe = definePrimitive({
  name: "moe",
  settings: moeSettings,
  resolve(settings, { width, length }, what) {
    const { experts, prototypes, chosen, capacity, capacityGroup, firstPlaceUnused } = settings;
    if (experts % prototypes !== 0) {
      throw new RequestError(
        `${what}: prototypes is ${prototypes}; expected a divisor of the ${experts} experts`,
      );
    }
    if (chosen > experts / prototypes) {
      const of = prototypes === 1 ? "" : ` of each of ${prototypes} prototypes`;
      throw new RequestError(
        `${what}: chosen is ${chosen}; expected at most the ${experts / prototypes} experts${of}`,
      );
    }
    const gates = settings.gates ?? (chosen === 1 ? "raw" : "renormalised");
    if (gates === "renormalised" && chosen === 1) {
      throw new RequestError(
        `${what}: with chosen 1, renormalised gates are all 1 and the router cannot learn; expected gates raw`,
      );
    }
    if (firstPlaceUnused && capacity === null) {
      throw new RequestError(
        `${what}: firstPlaceUnused needs a limit of places; give a capacity or leave it out`,
      );
    }
    if (capacityGroup === "sequence" && length !== undefined) requirePlace(settings, length, what);
    return resolveNetwork({ ...settings, gates }, width);
  },
  // A limit lets tokens compete; within a sequence, in order, only earlier ones can take a place.
  causal: ({ capacity, capacityGroup, order, chosen }) =>
    capacity === null ||
    (capacityGroup === "sequence" && (order === "tokens" || (order === "choices" && chosen === 1))),
  decodes: ({ capacity }) => (capacity === null ? "exactly" : "differently"),
  apply(settings, surroundings, scope, x) {
    const [batch, length] = x.shape as [number, number, number];
    const groups = settings.capacityGroup === "sequence" ? batch : 1;
    const members = (batch * length) / groups;
    if (scope.isTraining) requirePlace(settings, members, scope.path);
    // Fewer tokens than in training have at least one place.
    const places = settings.capacity === null ? null : Math.max(1, placesOf(settings, members));
    return applyMoe(settings, surroundings, scope, x, { groups, places });
  },
  decoding: {
    state: () => ({}),
    step(settings, surroundings, scope, x) {
      const [batch, width] = x.shape as [number, number];
      const token = reshape(x, [batch, 1, width]);
      const y = applyMoe(settings, surroundings, scope, token, { groups: 1, places: null });
      return { y: reshape(y, [batch, width]), state: {} };
    },
    prefill: (settings, surroundings, scope, x) => ({
      y: applyMoe(settings, surroundings, scope, x, { groups: 1, places: null }),
      state: {},
    }),
  },
  pytorch: moeInPyTorch,
  growth: {
    settings: ["experts", "chosen", "feedforward", "sharedExperts"],
    declare: growingNetworks,
    // A token meets all copies of an expert it has chosen, each with its part of the weight.
    follow: ({ settings: { experts, chosen } }, changes) =>
      changes.experts === undefined ? {} : { chosen: (chosen * changes.experts) / experts },
    refuse(before, after) {
      const { experts, chosen, prototypes, capacity } = before.settings;
      const times = after.settings.experts / experts;
      if (times !== 1 && (prototypes > 1 || capacity !== null)) {
        return "more experts are copies, chosen together; expected one prototype and no capacity";
      }
      if (after.settings.chosen === chosen * times) return refuseNetworks(before, after);
      return `chosen is ${after.settings.chosen}; expected ${chosen * times}, as many times as there are experts`;
    },
  },
});

/** What an expert can take of `tokens` tokens that share its places. */
function placesOf(settings: MoeSettings, tokens: number): number {
  const { experts, prototypes, chosen, capacity, capacityRounding, firstPlaceUnused } = settings;
  const share = (tokens * capacity! * chosen * prototypes) / experts;
  const places = capacityRounding === "down" ? Math.floor(share) : Math.ceil(share);
  return places - Number(firstPlaceUnused);
}

function requirePlace(settings: MoeSettings, tokens: number, what: string): void {
  const { capacity, capacityGroup, experts } = settings;
  if (capacity === null || placesOf(settings, tokens) >= 1) return;
  throw new RequestError(
    `${what}: capacity ${capacity} leaves each of ${experts} experts no place for any of the ${tokens} tokens of a ` +
      `${capacityGroup}; expected at least one: give a larger capacity, fewer experts or more tokens`,
  );
}

interface Limit {
  /** Groups of equally many tokens, each with places of its own. */
  readonly groups: number;
  /** Of an expert for each group; null: no limit. */
  readonly places: number | null;
}

/** x [B, T, D] → [B, T, D]. */
function applyMoe(
  settings: MoeSettings,
  surroundings: Surroundings,
  scope: Scope,
  x: Tensor,
  { groups, places }: Limit,
): Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  const { experts, prototypes, chosen, order } = settings;
  const count = batch * length;
  const tokens = reshape(x, [count, width]);
  const wanted = route(settings, surroundings, scope, tokens);
  const choice = chooseExperts(wanted, chosen, settings.gates!);
  scope.observe("experts", reshape(choice.experts, [batch, length, prototypes * chosen]));
  scope.observe("gates", reshape(choice.gates, [batch, length, prototypes * chosen]));
  balance(wanted, choice, settings.balance, scope);
  const dispatch = dispatchChoices(orderChoices(choice, groups, order), experts, places);
  scope.statistic("dropped", dispatch.dropped);
  const rows = collect(tokens, dispatch);
  const share = (prototypes * chosen) / experts;
  const made = expertRows(settings, surroundings, scope, rows, dispatch, share);
  const routed = combine(made, dispatch, count);
  return reshape(withShared(settings, surroundings, scope, tokens, routed), [batch, length, width]);
}
