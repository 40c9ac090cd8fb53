// RWKV-6's time mixing (Finch): RWKV-5's, with rates of decay and shares of the token before that each token decides.
// Peng et al. 2024, section 4.2. B batch, T length, D width, H heads, K width of a head.

import { wholeNumber } from "../strict.ts";
import { linear } from "../tensor/ops/contract.ts";
import { add, subtract, tanh } from "../tensor/ops/elementwise.ts";
import { split } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { headsFollowing, refuseWiderHeads } from "./growth.ts";
import { evenHeadsOf, requireHeads, splitHeads } from "./heads.ts";
import { linearMap } from "./linear.ts";
import { channelDecay, channelDecayStep } from "./matrixState/channelDecay.ts";
import type { Tokens } from "./matrixState/chunks.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { rwkv6InPyTorch } from "./pytorch/rwkv.ts";
import { bonusOf, decayOf, decayRate, growingHeads, headsState, mixHeads } from "./rwkvHeads.ts";
import type { Scope } from "./scope.ts";
import { lastToken, mixTokens, shareByFeature, shifted } from "./tokenShift.ts";

const HEAD_WIDTH = 64;

/** Of the maps that go up again from a low rank, at the start; those that go down begin with zeros. */
const BOUND = 0.01;

/** The power of a feature's place that its share begins with, by what it is for. */
const parts = { decay: 1, key: 1, value: 1, receptance: 0.5, gate: 0.5 } as const;
type Part = keyof typeof parts;
const names = Object.keys(parts) as Part[];

export const rwkv6Time = definePrimitive({
  name: "rwkv6-time",
  settings: {
    /** H; default: as many as make heads of 64, or one. */
    heads: wholeNumber().optional(),
    /** Rank of the map that makes each of the five shares. */
    shiftRank: wholeNumber().default(32),
    /** Rank of the map that makes the rates of decay. */
    decayRank: wholeNumber().default(64),
  },
  resolve(settings, { width }, what) {
    const heads = settings.heads ?? evenHeadsOf(width, HEAD_WIDTH);
    requireHeads(what, "width", width, heads);
    return { ...settings, heads };
  },
  causal: () => true,
  apply: (settings, surroundings, scope, x) => run(settings, surroundings, scope, x).y,
  decoding: {
    ...headsState,
    step(settings, surroundings, scope, x, before) {
      const { tokens, decay, gate } = project(settings, surroundings, scope, x, before.previous!);
      const bonus = bonusOf(scope, surroundings.width, settings.heads!);
      const { y, state } = channelDecayStep(tokens, decay, bonus, before.state!);
      return { y: mixHeads(surroundings, scope, y, gate), state: { previous: x, state } };
    },
    prefill: run,
  },
  pytorch: rwkv6InPyTorch,
  growth: {
    settings: ["heads", "shiftRank", "decayRank"],
    declare: ({ heads, shiftRank, decayRank }, { width }) => ({
      sizes: { heads: heads!, keys: width / heads!, shiftRank, decayRank },
      parameters: {
        ...growingHeads,
        "decay.share": { axes: "width" },
        "decay.down": { axes: "width, decayRank", added: { decayRank: "zero" } },
        "decay.up": { axes: "decayRank, heads keys" },
        "shift.share": { axes: "width" },
        "shift.down": { axes: `width, ${names.length} shiftRank`, added: { shiftRank: "zero" } },
        ...Object.fromEntries(names.map((name) => [`shift.${name}.up`, { axes: "shiftRank, width" }])),
      },
    }),
    follow: headsFollowing,
    refuse: refuseWiderHeads,
  },
});

type Settings = Readonly<{ heads?: number | undefined; shiftRank: number; decayRank: number }>;

/** x [B, T, D] → y [B, T, D] and the state after the last token. */
function run(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const { tokens, decay, gate } = project(settings, surroundings, scope, x, shifted(x));
  const { out, state } = channelDecay(tokens, decay, bonusOf(scope, surroundings.width, settings.heads!));
  return { y: mixHeads(surroundings, scope, out, gate), state: { previous: lastToken(x), state } };
}

/** x and the tokens before [..., D] → queries, keys, values and decays [..., H, K], and the gate [..., D]. */
function project(
  settings: Settings,
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  x: Tensor,
  before: Tensor,
): { readonly tokens: Tokens; readonly decay: Tensor; readonly gate: Tensor } {
  const heads = settings.heads!;
  const mixed = mixedTokens(settings, scope, x, before);
  const projection = (name: Part): Tensor =>
    scope.observe(
      name,
      linearMap(scope.within(name), mixed[name], { width, bias: false, standardDeviation }),
    );
  const low = scope.within("decay");
  const change = linear(
    tanh(linear(mixed.decay, downMap(low, width, settings.decayRank))),
    upMap(low, settings.decayRank, width),
  );
  return {
    tokens: {
      queries: splitHeads(projection("receptance"), heads),
      keys: splitHeads(projection("key"), heads),
      values: splitHeads(projection("value"), heads),
    },
    decay: scope.observe("decay", decayOf(add(decayRate(scope, width), change), heads)),
    gate: projection("gate"),
  };
}

/** x mixed with the token before for each part: learned shares, less what a first mixture says of them. */
function mixedTokens(
  { shiftRank }: Settings,
  scope: Scope,
  x: Tensor,
  before: Tensor,
): Readonly<Record<Part, Tensor>> {
  const width = x.shape.at(-1)!;
  const shift = scope.within("shift");
  const first = mixTokens(x, before, shareByFeature(shift, width, 1));
  const low = tanh(linear(first, downMap(shift, width, names.length * shiftRank)));
  const lows = split(
    low,
    names.map(() => shiftRank),
    -1,
  );
  const entries = names.map((name, i): [Part, Tensor] => {
    const change = linear(lows[i]!, upMap(shift.within(name), shiftRank, width));
    const share = shareByFeature(scope.within(name), width, parts[name]);
    return [name, mixTokens(x, before, subtract(share, change))];
  });
  return Object.fromEntries(entries) as Record<Part, Tensor>;
}

function downMap(scope: Scope, width: number, rank: number): Tensor {
  const zeros = { kind: "constant", value: 0 } as const;
  return scope.parameter("down", { shape: [width, rank], initializer: zeros, role: "hidden" });
}

function upMap(scope: Scope, rank: number, width: number): Tensor {
  const initializer = { kind: "uniform", low: -BOUND, high: BOUND } as const;
  return scope.parameter("up", { shape: [rank, width], initializer, role: "hidden" });
}
