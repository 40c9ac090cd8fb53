// The objective of language models: each place is held to the token that its batch names, as a rule the one after it.
// Knows no data.
import { z } from "zod";
import { stripeModules } from "../../architecture/architecture.ts";
import { inputType, requireAnswers, requireTokens } from "../../architecture/forward.ts";
import { RequestError } from "../../errors.ts";
import { scoreClasses } from "./classes.ts";
import { exampleTexts } from "./examples.ts";
import type { Objective } from "./objective.ts";

export const nextTokenSettings = z.object({ name: z.literal("next-token") });

export function nextToken(settings: z.infer<typeof nextTokenSettings>): Objective {
  return {
    settings,
    extraTokens: 0,
    scoresNextTokens: true,
    check(architecture) {
      requireTokens(architecture);
      requireAnswers(architecture, "places");
      const acausal = stripeModules(architecture).find((module) => !module.causal);
      if (acausal === undefined || architecture.allowNonCausal) return;
      throw new RequestError(
        `architecture: ${acausal.name} is not causal as it is set, so it would see the tokens it has to predict; make it ` +
          "causal, train it with the objective masked-token, or set allowNonCausal to true if that is what you want",
      );
    },
    batch: (architecture, rows, length) => ({
      inputs: inputType(architecture, rows, length),
      targets: { shape: [rows, length], dtype: "i32" },
    }),
    task: (_, { inputs, targets }) => ({ inputs: inputs!, targets: targets! }),
    example: exampleTexts,
    score: scoreClasses,
  };
}
