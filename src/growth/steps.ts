// The ways to make an architecture larger, one at a time: sizes of primitives, the width, more layers; each gives the larger
// architecture and which of its places continue which. Knows no values. Gesmundo and Maile 2023, section 3.
import { defineArchitecture } from "../architecture/architecture.ts";
import { type Architecture, type StripeEntry, sharedKeys } from "../architecture/schema.ts";
import { surroundingsOf } from "../architecture/stripe.ts";
import { RequestError } from "../errors.ts";
import { primitives } from "../nn/primitives.ts";
import { show } from "../strict.ts";
import { type GrowthPlan, type Origins, planGrowth, widerEpsilon } from "./plan.ts";

/** One way to grow. */
export type GrowthStep =
  /** Settings of primitives, such as `feedforward` or `heads`: in all blocks, or in those repetitions of the stripe (from 0). */
  | {
      readonly grow: "settings";
      readonly to: Readonly<Record<string, unknown>>;
      readonly blocks?: readonly number[] | undefined;
    }
  | { readonly grow: "width"; readonly to: number }
  /** Repetitions of the stripe, in front of the repetition `at` (from 0), or after the last. */
  | { readonly grow: "layers"; readonly add: number; readonly at: number | "last" }
  /**
   * To an architecture with these settings, all sizes at once, new layers after the last; what is not given stays. Its
   * `normEpsilon` is the one that a wider network needs.
   */
  | { readonly grow: "architecture"; readonly to: Readonly<Record<string, unknown>> };

/** The plan of one step. Errors: RequestError, one line, where no way is known. */
export function planStep(architecture: Architecture, step: GrowthStep): GrowthPlan {
  const { to, origins } = stepTarget(architecture, step);
  return planGrowth(architecture, to, origins);
}

/** The larger architecture of a step, and what its places continue. */
export interface StepTarget {
  readonly to: Architecture;
  readonly origins: Origins;
}

/** What one step makes of an architecture. Errors: as for `planStep`. */
export function stepTarget(architecture: Architecture, step: GrowthStep): StepTarget {
  const blocks = repetitions(architecture);
  switch (step.grow) {
    case "settings": {
      const chosen = step.blocks ?? [...blocks.keys()];
      requireBlocks(chosen, blocks.length - 1);
      requireKnown(step.to, [
        ...(step.blocks === undefined ? [...architecture.first, ...architecture.last] : []),
        ...chosen.flatMap((i) => blocks[i]!),
      ]);
      const change = (entry: StripeEntry) => grownEntry(architecture, architecture, entry, step.to);
      const outer = (entries: readonly StripeEntry[]) =>
        step.blocks === undefined ? entries.map(change) : entries;
      return target(
        { ...architecture, first: outer(architecture.first), last: outer(architecture.last) },
        blocks.map((entries, i) => (chosen.includes(i) ? entries.map(change) : entries)),
      );
    }
    case "width": {
      const wider = { ...architecture, width: step.to, normEpsilon: widerEpsilon(architecture, step.to) };
      const change = (entry: StripeEntry) => grownEntry(architecture, wider, entry, {});
      return target(
        { ...wider, first: wider.first.map(change), last: wider.last.map(change) },
        blocks.map((entries) => entries.map(change)),
      );
    }
    case "layers": {
      const at = step.at === "last" ? blocks.length : step.at;
      requireBlocks([at], blocks.length);
      const like = blocks[Math.max(0, at - 1)]!;
      const added = Array.from({ length: step.add }, () => like);
      return target(architecture, [...blocks.slice(0, at), ...added, ...blocks.slice(at)], [at, step.add]);
    }
    case "architecture":
      return architectureTarget(architecture, blocks, step.to);
  }
}

function architectureTarget(
  from: Architecture,
  blocks: readonly (readonly StripeEntry[])[],
  given: Readonly<Record<string, unknown>>,
): StepTarget {
  const asked = defineArchitecture(settingsOf(from, given));
  const isWider = asked.width > from.width && from.norm !== "none";
  const normEpsilon = isWider ? (from.normEpsilon * from.width) / asked.width : from.normEpsilon;
  const to = { ...asked, normEpsilon };
  const now = repetitions(to);
  const namesOf = (entries: readonly StripeEntry[] = []) =>
    entries.map(({ primitive }) => primitive).join(", ");
  if (namesOf(now[0]) !== namesOf(blocks[0])) {
    throw new RequestError(`grow: a block is ${namesOf(now[0])}; expected ${namesOf(blocks[0])}, as it was`);
  }
  if (now.length < blocks.length) {
    throw new RequestError(`grow: layers is ${now.length}; expected at least the ${blocks.length} of now`);
  }
  let old = 0;
  const origins = [
    ...to.first.map(() => old++),
    ...now.flatMap((entries, i) => entries.map(() => (i < blocks.length ? old++ : null))),
    ...to.last.map(() => old++),
  ];
  return { to, origins };
}

