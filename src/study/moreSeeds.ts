// A study that is asked for more seeds than before goes on in its folder, and remembers how many it had. Knows no run.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { canonicalHash } from "./canonical.ts";
import type { Json } from "./job.ts";
import { readStudy, replaceRequest, requireStore } from "./store.ts";

/** A study by its seeds. */
export interface Seeded {
  readonly seeds: readonly number[];
  /** What tells the study with so many of its seeds from another one; `seeds` among it. */
  readonly requestOf: (count: number) => { readonly [key: string]: Json };
}

/** What a folder is asked for. */
export interface TakenOver {
  readonly request: Json;
  /** How many seeds the study had when it was looked at before, each time that they were raised. */
  readonly earlierSeeds: readonly number[];
}

interface Foreseen extends TakenOver {
  /** Whether the folder's study has fewer seeds, and is to be made this one. */
  readonly isRaised: boolean;
}

const schema = z.looseObject({
  seeds: z.array(z.number()),
  earlierSeeds: z.array(z.number()).default([]),
});

/**
 * Where the folder's study is this one with fewer seeds, it is made this one. Any other is left as it is. Called by whoever has the
 * folder's lock: the study may be under way in another process.
 */
export function takeOver(folder: string, seeded: Seeded): TakenOver {
  const { isRaised, ...taken } = foresee(folder, seeded);
  if (isRaised) replaceRequest(folder, taken.request);
  return taken;
}

/** Refuses what a study that takes the folder over would be refused, and leaves it as it is. Errors: as `openStore`. */
export function requireFolder(folder: string, seeded: Seeded): void {
  const { isRaised, request } = foresee(folder, seeded);
  if (!isRaised) requireStore(folder, request);
}

function foresee(folder: string, { seeds: { length: count }, requestOf }: Seeded): Foreseen {
  const asked: Foreseen = { request: requestOf(count), earlierSeeds: [], isRaised: false };
  if (!existsSync(join(folder, "study.json"))) return asked;
  const found = readStudy(folder);
  const before = schema.safeParse(found);
  if (!before.success) return asked;
  const { seeds, earlierSeeds } = before.data;
  const isOwn = canonicalHash(found) === canonicalHash(withHistory(requestOf(seeds.length), earlierSeeds));
  if (!isOwn) return asked;
  const isRaised = seeds.length < count;
  const history = isRaised ? [...earlierSeeds, seeds.length] : earlierSeeds;
  return { request: withHistory(requestOf(count), history), earlierSeeds: history, isRaised };
}

function withHistory(request: ReturnType<Seeded["requestOf"]>, earlierSeeds: readonly number[]): Json {
  return { ...request, ...(earlierSeeds.length === 0 ? {} : { earlierSeeds }) };
}

/** What that does to the promise of the verdicts: a line, or none where no seeds were added. */
export function moreSeedsLine(earlierSeeds: readonly number[]): string[] {
  if (earlierSeeds.length === 0) return [];
  return [
    `Seeds were added after the study had been looked at (with ${earlierSeeds.join(", then ")}): the chance of any ` +
      `false win is up to ${5 * (earlierSeeds.length + 1)} %, not 5 %.`,
  ];
}
