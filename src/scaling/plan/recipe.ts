// How a planned model is trained: batch, rate, schedule, memory. Knows no law of loss.

import { RequestError } from "../../errors.ts";
import { predict } from "../law.ts";
import { kaplanCriticalBatch, kaplanRate, kaplanTokensAgainstOverfitting } from "../laws/kaplan.ts";
import type { Allocation } from "./planLaw.ts";
import type { Shape } from "./shape.ts";

/** Standard: one rate for all parameters, from the size. The others: the rate of a small model, measured there. */
export type Parametrisation = "standard" | "mup" | "depth-mup" | "completep";

/** The rate of some parameters of the planned model. */
export interface RoleRate {
  /** Which parameters, in words. */
  readonly role: string;
  /** What the measured rate is multiplied by at the planned width and depth. */
  readonly factor: number;
  readonly rate: number;
}

/** What is said of the rate. */
export interface RateAdvice {
  readonly rate: number | null;
  readonly rateRule: string;
  /** Of measured rates, by role, where the shape is known; default: one rate for all, or none is known. */
  readonly rates?: readonly RoleRate[] | undefined;
}

/** A rate that was measured on a small model. */
export interface MeasuredRate {
  readonly parametrisation: Exclude<Parametrisation, "standard">;
  /** What it becomes in a model of that shape; null: the shape is not known. */
  readonly at: (shape: Shape | null) => RateAdvice;
}

/** Batch, rate and schedule, each with where it comes from. */
export interface ModelRecipe {
  readonly batchTokens: number | null;
  readonly batchRule: string;
  readonly steps: number | null;
  readonly rate: number | null;
  readonly rateRule: string;
  readonly rates: readonly RoleRate[] | null;
  readonly warmupTokens: number;
  readonly schedule: string;
  readonly notes: readonly string[];
}

/** Batches this much above the critical one waste more than they save; below a sequence there is none. */
const LEAST_BATCH = 2048;
/** Beyond this many parameters Kaplan's rule for the rate has no data and soon no value. */
const RATE_RULE_ENDS = 1e10;

/**
 * Batch: the critical one at the predicted loss, which costs a fifth to a half more compute and saves as much time (Kaplan et al.,
 * section 5). Rate: Kaplan's rule under the standard parametrisation. Warm-up: as many tokens as there are parameters, at most
 * a tenth (Porian et al. 2024). Cosine to a tenth over exactly the run (Hoffmann et al. 2022, appendix B).
 * Errors: RequestError for a rate that was measured under another parametrisation. @param measured default: none was
 */
export function recipeFor(
  { parameters, tokens }: Allocation,
  loss: number | null,
  parametrisation: Parametrisation,
  measured?: MeasuredRate,
  shape: Shape | null = null,
): ModelRecipe {
  if (measured !== undefined && measured.parametrisation !== parametrisation) {
    throw new RequestError(
      `a rate measured under ${measured.parametrisation} is of no use under ${parametrisation}; expected one measured under the same`,
    );
  }
  const critical =
    loss === null ? null : predict(kaplanCriticalBatch, kaplanCriticalBatch.published.kaplan!.values, [loss]);
  const batch =
    critical === null ? null : Math.min(Math.max(critical, LEAST_BATCH), Math.max(1, tokens / 100));
  const advice = measured?.at(shape) ?? rateFor(parameters, parametrisation);
  return {
    batchTokens: batch,
    batchRule:
      "critical batch of Kaplan et al. 2020 at the predicted loss (WebText2's); at least 2,048 tokens, at least 100 steps",
    steps: batch === null ? null : Math.ceil(tokens / batch),
    ...advice,
    rates: advice.rates ?? null,
    warmupTokens: Math.min(parameters, tokens / 10),
    schedule:
      "linear warm-up over as many tokens as parameters, at most a tenth of the run (Porian et al. 2024); cosine to a tenth of " +
      "the peak over exactly the run (Hoffmann et al. 2022: a cosine 25 % too long costs loss)",
    notes:
      tokens < kaplanTokensAgainstOverfitting(parameters)
        ? [
            `fewer tokens than ${kaplanTokensAgainstOverfitting(parameters).toPrecision(2)}, below which repeated data overfit (Kaplan et al. 2020)`,
          ]
        : [],
  };
}

/** How a rate is found that is not told by the size. */
const measuredRules: Readonly<Record<Exclude<Parametrisation, "standard">, string>> = {
  mup: "muP: find the best rate on a model of the same depth and a width of 128 to 512 and keep it; hidden matrices then take it divided by width / base width",
  "depth-mup":
    "depth-muP: find the best rate on a narrow and shallow model and keep it; hidden matrices then take it divided by width / base width and, as residual branches, by the square root of depth / base depth",
  completep:
    "CompleteP: find the best rate on a narrow and shallow model and keep it; hidden matrices then take it divided by width / base width, and residual branches are divided by depth / base depth",
};

function rateFor(parameters: number, parametrisation: Parametrisation): RateAdvice {
  if (parametrisation !== "standard") return { rate: null, rateRule: measuredRules[parametrisation] };
  if (parameters > RATE_RULE_ENDS) {
    return {
      rate: null,
      rateRule:
        "Kaplan's rule ends at 1e10 parameters and is negative beyond 1.2e10; measure the rate on smaller models",
    };
  }
  return {
    rate: kaplanRate(parameters),
    rateRule: "0.003239 - 0.0001395 ln N (Kaplan et al. 2020, appendix D.6; Adam, N without embeddings)",
  };
}

/** Bytes: weights, gradient and Adam's two moments in float32 while training; bfloat16 weights while it is used. */
export function memoryFor(parameters: number): { trainingBytes: number; inferenceBytes: number } {
  return { trainingBytes: 16 * parameters, inferenceBytes: 2 * parameters };
}
