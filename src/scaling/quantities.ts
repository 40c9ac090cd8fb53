// What runs are described by: names, units, and the values they can have. Knows no law and no file.

/** What is known of a kind of column. */
export interface QuantityDescription {
  readonly unit: string;
  /** What it can be at all; outside, a unit must be wrong. */
  readonly least: number;
  readonly most: number;
  /** What files call it, in small letters and digits alone. */
  readonly aliases: readonly string[];
}

const count = { least: 1, most: 1e18 };

/** Every quantity that laws are about. */
export const quantities = {
  parameters: {
    ...{ unit: "parameters", least: 100, most: 1e16 },
    aliases: [
      "n",
      "params",
      "nparams",
      "modelsize",
      "size",
      "numparams",
      "parametercount",
      "modelparams",
      "totalparams",
      "modeln",
    ],
  },
  tokens: {
    ...{ unit: "tokens", least: 1000, most: 1e18 },
    aliases: ["d", "ntokens", "trainingtokens", "traintokens", "numtokens", "data", "toks", "traintoks"],
  },
  uniqueTokens: {
    ...{ unit: "tokens", least: 1000, most: 1e18 },
    aliases: ["ud", "unique", "uniquetokens"],
  },
  flops: {
    ...{ unit: "FLOP", least: 1e6, most: 1e32 },
    aliases: ["c", "flop", "compute", "trainingflop", "trainingflops", "trainflops"],
  },
  loss: {
    ...{ unit: "nat a token", least: 1e-6, most: 50 },
    aliases: [
      "l",
      "valloss",
      "validationloss",
      "evalloss",
      "testloss",
      "finalloss",
      "crossentropy",
      "xent",
      "nll",
    ],
  },
  error: { ...{ unit: "share", least: 1e-9, most: 1 }, aliases: ["toperror", "top1error", "err"] },
  steps: { ...{ unit: "steps", ...count }, aliases: ["s", "nsteps", "smin", "minsteps"] },
  batchTokens: { ...{ unit: "tokens", ...count }, aliases: ["b", "bcrit", "criticalbatch", "batch"] },
  experts: { ...{ unit: "experts", least: 1, most: 1e7 }, aliases: ["e", "nexperts", "numexperts"] },
  granularity: { ...{ unit: "", least: 1e-3, most: 1e6 }, aliases: ["g"] },
  sparsity: { ...{ unit: "share of inactive experts", least: 0, most: 0.999999 }, aliases: ["s"] },
  depth: { ...{ unit: "layers", least: 1, most: 1e6 }, aliases: ["layers", "nlayers", "l"] },
  width: { ...{ unit: "features", least: 1, most: 1e7 }, aliases: ["dmodel", "hidden", "hiddensize"] },
  state: { ...{ unit: "numbers of state", ...count }, aliases: ["m", "statesize", "totalstate"] },
  perplexity: { ...{ unit: "", least: 1, most: 1e9 }, aliases: ["ppl", "p"] },
  growthTokens: { ...{ unit: "tokens", least: 1, most: 1e18 }, aliases: ["growth", "tokensatgrowth"] },
} as const satisfies Readonly<Record<string, QuantityDescription>>;

/** The name of a quantity, which is also the name of its column. */
export type Quantity = keyof typeof quantities;

/** The least and the most of them. */
export function rangeOf(values: readonly number[]): [low: number, high: number] {
  return [Math.min(...values), Math.max(...values)];
}
