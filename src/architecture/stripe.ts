// The stripe of an architecture: from what was asked for to primitives with all their settings, and back to a pattern.
import { RequestError } from "../errors.ts";
import { isObject } from "../json.ts";
import { withPaths } from "../nn/paths.ts";
import type { Module, Primitive, Surroundings } from "../nn/primitive.ts";
import { primitives } from "../nn/primitives.ts";
import { expectedOneOf, show } from "../strict.ts";
import { timesOf } from "./loop.ts";
import {
  MOST_PRIMITIVES,
  type Pattern,
  type PatternItem,
  type Place,
  parsePattern,
  parsePlace,
  repeatPlaces,
} from "./pattern.ts";
import type { Architecture, StripeEntry } from "./schema.ts";

/** A known primitive with the settings it was given. */
export interface Known {
  readonly primitive: Primitive;
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface KnownPattern {
  readonly first: readonly Known[];
  readonly stripe: readonly Known[];
  readonly repeat: number;
  readonly last: readonly Known[];
}

/** Settings `stripe`, `first` and `last` as they were given, with the number of repetitions where one was. */
export function readStripe(
  given: { readonly stripe: unknown; readonly first?: unknown; readonly last?: unknown },
  repeat: number | undefined,
): KnownPattern {
  const pattern: Pattern =
    typeof given.stripe === "string"
      ? parsePattern(given.stripe, repeat, "architecture: stripe")
      : {
          first: [],
          ...repeatPlaces(readList(given.stripe, "stripe", 1), repeat, "architecture: stripe"),
          last: [],
        };
  const outer = (key: "first" | "last") =>
    repeatPlaces(readList(given[key] ?? [], key, 0), 1, `architecture: ${key}`).stripe;
  const first = [...outer("first"), ...pattern.first];
  const last = [...pattern.last, ...outer("last")];
  const size = first.length + pattern.stripe.length * pattern.repeat + last.length;
  if (size > MOST_PRIMITIVES) {
    throw new RequestError(
      `architecture: a stripe of ${pattern.stripe.length} repeated ${pattern.repeat} times has ${size} primitives; ` +
        `expected at most ${MOST_PRIMITIVES}`,
    );
  }
  const know = (items: readonly PatternItem[], key: string) =>
    items.map((item, i) => known(item, `architecture: ${key}[${i}]`));
  return {
    first: know(first, "first"),
    stripe: know(pattern.stripe, "stripe"),
    repeat: pattern.repeat,
    last: know(last, "last"),
  };
}

function readList(list: unknown, key: string, least: number): Place[] {
  const what = `architecture: ${key}`;
  if (!Array.isArray(list)) {
    const pattern = key === "stripe" ? 'a pattern such as "[attention, swiglu] × 3" or ' : "";
    throw new RequestError(`${what} is ${show(list)}; expected ${pattern}a list of primitives`);
  }
  if (list.length < least) throw new RequestError(`${what} is []; expected at least one primitive`);
  if (list.length > MOST_PRIMITIVES) {
    throw new RequestError(
      `${what} has ${list.length} places; expected at most ${MOST_PRIMITIVES} primitives`,
    );
  }
  return list.map((entry, i) => readPlace(entry, `${what}[${i}]`));
}

const plainName = /^[A-Za-z_][\w-]*$/;

function readPlace(entry: unknown, what: string): Place {
  if (typeof entry === "string") {
    return /[^\p{L}\p{N}\s_-]/u.test(entry) ? parsePlace(entry, what) : { name: entry, settings: {} };
  }
  if (typeof entry !== "object" || entry === null || !("primitive" in entry)) {
    throw new RequestError(
      `${what} is ${show(entry)}; expected a primitive's name or { "primitive": name, ... }`,
    );
  }
  const { primitive: name, ...settings } = entry;
  return { name, settings };
}

/** Errors: RequestError, begun by `what`, where a text is not the name of a primitive, perhaps with settings. */
export function requirePrimitive(text: string, what: string): void {
  known(readPlace(text, what), what);
}

function known({ name, settings }: PatternItem, what: string): Known {
  const primitive = typeof name === "string" ? primitives.get(name) : undefined;
  if (primitive === undefined) {
    throw new RequestError(`${what} is ${show(name)}; ${expectedOneOf(name, [...primitives.keys()])}`);
  }
  return { primitive, settings };
}

/** A part of a model whose modules follow each other: what is in front, one repetition of the stripe, what comes last. */
export interface Block {
  /** `first`, `block.0`, `block.1`, …, `last`; where blocks are applied several times, one after the other. */
  readonly path: string;
  /** The block before it has the same parameters, and a map of its own stands between. */
  readonly mapped: boolean;
  /** With names that differ within the block. */
  readonly places: readonly { readonly name: string; readonly module: Module }[];
}

/** P, places of the longest sequence inside the model: its tokens, and one more for a class token. */
export function placesOf({ length, classToken }: Pick<Architecture, "length" | "classToken">): number {
  return classToken === null ? length : length + 1;
}

/** What primitives see of the model they stand in. */
export function surroundingsOf(
  architecture: Pick<Architecture, "width" | "standardDeviation" | "length" | "classToken">,
): Surroundings {
  const { width, standardDeviation } = architecture;
  return { width, standardDeviation, length: placesOf(architecture) };
}

/** Errors: RequestError where blocks are applied so often that there are too many places. */
export function checkApplications(architecture: Architecture): void {
  const { stripe, repeat, paths } = architecture;
  const places = stripe.length * repeat * timesOf(architecture) * (paths?.count ?? 1);
  if (places <= MOST_PRIMITIVES) return;
  throw new RequestError(
    `architecture: with its loop and paths, the stripe of ${stripe.length} repeated ${repeat} times has ${places} primitives; ` +
      `expected at most ${MOST_PRIMITIVES}`,
  );
}

/** All blocks in order. */
export function blocksOf(architecture: Architecture): Block[] {
  const first = modulesAt(architecture, architecture.first);
  const stripe = modulesAt(architecture, architecture.stripe);
  const last = modulesAt(architecture, architecture.last);
  const times = timesOf(architecture);
  return [
    ...(first.length === 0 ? [] : [{ path: "first", mapped: false, places: first }]),
    ...Array.from({ length: architecture.repeat * times }, (_, i) => ({
      path: `block.${i}`,
      mapped: architecture.loop?.between === "projection" && i % times > 0,
      places: stripe,
    })),
    ...(last.length === 0 ? [] : [{ path: "last", mapped: false, places: last }]),
  ];
}

/** The modules, each place of the stripe once. */
export function stripeModules(architecture: Architecture): Module[] {
  const { first, stripe, last } = architecture;
  return [first, stripe, last].flatMap((entries) =>
    modulesAt(architecture, entries).map(({ module }) => module),
  );
}

function modulesAt(architecture: Architecture, entries: readonly StripeEntry[]): Block["places"] {
  const surroundings = surroundingsOf(architecture);
  const { paths } = architecture;
  const modules = entries.map(({ primitive, ...settings }) =>
    primitives.get(primitive)!.configure(`architecture: ${primitive}`, settings, surroundings),
  );
  const names = distinctNames(modules.map(({ name }) => name));
  return modules.map((module, i) => ({
    name: names[i]!,
    module: paths === null ? module : withPaths(module, paths),
  }));
}

/** Names of places: a primitive's name, from its second place on with a number, the first that makes no other's name. */
function distinctNames(names: readonly string[]): string[] {
  const taken = new Set(names);
  const counts = new Map<string, number>();
  return names.map((name) => {
    let count = (counts.get(name) ?? 0) + 1;
    if (count > 1) {
      // mamba, mamba, mamba2: the second is mamba3.
      while (taken.has(`${name}${count}`)) count++;
      taken.add(`${name}${count}`);
    }
    counts.set(name, count);
    return count === 1 ? name : `${name}${count}`;
  });
}

/** The pattern of an architecture, with the settings that differ from their defaults; read again it is the same. */
export function printStripe(architecture: Architecture): string {
  const { first, stripe, repeat, last } = architecture;
  const list = (entries: readonly StripeEntry[]) =>
    `[${entries.map((entry) => printEntry(entry, architecture)).join(", ")}]`;
  const alone = first.length + last.length === 0;
  const main = repeat === 1 && alone ? list(stripe) : `${list(stripe)} × ${repeat}`;
  return [
    ...(first.length === 0 ? [] : [list(first)]),
    main,
    ...(last.length === 0 ? [] : [list(last)]),
  ].join(" + ");
}

/** One place as a pattern has it. */
export function printEntry(entry: StripeEntry, architecture: Architecture): string {
  const { primitive: name, ...settings } = ownSettings(entry, architecture);
  const shown = Object.entries(settings).map(([key, value]) => `${key}: ${printValue(value)}`);
  return shown.length === 0 ? name : `${name}(${shown.join(", ")})`;
}

/** The settings of a place that are not the defaults its architecture gives it. */
export function ownSettings(
  { primitive: name, ...settings }: StripeEntry,
  architecture: Architecture,
): StripeEntry {
  const primitive = primitives.get(name)!;
  const given: Record<string, unknown> = primitive.keys.includes("positions")
    ? { positions: architecture.positions }
    : {};
  const own: Record<string, unknown> = {};
  const surroundings = surroundingsOf(architecture);
  // One setting can decide the default of another.
  for (const [key, value] of Object.entries(settings)) {
    if (defaults(primitive, given, surroundings)?.[key] === value) continue;
    given[key] = value;
    own[key] = value;
  }
  return { primitive: name, ...own };
}

function defaults(primitive: Primitive, given: Record<string, unknown>, surroundings: Surroundings) {
  try {
    return primitive.configure(primitive.name, given, surroundings).configuration;
  } catch (error) {
    // So far these settings do not fit together: all of them are needed.
    if (error instanceof RequestError) return undefined;
    throw error;
  }
}

function printValue(value: unknown): string {
  const isPlain = typeof value === "string" ? plainName.test(value) : !isObject(value);
  return isPlain ? String(value) : JSON.stringify(value);
}
