// What a run of a study brings back. Trains nothing.
import { z } from "zod";
import { WorkError } from "../errors.ts";

const value = z.object({
  /** Mean loss of the trained model, nats a token, on the tokens that select and on those of the test. */
  selection: z.number(),
  test: z.number(),
  /** Loss on the tokens that select, on the way. */
  curve: z.array(z.object({ step: z.number(), loss: z.number() })).min(1),
  /** Median over the updates; null where none was timed. */
  tokensPerSecond: z.number().nullable(),
  /** Lowest loss that any predictor can have on the test's tokens, where the data know it. */
  optimum: z.number().nullable(),
});

/** Losses in nats a token. */
export type TrialValue = z.infer<typeof value>;

/** Errors: WorkError for a result that no worker of this version wrote. */
export function readValue(run: string, given: unknown): TrialValue {
  const read = value.safeParse(given);
  if (read.success) return read.data;
  throw new WorkError(`run ${run}: its result cannot be read; begin anew in another folder`);
}
