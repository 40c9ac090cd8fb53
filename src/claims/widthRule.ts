// The learning rate of decoders of all widths in claims about sizes. Knows no claim.
import type { RateRule } from "../ladder/rates.ts";

/** One rate under muP, as `scantling ladder` has it where nothing else is asked for (docs/ladder.md). */
export const widthRule: RateRule = {
  kind: "parametrised",
  parametrisation: { kind: "mup", baseWidth: 64, zeroHead: true },
  rate: 4e-3,
};
