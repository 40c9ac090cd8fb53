// What an architecture may be asked for with, and the complete form it resolves to. Checks single settings only.
import { z } from "zod";
import { type ClassToken, classTokenNames } from "../nn/embedding.ts";
import { type NormName, normNames, usualEpsilon } from "../nn/norm.ts";
import type { Paths } from "../nn/paths.ts";
import { type Pool, poolNames } from "../nn/pooling.ts";
import { numberBetween, oneOf, positiveNumber, trueOrFalse, wholeNumber } from "../strict.ts";
import type { Loop } from "./loop.ts";
import type { SourceEntry, SourceItem } from "./sources.ts";

/** How the primitives of a block and their norms lie on the residual stream. */
export const blockNames = ["pre", "post", "parallel", "none"] as const;
export type BlockName = (typeof blockNames)[number];

export const positionNames = ["learned", "rope", "alibi", "none"] as const;
export type PositionName = (typeof positionNames)[number];

/** What makes logits of all places out of a pooled one: a multilayer perceptron over each. */
export const decoderNames = ["mlp"] as const;
export type DecoderName = (typeof decoderNames)[number];

/** Settings of the whole model. */
export const own = {
  /** V, how many token ids there are, or outputs. */
  vocabulary: wholeNumber().describe("Token ids, or outputs."),
  /** T, the longest sequence. */
  length: wholeNumber().describe("Tokens of the longest sequence."),
  /** D, features of the residual stream. */
  width: wholeNumber().describe("Features of the residual stream."),
  /** Numbers at each place of a sequence, which a linear map with a bias embeds; null: token ids. */
  inputs: wholeNumber().nullable().default(null).describe("Numbers at each place; null: token ids."),
  /** Features of the table of tokens, which a linear map with a bias then widens; null: the width. */
  embeddingWidth: wholeNumber()
    .nullable()
    .default(null)
    .describe("Features of the table of tokens, mapped to the width; null: the width."),
  /** The embedding is normalised, as in BERT. */
  embeddingNorm: trueOrFalse().default(false).describe("The embedding is normalised."),
  /** Rows of a table whose first one is added to every token, as BERT has for the sentences of a pair; null: none. */
  tokenTypes: wholeNumber()
    .nullable()
    .default(null)
    .describe("Kinds of tokens; the first one's features are added to all."),
  /** What stands at one more place in front of the sequence. */
  classToken: oneOf(classTokenNames)
    .nullable()
    .default(null)
    .describe("One more place in front: zero or learned features; null: none."),
  /** Primitives of one period: a pattern, or a list. Default: attention, then `activation`. */
  stripe: z.unknown().optional(),
  /** Primitives in front of the repeated stripe, and after it. */
  first: z.unknown().optional(),
  last: z.unknown().optional(),
  /** How often the stripe is repeated; default 1. `layers` is another name for it. */
  repeat: wholeNumber().optional().describe("How often the stripe is repeated; default 1."),
  layers: wholeNumber().optional().describe("Another name for repeat."),
  /** The feed-forward primitive of the default stripe. */
  activation: z
    .string("expected a primitive's name")
    .optional()
    .describe("The feed-forward primitive of the default stripe."),
  norm: oneOf(normNames)
    .default("layer")
    .describe("layer (scale and bias), layerUnbiased (scale), rms (scale) or none."),
  normEpsilon: positiveNumber()
    .default(usualEpsilon)
    .describe("Added to the variance before the root, in the norms of blocks, embedding and head."),
  block: oneOf(blockNames)
    .default("pre")
    .describe(
      "Norms before each primitive, after each sum, all primitives on one input, or no residual path.",
    ),
  positions: oneOf(positionNames)
    .default("learned")
    .describe("A learned table, rotary positions, linear biases (alibi), or none."),
  /** The one place that stands for the whole sequence; null: each place has logits of its own. */
  pool: oneOf(poolNames)
    .nullable()
    .default(null)
    .describe(
      "One answer for the sequence: of the class token, of the average, of the last place; null: one a place.",
    ),
  /** What makes logits of all places from the pooled one; null: there is one answer. */
  decoder: oneOf(decoderNames)
    .nullable()
    .default(null)
    .describe("mlp: logits of every place from the pooled one."),
  /** tanh(W · x + b) in front of the head, as wide as the model. */
  representation: trueOrFalse().default(false).describe("A tanh layer in front of the head."),
  /** The head shares the embedding's table. */
  tie: trueOrFalse().default(false).describe("The head shares the embedding's table."),
  headBias: trueOrFalse().default(false).describe("The head has a bias."),
  /** Text may be learned by a model that sees the tokens it has to predict. */
  allowNonCausal: trueOrFalse()
    .default(false)
    .describe("Train on text although a primitive sees later tokens."),
  /** Rate of dropout after the embedding and every primitive, while training. */
  dropout: numberBetween(0, 1).default(0).describe("Share of features dropped while training."),
  /** Rate at which the last primitive is left out, a sequence at a time, while training; earlier ones linearly less. */
  stochasticDepth: numberBetween(0, 1)
    .default(0)
    .describe("Share of sequences for which the last primitive is left out while training."),
  /** Logits are multiplied by it; absent: 1. */
  logitScale: positiveNumber().optional().describe("Logits are multiplied by it; default 1."),
  /** What every primitive adds to the residual stream is multiplied by it; absent: 1. */
  residualScale: positiveNumber()
    .optional()
    .describe("What a primitive adds to the residual stream is multiplied by it; default 1."),
  /** How often each block of the stripe is applied, and what stands between; null: once. */
  loop: z.unknown().optional(),
  /** Copies of every primitive beside each other; null: each stands alone. */
  paths: z.unknown().optional(),
  /** Shares of the feed-forward width that are trained in turn; null: only the whole. */
  nested: z.unknown().optional(),
  /** Which blocks have their parameters in common: settings of the source of that name. */
  share: z.unknown().optional(),
  /** What stands between the primitives and the stored parameters. */
  sources: z.unknown().optional(),
  /** Of every matrix at the start. */
  standardDeviation: positiveNumber().default(0.02).describe("Of every matrix at the start."),
};

