// A study that is asked for more seeds than before goes on in its folder, and remembers how many it had. Knows no run.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { canonicalHash } from "../study/canonical.ts";
import type { Json } from "../study/job.ts";
import { readStudy, replaceRequest } from "../study/store.ts";
import { requestOf, type Trial } from "./define.ts";

/** What a folder is asked for. */
export interface TakenOver {
  readonly request: Json;
  /** How many seeds the study had when it was looked at before, each time that they were raised. */
  readonly earlierSeeds: readonly number[];
}

const schema = z.looseObject({
  seeds: z.array(z.number()),
  earlierSeeds: z.array(z.number()).default([]),
});

/** Where the folder's study is this one with fewer seeds, it is made this one. Any other is left as it is. */
export function takeOver(folder: string, trial: Trial): TakenOver {
  const asked: TakenOver = { request: trial.json, earlierSeeds: [] };
  if (!existsSync(join(folder, "study.json"))) return asked;
  const found = readStudy(folder);
  const before = schema.safeParse(found);
  if (!before.success) return asked;
  const { seeds, earlierSeeds } = before.data;
  const isOwn =
    canonicalHash(found) === canonicalHash(withHistory(requestOf(trial, seeds.length), earlierSeeds));
  if (!isOwn) return asked;
  const isRaised = seeds.length < trial.seeds.length;
  const history = isRaised ? [...earlierSeeds, seeds.length] : earlierSeeds;
  const request = withHistory(trial.json, history);
  if (isRaised) replaceRequest(folder, request);
  return { request, earlierSeeds: history };
}

function withHistory(request: Trial["json"], earlierSeeds: readonly number[]): Json {
  return { ...request, ...(earlierSeeds.length === 0 ? {} : { earlierSeeds }) };
}
