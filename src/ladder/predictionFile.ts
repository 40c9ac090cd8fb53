// `prediction.json`: what was predicted, read back as it was written, or refused. Knows no run and makes no prediction.
import { existsSync } from "node:fs";
import { z } from "zod";
import { WorkError } from "../errors.ts";
import { largest, readInputFile } from "../inputFile.ts";
import { parseJson } from "../json.ts";
import type { Prediction } from "./predict.ts";

const estimate = z.object({
  value: z.number(),
  standardError: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
});
const prediction = z.object({
  rungs: z
    .array(
      z.object({
        ...{ rung: z.string(), budget: z.number(), best: estimate.nullable(), loss: estimate },
        runs: z.array(z.object({ run: z.string(), loss: estimate })),
      }),
    )
    .min(1),
  laws: z.array(z.string()),
  doubts: z.array(z.object({ kind: z.string(), text: z.string() })),
  isBefore: z.boolean(),
  from: z.array(z.object({ run: z.string(), loss: z.number().nullable() })),
});

/** Null where there is none. Errors: WorkError for one that is damaged. */
export function readPrediction(path: string): Prediction | null {
  if (!existsSync(path)) return null;
  const damaged = (found: string): never => {
    throw new WorkError(
      `${path}: ${found}; restore it, or remove it: a prediction that is made again says whether it came late`,
    );
  };
  let content: unknown;
  try {
    content = parseJson(readInputFile(path, largest.settings).toString("utf8"));
  } catch (error) {
    return damaged(error instanceof Error ? error.message : String(error));
  }
  const found = prediction.safeParse(content);
  if (found.success) return found.data as Prediction;
  const { path: where, message } = found.error.issues[0]!;
  return damaged(`it holds no prediction: ${where.join(".") || "the whole"}: ${message}`);
}
