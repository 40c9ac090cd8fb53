// How many steps fit into a time: a few are timed, with the evaluations between them reckoned in. Knows no data.

import type { Architecture } from "../architecture/architecture.ts";
import type { Machine } from "../backend/machine.ts";
import { timeSteps } from "./benchmarkSteps.ts";
import type { TrainingSettings } from "./settings.ts";

/** What decides how many steps fit into a time. */
export interface TimeBudget {
  readonly seconds: number;
  /** B, sequences of a step. */
  readonly batch: number;
  /** How often the validation tokens are evaluated. */
  readonly evaluations: number;
  readonly validationTokens: number;
  readonly seed: number;
  /** How updates are made; default: as `timeSteps` has it. */
  readonly training?: TrainingSettings | undefined;
  /** As for `train`. */
  readonly memory?: number | undefined;
  readonly signal?: AbortSignal;
}

/** Forward, backward for activations and backward for weights cost about the same; an evaluation is forward alone. */
const forwardShare = 1 / 3;
const timedSteps = 7;
/** Machines slow down when they get warm, and checkpoints take their time. */
const reserve = 0.95;

/** At least 1. The answer depends on the machine and on what else it does. */
export async function stepsWithin(
  machine: Machine,
  architecture: Architecture,
  budget: TimeBudget,
): Promise<number> {
  const { batch, seed, training, memory, signal } = budget;
  const start = performance.now();
  const timing = await timeSteps(machine, architecture, {
    ...{ batch, seed, training, memory, steps: timedSteps },
    ...(signal === undefined ? {} : { signal }),
  });
  const spent = (performance.now() - start) / 1e3;
  const evaluation = (forwardShare * budget.validationTokens) / timing.tokensPerSecond;
  const forSteps = reserve * (budget.seconds - spent) - budget.evaluations * evaluation;
  return Math.max(1, Math.floor((1e3 * forSteps) / timing.msPerStep));
}
