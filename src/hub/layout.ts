// What a public layout says of itself: its name, its keys of config.json, and how its tensors hold our parameters. A layout is
// data and small functions; who reads, writes or grows folders asks these and never which layout it is.
import type { Architecture, ArchitectureInput } from "../architecture/schema.ts";
import { RequestError } from "../errors.ts";
import { type GrowthPlace, placesIn } from "../growth/places.ts";
import type { GrowthStep } from "../growth/steps.ts";
import { show } from "../strict.ts";
import type { Shape } from "../tensor/tensor.ts";

export type Config = Readonly<Record<string, unknown>>;

/** One tensor of a file as a matrix, or a vector, and what of ours it holds. */
export interface LayoutTensor {
  /** Without the layout's prefix where it begins with one. */
  readonly name: string;
  /** Parameters of ours that lie in it one after the other, as columns (of a vector: as parts). */
  readonly parts: readonly string[];
  /** Its rows are our columns. */
  readonly transposed: boolean;
  /** Its shape in the file, where that is not the matrix's. */
  readonly shape?: (matrix: Shape) => Shape;
  /** For each of its columns the column of the matrix that it holds; absent: the same. */
  readonly columns?: Int32Array;
}

/** What has to grow as well, or what of the result is worth saying. */
export interface Tie {
  readonly step?: GrowthStep;
  /** One line. */
  readonly why: string;
}

export interface Layout {
  /** `model_type` in config.json. */
  readonly type: string;
  /** What `architectures` names, the network with its head. */
  readonly model: string;
  /** What all names of tensors but some begin with; base models are stored without it. */
  readonly prefix: string;
  /** Tensors that are no parameters, or stand there twice; they are passed over. */
  readonly ignored: RegExp | null;
  /** Errors: RequestError for a setting that our networks do not have. */
  architecture(keys: ConfigKeys): ArchitectureInput;
  /** The keys that describe an architecture. Errors: RequestError where the layout has none for it. */
  config(architecture: Architecture, before: Config): Config;
  tensors(architecture: Architecture): readonly LayoutTensor[];
  /** What the layout ties to sizes that have grown. Errors: RequestError where nothing fits them. */
  ties(before: Architecture, after: Architecture): readonly Tie[];
}

/** Settings of a config.json by their keys. Errors: RequestError that names key and file. */
export interface ConfigKeys {
  whole(key: string, otherwise?: number): number;
  number(key: string, otherwise?: number): number;
  flag(key: string, otherwise: boolean): boolean;
  /** The value that a word stands for. */
  word<T>(key: string, known: Readonly<Record<string, T>>, otherwise?: string): T;
  /** Undefined where it is absent or null. */
  raw(key: string): unknown;
  /** Whether it is there, be it null. */
  has(key: string): boolean;
  wrong(key: string, expected: string): RequestError;
}

export function configKeys(path: string, config: Config): ConfigKeys {
  const raw = (key: string): unknown => (Object.hasOwn(config, key) ? (config[key] ?? undefined) : undefined);
  const wrong = (key: string, expected: string) =>
    new RequestError(
      `${path}: ${key} is ${raw(key) === undefined ? "missing" : show(raw(key))}; expected ${expected}`,
    );
  const number = (key: string, otherwise?: number): number => {
    const value = raw(key) ?? otherwise;
    if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
    throw wrong(key, "a number above 0");
  };
  return {
    raw,
    has: (key) => Object.hasOwn(config, key),
    wrong,
    number,
    whole(key, otherwise) {
      const value = raw(key) ?? otherwise;
      if (Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 31)
        return value as number;
      throw wrong(key, "a whole number above 0");
    },
    flag(key, otherwise) {
      const value = raw(key) ?? otherwise;
      if (typeof value === "boolean") return value;
      throw wrong(key, "true or false");
    },
    word(key, known, otherwise) {
      const value = raw(key) ?? otherwise;
      if (typeof value === "string" && Object.hasOwn(known, value)) return known[value]!;
      throw wrong(key, Object.keys(known).join(" or "));
    },
  };
}

