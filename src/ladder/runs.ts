// A run of a ladder: a model, a budget, and everything its process is told. Trains nothing.
import { createHash } from "node:crypto";
import { type Job, toJson } from "../study/job.ts";
import { defineTraining } from "../train/settings.ts";
import type { TransferSpec } from "../transfer/request.ts";
import { costsOf, type LadderFamily, type Sized } from "./family.ts";
import { rateFor } from "./rates.ts";

/** One run: a model trained once, for the budget's operations. */
export interface LadderRun {
  readonly run: string;
  readonly family: string;
  /** FLOPs that were asked for; `steps` spend them to the nearest whole step. */
  readonly budget: number;
  /** As they are counted off the graph, forward and backward. */
  readonly flops: number;
  readonly parameters: number;
  readonly tokens: number;
  /** Numbers of state of a sequence, by the MAD paper's convention. */
  readonly state: number;
  readonly width: number;
  readonly layers: number;
  readonly steps: number;
  readonly rate: number;
  readonly spec: TransferSpec;
}

/** What is the same in all runs of a ladder. */
export interface RunSettings {
  /** Sequences of an update. */
  readonly batch: number;
  readonly seed: number;
  /** Validation tokens that a loss is the mean of. */
  readonly evaluationTokens: number;
  /** Text; absent: the built-in language. */
  readonly data?: string | undefined;
  /** Absent: the fastest that is there. */
  readonly backend?: string | undefined;
}

const WARM_UP = 0.1;
/** Of a run's operations, spent on evaluations before the last one; each leaves a checkpoint. */
const EVALUATION_SHARE = 0.03;
const MOST_EVALUATIONS = 20;

/** The run of a model for a budget; its schedule ends where the run ends. At least one step. */
export function runOf(family: LadderFamily, model: Sized, budget: number, settings: RunSettings): LadderRun {
  const { architecture, width, layers, parameters } = model;
  const { batch, seed, evaluationTokens, data, backend } = settings;
  const { flopsPerToken, state } = costsOf(model);
  const tokensPerStep = batch * architecture.length;
  const steps = Math.max(1, Math.round(budget / (flopsPerToken * tokensPerStep)));
  const { rate, parametrisation } = rateFor(family.rates, width);
  const tokens = steps * tokensPerStep;
  // An evaluation costs a third of training on as many tokens.
  const evaluations = Math.floor((EVALUATION_SHARE * 3 * tokens) / evaluationTokens);
  const training = {
    ...{ steps, batch, seed, parametrisation, keep: 1, evaluationTokens, order: "epochs" as const },
    schedule: { rate, warmup: Math.floor(WARM_UP * steps) },
    evaluateEvery: Math.ceil(steps / Math.max(1, Math.min(MOST_EVALUATIONS, evaluations))),
  };
  defineTraining(training);
  const spec: TransferSpec = { architecture, training, data: data ?? null, backend: backend ?? null };
  const hash = createHash("sha256").update(JSON.stringify(spec)).digest("hex").slice(0, 8);
  const label = `${family.name}-${budget.toExponential(1).replace("+", "")}flop-width${width}-depth${layers}`;
  return {
    run: `${label.replace(/[^\w.]+/g, "-").slice(0, 150)}-${hash}`,
    ...{ family: family.name, budget, flops: steps * tokensPerStep * flopsPerToken },
    ...{ parameters, tokens, state, width, layers, steps, rate, spec },
  };
}

/** The job of a run: all of it. */
export function jobOf({ run, steps, spec }: LadderRun): Job {
  return { run, until: steps, spec: toJson(spec) };
}
