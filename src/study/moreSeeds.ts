// A study that is asked for more seeds than before, or may spend more, goes on in its folder, and remembers how often it was looked
// at. Knows no run.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { RequestError } from "../errors.ts";
import { canonicalHash, canonicalText } from "./canonical.ts";
import { countEnded } from "./ended.ts";
import type { Json } from "./job.ts";
import { readStudy, replaceRequest, requireStore } from "./store.ts";

type Request = { readonly [key: string]: Json };

/** A study by its seeds. */
export interface Seeded {
  readonly seeds: readonly number[];
  /** What tells the study with so many of its seeds from another one; `seeds` among it. */
  readonly requestOf: (count: number) => Request;
  /** Keys of it that may be others than before, since nothing hangs on them. Default: none. */
  readonly free?: readonly string[] | undefined;
  /** Keys of it that may be raised, each with whether it is as much now as before, or more. Default: none. */
  readonly raisable?: { readonly [key: string]: (before: Json, now: Json) => boolean } | undefined;
}

/** What a folder is asked for. */
export interface TakenOver {
  readonly request: Json;
  /** How many seeds the study had when it was looked at before, each time that it was given more of them or more to spend. */
  readonly earlierSeeds: readonly number[];
  /** How many runs had ended each time; fewer than the above, or none, in studies of earlier versions. */
  readonly earlierRuns: readonly number[];
}

interface Foreseen extends TakenOver {
  /** Whether the folder's study is to be made this one. */
  readonly isChanged: boolean;
}

const schema = z.looseObject({
  seeds: z.array(z.number()),
  earlierSeeds: z.array(z.number()).default([]),
  earlierRuns: z.array(z.number()).default([]),
});

/**
 * Where the folder's study is this one with fewer seeds or less to spend, it is made this one. Any other is left as it is. Called by
 * whoever has the folder's lock: the study may be under way in another process.
 * Errors: RequestError, one line, where it has more of either.
 */
export function takeOver(folder: string, seeded: Seeded): TakenOver {
  const { isChanged, ...taken } = foresee(folder, seeded);
  if (isChanged) replaceRequest(folder, taken.request);
  return taken;
}

/** Refuses what a study that takes the folder over would be refused, and leaves it as it is. Errors: as `openStore`. */
export function requireFolder(folder: string, seeded: Seeded): void {
  const { isChanged, request } = foresee(folder, seeded);
  if (!isChanged) requireStore(folder, request);
}

/** Errors: RequestError, one line, where the folder's study has these seeds and more. */
export function requireNoFewerSeeds(folder: string, asked: readonly number[]): void {
  if (!existsSync(join(folder, "study.json"))) return;
  const before = schema.safeParse(readStudy(folder));
  if (!before.success) return;
  const { seeds } = before.data;
  if (seeds.length <= asked.length || asked.some((seed, place) => seed !== seeds[place])) return;
  throw new RequestError(
    `${folder} holds another study: ${seeds.length} seeds there, ${asked.length} here; seeds can only be raised: ` +
      `ask for ${seeds.length} or more, or choose another folder`,
  );
}

function foresee(folder: string, seeded: Seeded): Foreseen {
  const { seeds: asked, requestOf, free = [], raisable = {} } = seeded;
  const now = requestOf(asked.length);
  const other: Foreseen = { request: now, earlierSeeds: [], earlierRuns: [], isChanged: false };
  if (!existsSync(join(folder, "study.json"))) return other;
  requireNoFewerSeeds(folder, asked);
  const found = readStudy(folder) as Request;
  const before = schema.safeParse(found);
  if (!before.success) return other;
  const { seeds, earlierSeeds, earlierRuns } = before.data;
  const history = { earlierSeeds, earlierRuns };
  const differing = [...free, ...Object.keys(raisable)].filter(
    (key) => found[key] !== undefined && canonicalText(found[key]) !== canonicalText(now[key] ?? null),
  );
  const kept = Object.fromEntries(differing.map((key) => [key, found[key]!]));
  const isOwn =
    canonicalHash(found) === canonicalHash(withHistory({ ...requestOf(seeds.length), ...kept }, history));
  // What may be another does not stand in the way of the difference that is told.
  if (!isOwn) return { ...other, request: withHistory({ ...now, ...kept }, history) };
  const changed = differing.filter((key) => raisable[key] !== undefined);
  const lowered = changed.find((key) => !raisable[key]!(found[key]!, now[key] ?? null));
  if (lowered !== undefined) throw isLess(folder, lowered, found[lowered]!, now[lowered] ?? null);
  // What is as much both ways is only written otherwise.
  const raised = changed.filter((key) => !raisable[key]!(now[key] ?? null, found[key]!));
  const isRaised = seeds.length < asked.length || raised.length > 0;
  const looked = isRaised ? lookedAt(history, seeds.length, countEnded(folder)) : history;
  return {
    request: withHistory(now, looked),
    ...looked,
    isChanged: isRaised || differing.length > 0,
  };
}

type History = Pick<TakenOver, "earlierSeeds" | "earlierRuns">;

/** With one look more, where it saw a run that the one before had not seen. */
function lookedAt({ earlierSeeds, earlierRuns }: History, seeds: number, runs: number): History {
  if (runs <= (earlierRuns.at(-1) ?? 0)) return { earlierSeeds, earlierRuns };
  // Of looks in studies of earlier versions nothing is known but that they were.
  const unknown = earlierSeeds.slice(earlierRuns.length).map(() => 0);
  return { earlierSeeds: [...earlierSeeds, seeds], earlierRuns: [...earlierRuns, ...unknown, runs] };
}

/** The earlier looks that count: after the last of them runs have ended, else what is seen now is what was seen then. */
export function countedLooks(folder: string, { earlierSeeds, earlierRuns }: TakenOver): readonly number[] {
  const isKnown = earlierRuns.length === earlierSeeds.length;
  return isKnown && countEnded(folder) <= (earlierRuns.at(-1) ?? 0)
    ? earlierSeeds.slice(0, -1)
    : earlierSeeds;
}

function isLess(folder: string, key: string, before: Json, now: Json): RequestError {
  const shown = (value: Json): string => (value === null ? "without bound" : String(value));
  return new RequestError(
    `${folder} holds another study: ${key} is ${shown(before)} there and ${shown(now)} here, and can only be raised; ` +
      "ask for as much or more, or choose another folder",
  );
}

function withHistory(request: Request, { earlierSeeds, earlierRuns }: History): Json {
  return {
    ...request,
    ...(earlierSeeds.length === 0 ? {} : { earlierSeeds }),
    ...(earlierRuns.length === 0 ? {} : { earlierRuns }),
  };
}

/**
 * What that does to the promise of the verdicts: a line, or none where nothing was raised.
 * @param seeds that there are now; where no fewer than before, it was what may be spent that was raised
 */
export function moreSeedsLine(earlierSeeds: readonly number[], seeds = Infinity): string[] {
  if (earlierSeeds.length === 0) return [];
  const isSpend = [...earlierSeeds, seeds].some((count, place, all) => place > 0 && count <= all[place - 1]!);
  return [
    `Seeds were added ${isSpend ? "or spend was raised " : ""}after the study had been looked at ` +
      `(with ${earlierSeeds.join(", then ")}${isSpend ? " seeds" : ""}): the chance of any ` +
      `false win is up to ${5 * (earlierSeeds.length + 1)} %, not 5 %.`,
  ];
}
