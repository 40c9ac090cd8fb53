// The objective of encoders: some tokens are chosen by chance and the model is held to them; most of them it sees as a mask,
// some as other tokens, some as they are (Devlin et al. 2019, "BERT", section 3.1). Batches: `inputs` i32 [B, T], and
// `targets` i32 [B, T], of which only the sign says something: where it is negative, no token is chosen. The mask is the
// last token id of the vocabulary, one more than the data have. Statistic: `accuracy`. Knows no data.
import { z } from "zod";
import { inputType, requireAnswers, requireTokens } from "../../architecture/forward.ts";
import { RequestError } from "../../errors.ts";
import { numberBetween } from "../../strict.ts";
import { and, cast, floor, less, lessEqual, multiply, select } from "../../tensor/ops/elementwise.ts";
import { bernoulli, foldIn, uniform } from "../../tensor/ops/random.ts";
import { scoreGuesses } from "./classes.ts";
import { exampleTexts } from "./examples.ts";
import type { Objective } from "./objective.ts";

export const maskedTokenSettings = z.object({
  name: z.literal("masked-token"),
  /** Share of tokens that are predicted, each chosen on its own. */
  chosen: numberBetween(0, 1).default(0.15),
  /** Of those, the share that the model sees as the mask, and as a token drawn evenly; it sees the rest as they are. */
  masked: numberBetween(0, 1).default(0.8),
  random: numberBetween(0, 1).default(0.1),
});

export function maskedToken(settings: z.infer<typeof maskedTokenSettings>): Objective {
  const { chosen, masked, random } = settings;
  if (chosen === 0) throw new RequestError("objective masked-token: chosen is 0; expected a number above 0");
  if (masked + random > 1) {
    throw new RequestError(
      `objective masked-token: masked ${masked} and random ${random} are shares of the same tokens; expected at most 1 ` +
        "together",
    );
  }
  return {
    settings,
    extraTokens: 1,
    scoresNextTokens: false,
    check(architecture) {
      requireTokens(architecture);
      requireAnswers(architecture, "places");
      if (architecture.vocabulary > 1) return;
      throw new RequestError(
        "architecture: vocabulary is 1; expected a token beside the mask, which is the last one",
      );
    },
    batch: (architecture, rows, length) => ({
      inputs: inputType(architecture, rows, length),
      targets: { shape: [rows, length], dtype: "i32" },
    }),
    task({ vocabulary }, { inputs, targets }, key) {
      const tokens = inputs!;
      const { shape } = tokens;
      const mask = vocabulary - 1;
      const [which, how, what] = [0, 1, 2].map((stream) => foldIn(key, stream));
      const isChosen = and(lessEqual(0, targets!), bernoulli(which!, chosen, shape));
      const fate = uniform(how!, shape);
      const other = cast(floor(multiply(uniform(what!, shape), mask)), "i32");
      const shown = select(less(fate, masked), mask, select(less(fate, masked + random), other, tokens));
      return { inputs: select(isChosen, shown, tokens), targets: select(isChosen, tokens, -1) };
    },
    example: exampleTexts,
    score: scoreGuesses,
  };
}
