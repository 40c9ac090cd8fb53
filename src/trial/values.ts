// What a run of a study brings back. Trains nothing.
import { z } from "zod";
import { unreadableResult } from "../study/ended.ts";
import type { Score } from "./measures.ts";

const value = z.object({
  /** Mean loss of the trained model, nats a token or image, on the data that select and on those of the test. */
  selection: z.number(),
  test: z.number(),
  /** Share of right first guesses on the test; null where the objective does not tell it. */
  accuracy: z.number().nullable().default(null),
  /** On the data that select, on the way. */
  curve: z
    .array(z.object({ step: z.number(), loss: z.number(), accuracy: z.number().nullable().default(null) }))
    .min(1),
  /** Median over the updates; null where none was timed. */
  tokensPerSecond: z.number().nullable(),
  /** The same for each network of one that grows; empty of one that does not. */
  stageTokensPerSecond: z.array(z.number().nullable()).default([]),
  /** What made it, by name; null in records of earlier versions. */
  backend: z.string().nullable().default(null),
  /** Lowest loss that any predictor can have on the test's tokens, where the data know it. */
  optimum: z.number().nullable(),
  /** What modules told, such as the routers of experts, by dotted name: means over the last tenth of the updates. */
  statistics: z.record(z.string(), z.array(z.number())).default({}),
});

/** Losses in nats a token, or an image. */
export type TrialValue = z.infer<typeof value>;

/** Errors: WorkError for a result that no worker of this version wrote. */
export function readValue(run: string, given: unknown): TrialValue {
  const read = value.safeParse(given);
  if (read.success) return read.data;
  throw unreadableResult(run);
}

/** On the test. */
export function scoreOf({ test, accuracy }: TrialValue): Score {
  return { loss: test, accuracy };
}
