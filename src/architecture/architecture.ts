// An architecture as plain data: what may be asked for, and the complete form it resolves to. Knows no training.
import { z } from "zod";
import { RequestError } from "../errors.ts";
import { normNames } from "../nn/norm.ts";
import type { Module, Primitive, Surroundings } from "../nn/primitive.ts";
import { primitives } from "../nn/primitives.ts";
import {
  expectedOneOf,
  numberBetween,
  oneOf,
  parseStrict,
  positiveNumber,
  show,
  wholeNumber,
} from "../strict.ts";

/** More would take longer to plan than anybody waits. */
const MOST_PRIMITIVES = 10_000;

const trueOrFalse = () => z.boolean("expected true or false");

const own = {
  /** V, how many token ids there are. */
  vocabulary: wholeNumber(),
  /** T, the longest sequence. */
  length: wholeNumber(),
  /** D, features of the residual stream. */
  width: wholeNumber(),
  /** Primitives of one period, each a name or `{ primitive, ...settings }`; default: attention, then `activation`. */
  stripe: z
    .array(z.unknown(), "expected a list of primitives")
    .min(1, "expected at least one primitive")
    .max(MOST_PRIMITIVES, `expected at most ${MOST_PRIMITIVES} primitives`)
    .optional(),
  /** How often the stripe is repeated; default 1. `layers` is another name for it. */
  repeat: wholeNumber().optional(),
  layers: wholeNumber().optional(),
  /** The feed-forward primitive of the default stripe. */
  activation: z.string("expected a primitive's name").optional(),
  norm: oneOf(normNames).default("layer"),
  positions: oneOf(["learned", "rope", "none"]).default("learned"),
  /** The head shares the embedding's table. */
  tie: trueOrFalse().default(false),
  /** Rate of dropout after the embedding and every primitive, while training. */
  dropout: numberBetween(0, 1).default(0),
  /** Of every matrix at the start. */
  standardDeviation: positiveNumber().default(0.02),
};

/** Settings of primitives that may be given once for all that have them. */
const shared = {
  heads: z.unknown().optional(),
  kvHeads: z.unknown().optional(),
  window: z.unknown().optional(),
  causal: z.unknown().optional(),
  rotaryBase: z.unknown().optional(),
  feedforward: z.unknown().optional(),
  bias: z.unknown().optional(),
};

const schema = z.object({ ...own, ...shared });

/** What `defineArchitecture` takes; everything but vocabulary, length and width has a default. */
export interface ArchitectureInput {
  readonly vocabulary: number;
  readonly length: number;
  readonly width: number;
  readonly stripe?: readonly (string | Readonly<{ primitive: string } & Record<string, unknown>>)[];
  readonly repeat?: number;
  readonly layers?: number;
  readonly activation?: string;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly window?: number | null;
  readonly causal?: boolean;
  readonly rotaryBase?: number;
  readonly feedforward?: number;
  readonly bias?: boolean;
  readonly norm?: "layer" | "rms";
  readonly positions?: "learned" | "rope" | "none";
  readonly tie?: boolean;
  readonly dropout?: number;
  readonly standardDeviation?: number;
}

/** One place of the stripe: a primitive's name and all its settings. */
export type StripeEntry = Readonly<{ primitive: string } & Record<string, unknown>>;

/** The complete form. It is JSON, and defining it again gives the same. */
export interface Architecture {
  readonly vocabulary: number;
  readonly length: number;
  readonly width: number;
  readonly stripe: readonly StripeEntry[];
  readonly repeat: number;
  readonly norm: "layer" | "rms";
  readonly positions: "learned" | "rope" | "none";
  readonly tie: boolean;
  readonly dropout: number;
  readonly standardDeviation: number;
}

/**
 * Fills in every default and checks that the parts fit.
 * Errors: RequestError, one line, for unknown keys (with the nearest known one) and impossible shapes.
 */
export function defineArchitecture(input: ArchitectureInput | Architecture | unknown): Architecture {
  const given = parseStrict("architecture", schema, input);
  if (given.repeat !== undefined && given.layers !== undefined && given.repeat !== given.layers) {
    throw new RequestError(
      `architecture: repeat is ${given.repeat} and layers is ${given.layers}; they mean the same, give one of them`,
    );
  }
  if (given.stripe !== undefined && given.activation !== undefined) {
    throw new RequestError(
      "architecture: activation chooses the default stripe's feed-forward layer, but a stripe is given; put it there",
    );
  }
  const { vocabulary, length, width, norm, positions, tie, dropout, standardDeviation } = given;
  const surroundings = { width, standardDeviation };
  const entries = given.stripe ?? ["attention", given.activation ?? "gelu"];
  const known = entries.map((entry, i) => readEntry(entry, `architecture: stripe[${i}]`));
  const common = commonSettings(given as Record<string, unknown>, known);
  const stripe = known.map(({ primitive, settings }) => {
    const mine = Object.fromEntries(Object.entries(common).filter(([key]) => primitive.keys.includes(key)));
    const module = primitive.configure(
      `architecture: ${primitive.name}`,
      { ...mine, ...settings },
      surroundings,
    );
    return { primitive: primitive.name, ...module.configuration };
  });
  const repeat = given.repeat ?? given.layers ?? 1;
  if (repeat * stripe.length > MOST_PRIMITIVES) {
    throw new RequestError(
      `architecture: a stripe of ${stripe.length} repeated ${repeat} times has ${repeat * stripe.length} primitives; ` +
        `expected at most ${MOST_PRIMITIVES}`,
    );
  }
  return { vocabulary, length, width, stripe, repeat, norm, positions, tie, dropout, standardDeviation };
}

interface Entry {
  readonly primitive: Primitive;
  readonly settings: Readonly<Record<string, unknown>>;
}

function readEntry(entry: unknown, what: string): Entry {
  const isObject = typeof entry === "object" && entry !== null && "primitive" in entry;
  if (typeof entry !== "string" && !isObject) {
    throw new RequestError(
      `${what} is ${show(entry)}; expected a primitive's name or { "primitive": name, ... }`,
    );
  }
  const { primitive: name, ...settings } = isObject
    ? (entry as Record<string, unknown>)
    : { primitive: entry };
  const primitive = typeof name === "string" ? primitives.get(name) : undefined;
  if (primitive === undefined) {
    throw new RequestError(`${what} is ${show(name)}; ${expectedOneOf(name, [...primitives.keys()])}`);
  }
  return { primitive, settings };
}

/** Settings given once for all; each must be known to a primitive of the stripe. */
function commonSettings(given: Record<string, unknown>, entries: readonly Entry[]): Record<string, unknown> {
  const common: Record<string, unknown> = { positions: given.positions };
  for (const key of Object.keys(shared)) {
    if (given[key] === undefined) continue;
    if (!entries.some(({ primitive }) => primitive.keys.includes(key))) {
      throw new RequestError(
        `architecture: ${key} is given, but no primitive of the stripe has it; leave it out or change the stripe`,
      );
    }
    common[key] = given[key];
  }
  return common;
}

/** The modules of one period, in order. */
export function stripeModules(architecture: Architecture): Module[] {
  const surroundings: Surroundings = architecture;
  return architecture.stripe.map(({ primitive, ...settings }) =>
    primitives.get(primitive)!.configure(`architecture: ${primitive}`, settings, surroundings),
  );
}
