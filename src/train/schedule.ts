// The learning rate as a pure function of the step: a linear warm-up, then cosine, linear, constant or WSD decay.
import { z } from "zod";
import { RequestError } from "../errors.ts";
import { numberBetween, oneOf, parseStrict, positiveNumber, wholeNumber } from "../strict.ts";

const schema = z.object({
  /** `wsd`: warm-up, stable, then decay over the last steps (Hu et al. 2024). */
  decay: oneOf(["cosine", "linear", "constant", "wsd"]).default("cosine"),
  /** The highest learning rate. */
  rate: positiveNumber().default(1e-3),
  /** Steps of warm-up; step i of them has (i + 1) / warmup of the rate. */
  warmup: wholeNumber(0).default(0),
  /** The rate that a decay ends at, as a share of the highest. */
  final: numberBetween(0, 1).default(0.1),
  /** Steps of the decay at the end, wsd only; default a fifth of all. */
  decaySteps: wholeNumber().optional(),
  /** Updates before it begins. */
  start: wholeNumber().optional(),
});

export type Schedule = z.infer<typeof schema>;
/** How the learning rate goes; everything has a default. */
export interface ScheduleInput {
  /** Default cosine. `wsd`: warm-up, stable, then decay over the last steps (Hu et al. 2024). */
  readonly decay?: "cosine" | "linear" | "constant" | "wsd";
  /** The highest learning rate, default 1e-3. */
  readonly rate?: number;
  /** Steps of linear warm-up, default 0. */
  readonly warmup?: number;
  /** The rate that a decay ends at, as a share of the highest; default 0.1. */
  readonly final?: number;
  /** Steps of the decay at the end, wsd only; default a fifth of all. */
  readonly decaySteps?: number;
  /** Updates of the run before the schedule begins, for one that begins again. Default 0. */
  readonly start?: number;
}

/** Errors: RequestError for unknown keys, impossible values, and a warm-up or decay longer than the run. */
export function defineSchedule(input: unknown, steps: number): Schedule {
  const schedule = parseStrict("schedule", schema, input);
  if (schedule.decay !== "wsd" && schedule.decaySteps !== undefined) {
    throw new RequestError(`schedule: decaySteps belongs to decay wsd, not ${schedule.decay}; leave it out`);
  }
  const decaySteps =
    schedule.decay === "wsd" ? (schedule.decaySteps ?? Math.max(1, Math.round(steps / 5))) : 0;
  const { start = 0 } = schedule;
  // A run that has come to its end may be given more steps.
  const left = start >= steps ? Number.POSITIVE_INFINITY : steps - start;
  if (schedule.warmup + decaySteps > left) {
    const after = start > 0 ? ` that follow the first ${start}` : "";
    throw new RequestError(
      `schedule: warmup ${schedule.warmup}${decaySteps > 0 ? ` and decaySteps ${decaySteps}` : ""} do not fit into ` +
        `${left} steps${after}; expected fewer, or give more steps`,
    );
  }
  return schedule.decay === "wsd" ? { ...schedule, decaySteps } : schedule;
}

/** The learning rate of a step (from 0) of a run of `steps`. */
export function rateAt(schedule: Schedule, runStep: number, runSteps: number): number {
  const { decay, rate, warmup, final, start = 0 } = schedule;
  const [step, steps] = [Math.max(0, runStep - start), runSteps - start];
  if (step < warmup) return (rate * (step + 1)) / warmup;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  switch (decay) {
    case "constant":
      return rate;
    case "linear":
      return rate * (1 - (1 - final) * progress);
    case "cosine":
      return rate * (final + ((1 - final) * (1 + Math.cos(Math.PI * progress))) / 2);
    case "wsd": {
      const length = schedule.decaySteps!;
      const into = Math.max(0, Math.min(1, (step - (steps - length)) / length));
      return rate * (1 - (1 - final) * into);
    }
  }
}
