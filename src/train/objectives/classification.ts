// The objective of classifiers: one answer for each sequence, held to a class, or to shares of several (mixup, label
// smoothing). Batches: `inputs` f32 [B, T, N], or i32 [B, T] of an architecture of tokens; `targets` i32 [B], class ids,
// negative ones not scored, or with labels "soft" f32 [B, V], rows of zeros not scored. Statistic: `accuracy`, the share
// of sequences whose likeliest class (of equally likely ones the first) is the target, or the one with the largest share.
// Knows no images.
import { z } from "zod";
import { inputType, requireAnswers } from "../../architecture/forward.ts";
import { oneOf } from "../../strict.ts";
import { reshape } from "../../tensor/ops/movement.ts";
import { scoreGuesses, scoreShares } from "./classes.ts";
import { exampleClasses } from "./examples.ts";
import type { Objective } from "./objective.ts";

export const classificationSettings = z.object({
  name: z.literal("classification"),
  /** Targets are class ids, or shares of all classes. */
  labels: oneOf(["ids", "soft"]).default("ids"),
});

export function classification(settings: z.infer<typeof classificationSettings>): Objective {
  const isSoft = settings.labels === "soft";
  return {
    settings,
    extraTokens: 0,
    scoresNextTokens: false,
    check: (architecture) => requireAnswers(architecture, "sequence"),
    batch: (architecture, rows, length) => ({
      inputs: inputType(architecture, rows, length),
      targets: isSoft
        ? { shape: [rows, architecture.vocabulary], dtype: "f32" }
        : { shape: [rows], dtype: "i32" },
    }),
    task(_, { inputs, targets }) {
      const [rows, ...classes] = targets!.shape as [number, ...number[]];
      return { inputs: inputs!, targets: reshape(targets!, [rows, 1, ...classes]) };
    },
    example(architecture, rows, length, seed) {
      const { inputs, targets } = exampleClasses(architecture, rows, length, seed);
      return { inputs, targets: isSoft ? oneHot(targets, architecture.vocabulary) : targets };
    },
    score: isSoft ? scoreShares : scoreGuesses,
  };
}

/** Class ids [B] → all of their own class, row-major [B, V]. */
function oneHot(classes: Int32Array, vocabulary: number): Float32Array {
  const shares = new Float32Array(classes.length * vocabulary);
  for (const [row, own] of classes.entries()) shares[row * vocabulary + own] = 1;
  return shares;
}
