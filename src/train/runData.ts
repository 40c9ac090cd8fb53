// What a run trains on and is judged by, batch by batch, and how a text becomes that. Knows no loop and no machine.
import { createHash } from "node:crypto";
import { requireTokens } from "../architecture/forward.ts";
import { createBatch, createSampler, evaluationBatches, type Tokens } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Estimate } from "../data/language.ts";
import type { Tokenizer } from "../data/tokenizer.ts";
import type { TrainerBatch } from "./objectives/objective.ts";
import type { RunSettings } from "./runFolder.ts";

export interface RunData {
  /** What the user should know, one line each. */
  readonly notes: readonly string[];
  /** Of a step (from 0), a pure function of it; overwritten by the next. */
  readonly batchAt: (step: number) => TrainerBatch;
  /** What the model is judged by while it trains, in order, in batches of so many rows. */
  readonly validation: (rows: number) => Iterable<TrainerBatch>;
  /** Lowest expected loss of any predictor on it, where the data know it. */
  readonly optimum: () => Estimate | null;
  /** What a sample begins with and is spelled by; null where the data are no text. */
  readonly text: { readonly tokenizer: Tokenizer; readonly tokens: Tokens } | null;
}

/** Errors: RequestError for an architecture that takes no tokens, and for text that is too short. */
export function textRunData(
  dataset: Dataset,
  { architecture, training }: Pick<RunSettings, "architecture" | "training">,
): RunData {
  requireTokens(architecture);
  const { batch, seed, order, evaluationTokens } = training;
  const { length } = architecture;
  const sampler = createSampler({ tokens: dataset.training, length, batch, seed, order });
  const tokens = dataset.validation.subarray(0, (evaluationTokens ?? dataset.validation.length) + 1);
  // Finds validation text that is too short now rather than after an hour.
  evaluationBatches(tokens, length, batch).next();
  const reuse = createBatch(batch, length);
  return {
    notes: dataset.notes,
    batchAt: (step) => sampler.next(step, reuse),
    validation: function* (rows) {
      for (const { inputs, targets } of evaluationBatches(tokens, length, rows)) yield { inputs, targets };
    },
    optimum: () => dataset.language?.optimalLoss(tokens, length) ?? null,
    text: { tokenizer: dataset.tokenizer, tokens },
  };
}

/** What identifies the data of a run. */
export function describeTokens({ name, training, validation }: Dataset) {
  const hash = createHash("sha256");
  for (const tokens of [training, validation]) {
    hash.update(new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength));
  }
  return {
    name,
    trainingTokens: training.length,
    validationTokens: validation.length,
    sha256: hash.digest("hex"),
  };
}
