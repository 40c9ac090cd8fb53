// A small network of every primitive, and the ways in which it grows.

export interface Case {
  /** Settings of the small network's primitive. */
  readonly settings?: Record<string, unknown>;
  /** The width of 9 becomes this, by default 18; a text: what the refusal says. */
  readonly width?: number | string;
  readonly from?: number;
  /** Settings that grow, each by itself. */
  readonly grows?: readonly Record<string, unknown>[];
  /** Parameters with entries that this batch cannot reach: units that are off, experts that nobody chooses, what is not read. */
  readonly unreached?: RegExp;
  /** What the refusal of a new layer says. */
  readonly layers?: string;
}

/** By primitive. */
export const cases: Record<string, Case> = {
  attention: { settings: { heads: 3 }, grows: [{ heads: 4 }, { headWidth: 5 }, { valueWidth: 4 }] },
  "relative-attention": {
    from: 8,
    width: 16,
    settings: { heads: 2, bias: true },
    grows: [{ heads: 3 }, { headWidth: 5 }],
  },
  "rwkv-channel": { unreached: /key\.weight/, settings: { feedforward: 10 }, grows: [{ feedforward: 12 }] },
  "rwkv4-time": {},
  "hyena-experts": { settings: { experts: 3 }, width: "by the width", grows: [{ filterWidth: 70 }] },
  "mh-hyena": { settings: { heads: 3 }, width: 12, from: 9, grows: [{ filterWidth: 66 }] },
  hyena: { width: 17, grows: [{ filterWidth: 66 }] },
  lstm: { settings: { hidden: 5 }, grows: [{ hidden: 7 }] },
  "min-gru": { settings: { hidden: 5 }, grows: [{ hidden: 7 }] },
  "rg-lru": {
    settings: { recurrentWidth: 6, blocks: 2 },
    grows: [{ recurrentWidth: 9, blocks: 3 }, { recurrentWidth: 12 }],
  },
  mamba: { settings: { state: 3 }, grows: [{ state: 5 }, { expand: 3 }, { rank: 2 }] },
  relu: { unreached: /up\.weight/, settings: { feedforward: 10 }, grows: [{ feedforward: 12 }] },
  squaredRelu: { unreached: /up\.weight/, settings: { feedforward: 10 }, grows: [{ feedforward: 12 }] },
  gelu: { settings: { feedforward: 10, activationAfter: true }, grows: [{ feedforward: 12 }] },
  geluExact: { settings: { feedforward: 10, bias: true }, grows: [{ feedforward: 12 }] },
  swiglu: { settings: { feedforward: 10, bias: true }, grows: [{ feedforward: 12 }] },
  geglu: { settings: { feedforward: 10 }, grows: [{ feedforward: 12 }] },
  moe: {
    unreached: /moe\.(up|down)\.(weight|bias)/,
    settings: { experts: 4, feedforward: 6, sharedExperts: 1, bias: true },
    grows: [{ feedforward: 8 }, { experts: 8 }, { sharedExperts: 2 }],
  },
  "moe-expert-choice": {
    settings: { experts: 3, capacity: 1, feedforward: 6, network: "swiglu" },
    grows: [{ feedforward: 8 }, { experts: 6 }],
  },
  "moe-mlp": { unreached: /gates/, settings: { experts: 3, feedforward: 4 }, grows: [{ feedforward: 6 }] },
  nonlinearity: { settings: { function: "tanh" }, layers: "no parameters" },
  "linear-attention": {
    settings: { heads: 3, featureMap: "taylor", bias: true },
    grows: [{ keyWidth: 4 }],
  },
  retnet: { from: 8, width: 12, settings: { heads: 4 } },
  mamba2: { settings: { state: 4, headWidth: 6 }, grows: [{ state: 6 }] },
  "delta-net": { settings: { heads: 3 }, width: 12 },
  "gated-delta-net": {
    settings: { heads: 2, keyWidth: 6, valueWidth: 8 },
    grows: [{ valueWidth: 16 }, { heads: 3 }],
  },
  "gated-linear-attention": {
    settings: { heads: 2, keyWidth: 6, valueWidth: 8 },
    grows: [{ valueWidth: 24 }, { heads: 3 }, { keyWidth: 12 }, { rank: 20 }],
  },
  "rwkv5-time": { settings: { heads: 3 }, width: 12 },
  "rwkv6-time": {
    settings: { heads: 3, shiftRank: 2, decayRank: 3 },
    width: 12,
    grows: [{ shiftRank: 4 }, { decayRank: 5 }],
  },
};