/** Settings of primitives that may be given once for all that have them. */
export const sharedKeys = [
  "heads",
  "kvHeads",
  "headWidth",
  "baseHeadWidth",
  "window",
  "causal",
  "rotaryBase",
  "rotaryShare",
  "queryKeyNorm",
  "feedforward",
  "bias",
] as const;

const shared = Object.fromEntries(sharedKeys.map((key) => [key, z.unknown().optional()]));

export const architectureSchema = z.object({ ...own, ...shared } as typeof own);

/** One place of a stripe as it may be given: `attention`, `attention(heads: 8)`, or settings under their names. */
export type StripeItem = string | Readonly<{ primitive: string } & Record<string, unknown>>;

/** What `defineArchitecture` takes; everything but vocabulary, length and width has a default. */
export interface ArchitectureInput {
  readonly vocabulary: number;
  readonly length: number;
  readonly width: number;
  readonly inputs?: number | null;
  readonly embeddingWidth?: number | null;
  readonly embeddingNorm?: boolean;
  readonly tokenTypes?: number | null;
  readonly classToken?: ClassToken | null;
  readonly stripe?: string | readonly StripeItem[];
  readonly first?: readonly StripeItem[];
  readonly last?: readonly StripeItem[];
  readonly repeat?: number;
  readonly layers?: number;
  readonly activation?: string;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly headWidth?: number;
  readonly baseHeadWidth?: number;
  readonly window?: number | null;
  readonly causal?: boolean;
  readonly rotaryBase?: number;
  readonly rotaryShare?: number;
  readonly queryKeyNorm?: NormName;
  readonly feedforward?: number;
  readonly bias?: boolean;
  readonly norm?: NormName;
  readonly normEpsilon?: number;
  readonly block?: BlockName;
  readonly positions?: PositionName;
  readonly pool?: Pool | null;
  readonly decoder?: DecoderName | null;
  readonly representation?: boolean;
  readonly tie?: boolean;
  readonly headBias?: boolean;
  readonly allowNonCausal?: boolean;
  readonly dropout?: number;
  readonly stochasticDepth?: number;
  readonly logitScale?: number;
  readonly residualScale?: number;
  readonly loop?: Readonly<Partial<Loop>> | null;
  readonly paths?: number | Readonly<Partial<Paths>> | null;
  readonly nested?: readonly number[] | null;
  readonly share?: Readonly<Record<string, unknown>> | null;
  readonly sources?: readonly SourceItem[];
  readonly standardDeviation?: number;
}

/** One place of the stripe: a primitive's name and all its settings. */
export type StripeEntry = Readonly<{ primitive: string } & Record<string, unknown>>;

/** The complete form. It is JSON, and defining it again gives the same. */
export interface Architecture {
  readonly vocabulary: number;
  readonly length: number;
  readonly width: number;
  readonly inputs: number | null;
  readonly embeddingWidth: number | null;
  readonly embeddingNorm: boolean;
  readonly tokenTypes: number | null;
  readonly classToken: ClassToken | null;
  readonly first: readonly StripeEntry[];
  readonly stripe: readonly StripeEntry[];
  readonly repeat: number;
  readonly last: readonly StripeEntry[];
  readonly norm: NormName;
  readonly normEpsilon: number;
  readonly block: BlockName;
  readonly positions: PositionName;
  readonly pool: Pool | null;
  readonly decoder: DecoderName | null;
  readonly representation: boolean;
  readonly tie: boolean;
  readonly headBias: boolean;
  readonly allowNonCausal: boolean;
  readonly dropout: number;
  readonly stochasticDepth: number;
  /** Absent: 1. */
  readonly logitScale?: number;
  readonly residualScale?: number;
  readonly loop: Loop | null;
  readonly paths: Paths | null;
  readonly nested: readonly number[] | null;
  readonly sources: readonly SourceEntry[];
  readonly standardDeviation: number;
}
