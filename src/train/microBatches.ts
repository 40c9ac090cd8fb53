// Micro-batches of a run by their number. Knows no objective.
import type { TrainerBatch } from "./objectives/objective.ts";
import type { RunData } from "./runData.ts";

/** The n-th micro-batch of training (from 0); the next one overwrites it. */
export function microBatchAt(
  { batchAt }: Pick<RunData, "batchAt">,
  { microBatches }: { readonly microBatches: number },
  n: number,
): TrainerBatch {
  const part = n % microBatches;
  const parts = Object.entries(batchAt(Math.floor(n / microBatches))).map(([name, values]) => {
    const size = values.length / microBatches;
    return [name, values.subarray(part * size, (part + 1) * size)];
  });
  return Object.fromEntries(parts);
}