/** All settings of an architecture of which only some are given. Sizes of primitives are those of the present stripe's. */
function settingsOf(
  from: Architecture,
  given: Readonly<Record<string, unknown>>,
): Parameters<typeof defineArchitecture>[0] {
  const { stripe, repeat, ...others } = from;
  if (given.stripe !== undefined || given.activation !== undefined) return { ...others, ...given };
  const isSize = ([key]: readonly [string, unknown]) => (sharedKeys as readonly string[]).includes(key);
  const sizes = Object.fromEntries(Object.entries(given).filter(isSize));
  const rest = Object.fromEntries(Object.entries(given).filter((entry) => !isSize(entry)));
  requireKnown(sizes, [...from.first, ...stripe, ...from.last]);
  const width = Number.isSafeInteger(given.width) ? (given.width as number) : from.width;
  const change = (entry: StripeEntry) => grownEntry(from, { ...from, width }, entry, sizes);
  const changed = { first: from.first.map(change), stripe: stripe.map(change), last: from.last.map(change) };
  return { ...others, ...changed, ...(given.layers === undefined ? { repeat } : {}), ...rest };
}

/**
 * The repetitions of the stripe. Where blocks differ in size the stripe is written out, and its primitives' names tell where one
 * repetition ends.
 */
export function repetitions({ stripe, repeat }: Architecture): (readonly StripeEntry[])[] {
  if (repeat > 1) return Array.from({ length: repeat }, () => stripe);
  const names = stripe.map(({ primitive }) => primitive);
  const isPeriod = (period: number) =>
    names.length % period === 0 && names.every((name, i) => name === names[i % period]);
  const period = names.findIndex((_, i) => isPeriod(i + 1)) + 1;
  return Array.from({ length: names.length / period }, (_, i) => stripe.slice(i * period, (i + 1) * period));
}

/** The architecture of these repetitions; `added`: the first new one, and how many there are. */
function target(
  base: Architecture,
  blocks: readonly (readonly StripeEntry[])[],
  [at, count]: readonly [number, number] = [0, 0],
): StepTarget {
  const isUniform = blocks.every((entries) => JSON.stringify(entries) === JSON.stringify(blocks[0]));
  const { block, loop, sources } = base;
  if (!isUniform && (block === "parallel" || loop !== null || sources.length > 0)) {
    const why = loop !== null ? "a loop" : sources.length > 0 ? "shared parameters" : "parallel blocks";
    throw new RequestError(`grow: with ${why} all blocks have the same sizes; grow all of them at once`);
  }
  const to = defineArchitecture({
    ...base,
    stripe: isUniform ? blocks[0]! : blocks.flat(),
    repeat: isUniform ? blocks.length : 1,
  });
  let old = 0;
  const isNew = [
    ...base.first.map(() => false),
    ...blocks.flatMap((entries, i) => entries.map(() => i >= at && i < at + count)),
    ...base.last.map(() => false),
  ];
  return { to, origins: isNew.map((added) => (added ? null : old++)) };
}

/** An entry of `from` as it is in `to`, with those of `changes` that it has, and what has to follow. */
function grownEntry(
  from: Architecture,
  to: Architecture,
  entry: StripeEntry,
  changes: Readonly<Record<string, unknown>>,
): StripeEntry {
  const { primitive: name, ...configuration } = entry;
  const primitive = primitives.get(name)!;
  const own = Object.entries(changes).filter(([key]) => primitive.keys.includes(key));
  if (own.length === 0 && from.width === to.width) return entry;
  if (primitive.growing === undefined) {
    throw new RequestError(`grow: ${name} cannot grow: the primitive does not say how`);
  }
  const before = { configuration, surroundings: surroundingsOf(from) };
  return {
    primitive: name,
    ...primitive.growing.follow(before, Object.fromEntries(own), surroundingsOf(to)),
  };
}

function requireBlocks(blocks: readonly number[], last: number): void {
  const wrong = blocks.find((i) => !(Number.isInteger(i) && i >= 0 && i <= last));
  if (wrong === undefined && blocks.length > 0) return;
  throw new RequestError(`grow: block ${wrong ?? "none"} is named; expected numbers from 0 to ${last}`);
}

function requireKnown(settings: Readonly<Record<string, unknown>>, entries: readonly StripeEntry[]): void {
  for (const key of Object.keys(settings)) {
    if (entries.some(({ primitive }) => primitives.get(primitive)!.keys.includes(key))) continue;
    const names = [...new Set(entries.map(({ primitive }) => primitive))].join(", ");
    throw new RequestError(`grow: no primitive of these blocks (${names}) has a setting ${show(key)}`);
  }
}
