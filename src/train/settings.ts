// How a model is trained, as data: the settings and the complete form they resolve to. Knows no machine or file.
import { z } from "zod";
import { RequestError } from "../errors.ts";
import { oneOf, parseStrict, positiveNumber, wholeNumber } from "../strict.ts";
import { defineGrowth, type GrowthEvent, type GrowthEventInput } from "./growthEvents.ts";
import type { Objective } from "./objectives/objective.ts";
import { createObjective } from "./objectives/objectives.ts";
import type { Optimizer } from "./optimizer.ts";
import { createOptimizer } from "./optimizers.ts";
import { defineParametrisation, type Parametrisation } from "./parametrisation/settings.ts";
import { defineSchedule, type Schedule, type ScheduleInput } from "./schedule.ts";

const schema = z.object({
  /** Updates in all. */
  steps: wholeNumber().default(1000),
  /** Sequences of one update. */
  batch: wholeNumber().default(32),
  /** Parts a batch is run in, to save memory; a divisor of `batch`. */
  microBatches: wholeNumber().default(1),
  /** Modules of the stripe that are computed again together for their gradients, to save memory; 0: none. */
  recompute: wholeNumber(0).default(0),
  /** Parts of a micro-batch's answers whose logits are computed one after the other, to save memory. */
  lossParts: wholeNumber().default(1),
  seed: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0),
  /** What the model is held to, and its optimiser: a name, or `{ name, ...settings }`. */
  objective: z.unknown().optional(),
  optimizer: z.unknown().optional(),
  schedule: z.unknown().optional(),
  /** How first values, rates and multipliers go by width and depth: a kind, or `{ kind, ...settings }`. */
  parametrisation: z.unknown().optional(),
  /** Largest global norm of the gradients; null: not clipped. */
  clip: positiveNumber().nullable().default(1),
  /** What weight decay applies to. */
  decay: oneOf(["matrices", "all"]).default("matrices"),
  /** `random` windows, or `epochs` that visit every window once. */
  order: oneOf(["random", "epochs"]).default("random"),
  /** Updates between evaluations, each followed by a checkpoint; default a twentieth of all. */
  evaluateEvery: wholeNumber().optional(),
  /** Newest checkpoints to keep; the best one is kept besides. */
  keep: wholeNumber().default(3),
  /** Validation tokens to evaluate on, from the beginning; null: all. */
  evaluationTokens: wholeNumber().nullable().default(null),
  /** Updates between samples of text; null: none. */
  sampleEvery: wholeNumber().nullable().default(null),
  /** When the network grows, and to what. */
  grow: z.unknown().optional(),
});

/** What `defineTraining` takes; everything has a default. */
export interface TrainingInput {
  readonly steps?: number;
  readonly batch?: number;
  readonly microBatches?: number;
  readonly recompute?: number;
  readonly lossParts?: number;
  readonly seed?: number;
  readonly objective?: string | Readonly<{ name: string } & Record<string, unknown>>;
  readonly optimizer?: string | Readonly<{ name: string } & Record<string, unknown>>;
  readonly schedule?: ScheduleInput;
  readonly parametrisation?: string | Parametrisation | Readonly<{ kind: string } & Record<string, unknown>>;
  readonly clip?: number | null;
  readonly decay?: "matrices" | "all";
  readonly order?: "random" | "epochs";
  readonly evaluateEvery?: number;
  readonly keep?: number;
  readonly evaluationTokens?: number | null;
  readonly sampleEvery?: number | null;
  readonly grow?: readonly GrowthEventInput[];
}

/** The complete form. It is JSON, and defining it again gives the same. */
export interface TrainingSettings {
  readonly steps: number;
  readonly batch: number;
  readonly microBatches: number;
  readonly recompute: number;
  readonly lossParts: number;
  readonly seed: number;
  readonly objective: Objective["settings"];
  readonly optimizer: Optimizer["settings"];
  readonly schedule: Schedule;
  readonly parametrisation: Parametrisation;
  readonly clip: number | null;
  readonly decay: "matrices" | "all";
  readonly order: "random" | "epochs";
  readonly evaluateEvery: number;
  readonly keep: number;
  readonly evaluationTokens: number | null;
  readonly sampleEvery: number | null;
  readonly grow: readonly GrowthEvent[];
}

const EVALUATIONS = 20;

/** Fills in every default. Errors: RequestError, one line, for unknown keys and values that cannot work. */
export function defineTraining(input: TrainingInput | TrainingSettings | unknown = {}): TrainingSettings {
  const given = parseStrict("training", schema, input);
  const { steps, batch, microBatches } = given;
  if (batch % microBatches !== 0) {
    throw new RequestError(
      `training: batch ${batch} is not divisible by microBatches ${microBatches}; expected a divisor of the batch`,
    );
  }
  const schedule = defineSchedule(given.schedule ?? { warmup: Math.min(100, Math.floor(steps / 10)) }, steps);
  const grow = defineGrowth(given.grow ?? [], steps);
  for (const event of grow) {
    if (event.schedule === "restart" && "step" in event.at) {
      defineSchedule({ ...schedule, start: event.at.step }, steps);
    }
  }
  const optimizer = createOptimizer(given.optimizer ?? "adamw").settings;
  const parametrisation = defineParametrisation(given.parametrisation ?? "standard");
  requireFits(parametrisation, optimizer);
  return {
    steps,
    batch,
    microBatches,
    recompute: given.recompute,
    lossParts: given.lossParts,
    seed: given.seed,
    objective: createObjective(given.objective ?? "next-token").settings,
    optimizer,
    schedule,
    parametrisation,
    clip: given.clip,
    decay: given.decay,
    order: given.order,
    evaluateEvery: given.evaluateEvery ?? Math.ceil(steps / EVALUATIONS),
    keep: given.keep,
    evaluationTokens: given.evaluationTokens,
    sampleEvery: given.sampleEvery,
    grow,
  };
}

/** Factors for single parameters are those of Adam; a rate for all of them has a meaning for plain descent, too. */
function requireFits({ kind }: Parametrisation, { name }: Optimizer["settings"]): void {
  const known = kind === "chen" ? ["adamw", "sgd"] : ["adamw"];
  if (kind === "standard" || known.includes(name as string)) return;
  throw new RequestError(
    `training: parametrisation is ${kind} and the optimiser ${name}; expected ${known.join(" or ")}, or standard`,
  );
}