/** A linear map's weight, stored by rows of its outputs, and its bias. */
export function linearTensors(name: string, parameter: string, bias: boolean): LayoutTensor[] {
  return [
    { name: `${name}.weight`, parts: [`${parameter}.weight`], transposed: true },
    ...(bias ? [plainTensor(`${name}.bias`, `${parameter}.bias`)] : []),
  ];
}

/** A norm's scale, and its bias. */
export function normTensors(name: string, parameter: string, bias: boolean): LayoutTensor[] {
  return [
    plainTensor(`${name}.weight`, `${parameter}.scale`),
    ...(bias ? [plainTensor(`${name}.bias`, `${parameter}.bias`)] : []),
  ];
}

/** A tensor that is stored as we store it. */
export function plainTensor(name: string, parameter: string): LayoutTensor {
  return { name, parts: [parameter], transposed: false };
}

/** Settings of the attention of a block, complete. */
export interface AttentionSettings {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headWidth: number;
  readonly valueWidth?: number;
  readonly window: number | null;
  readonly causal: boolean;
  readonly positions: string;
  readonly rotaryBase: number;
  readonly rotaryShare: number;
  readonly rotaryScaling?: { factor: number; low: number; high: number; length: number };
  readonly queryKeyNorm: string;
  readonly bias: boolean;
  readonly outputBias?: boolean;
}

/** Settings of the feed-forward layer of a block, complete. */
export interface FeedforwardSettings {
  readonly primitive: string;
  readonly feedforward: number;
  readonly bias: boolean;
  readonly activationAfter?: boolean;
}

/** A block: attention, then a feed-forward layer, with what their parameters' names begin with. */
export interface TransformerBlock {
  readonly attention: AttentionSettings;
  readonly feedforward: FeedforwardSettings;
  readonly attentionPrefix: string;
  readonly feedforwardPrefix: string;
}

/**
 * The blocks of a Transformer whose norms stand before its primitives. Errors: RequestError where an architecture is another kind
 * of network than the layout named `type`.
 */
export function transformerBlocks(type: string, architecture: Architecture): TransformerBlock[] {
  requirePlain(type, architecture);
  const places = placesIn(architecture);
  return Array.from({ length: Math.ceil(places.length / 2) }, (_, i) => {
    const [first, second] = places.slice(2 * i, 2 * i + 2) as [GrowthPlace, GrowthPlace | undefined];
    if (first.entry.primitive !== "attention" || second === undefined || !("feedforward" in second.entry)) {
      const names = places.map(({ entry }) => entry.primitive).slice(0, 6);
      throw unlike(type, `its places are ${names.join(", ")}`, "attention and a feed-forward layer in turn");
    }
    return {
      attention: first.entry as unknown as AttentionSettings,
      feedforward: second.entry as unknown as FeedforwardSettings,
      attentionPrefix: first.prefix,
      feedforwardPrefix: second.prefix,
    };
  });
}

/** The block that all are alike; layouts say sizes once for all. Errors: RequestError where blocks differ. */
export function commonBlock(type: string, blocks: readonly TransformerBlock[]): TransformerBlock {
  const [first] = blocks;
  const settings = ({ attention, feedforward }: TransformerBlock) => JSON.stringify([attention, feedforward]);
  if (blocks.every((block) => settings(block) === settings(first!))) return first!;
  throw unlike(type, "its blocks differ in size", "the same sizes in all blocks");
}

/** Errors: RequestError where a setting has another value than the layout's networks. */
export function requireSettings(
  type: string,
  given: object,
  expected: Readonly<Record<string, unknown>>,
): void {
  for (const [key, value] of Object.entries(expected)) {
    const found = (given as Record<string, unknown>)[key] ?? null;
    if (found !== value) throw unlike(type, `its ${key} is ${show(found)}`, show(value));
  }
}

export function unlike(type: string, what: string, expected: string): RequestError {
  return new RequestError(`the layout ${type} has nothing for this network: ${what}; expected ${expected}`);
}

function requirePlain(type: string, architecture: Architecture): void {
  const none = { loop: null, paths: null, tokenTypes: null, embeddingWidth: null, embeddingNorm: false };
  requireSettings(type, architecture, { block: "pre", decoder: null, representation: false, ...none });
  const [source] = architecture.sources;
  if (source !== undefined) throw unlike(type, `it has the parameter source ${source.source}`, "none");
}
