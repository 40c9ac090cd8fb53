// A run on disk: a tiny model of four positions, trained on four characters for four steps.
import { writeFileSync } from "node:fs";
import { createReference } from "../../src/backend/reference.ts";
import { train } from "../../src/train/train.ts";

/** Trains the run in a new folder, beside which its text is left; gives the folder. */
export async function trainedRun(folder: string): Promise<string> {
  const text = `${folder}.txt`;
  writeFileSync(text, "abcd".repeat(60));
  const architecture = { length: 4, width: 8, heads: 2, feedforward: 8, positions: "learned" } as const;
  const training = { steps: 4, batch: 2, evaluateEvery: 2, schedule: { rate: 0.03, warmup: 1 } };
  const machine = createReference();
  for await (const _ of train({ machine, folder, architecture, training, data: { data: text } }));
  return folder;
}
