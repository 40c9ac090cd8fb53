// Times whole training steps of an architecture on fixed random tokens. Knows no data set and no schedule.
// B batch, T length.

import { performance } from "node:perf_hooks";
import type { Architecture } from "../architecture/architecture.ts";
import type { Machine } from "../backend/machine.ts";
import { tapeKernels } from "../backend/tape/capabilities.ts";
import { compile } from "../compiler/compile.ts";
import { explainPlan } from "../compiler/explain.ts";
import { createRandom } from "../data/random.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { median, warmUps } from "./benchmark.ts";
import { createOptimizer } from "./optimizers.ts";
import { type StepOptions, trainingStep } from "./step.ts";
import { createTrainer, type TrainerBatch } from "./trainer.ts";

export interface StepTimingOptions {
  /** B, sequences of a step. */
  readonly batch: number;
  /** Warm-up and timed steps together, at least 3. */
  readonly steps: number;
  readonly seed: number;
  /** Stops after the step in progress, the first at the earliest. */
  readonly signal?: AbortSignal;
}

export interface StepTiming {
  /** From the architecture to a step that can run: graph, gradients, plan, tape. */
  readonly planMs: number;
  /** Since the process was started. */
  readonly firstStepMs: number;
  /** Median after the warm-ups. */
  readonly msPerStep: number;
  readonly tokensPerSecond: number;
  /** Mean losses of the first and the last step, in nat. */
  readonly lossFirst: number;
  readonly lossLast: number;
  readonly parameters: number;
  /** Steps that were run; fewer than asked for where `signal` was aborted. */
  readonly steps: number;
}

/** AdamW without clipping, as in bench/peer/decoder.py. */
function timedStep({ length }: Architecture, batch: number): StepOptions {
  return { optimizer: createOptimizer("adamw"), batch, length, microBatches: 1, clip: null, decay: "all" };
}

/** The plan of a timed step, in words. */
export function explainSteps(architecture: Architecture, batch: number): string {
  return explainPlan(compile(trainingStep(architecture, timedStep(architecture, batch)).update, tapeKernels));
}

/** AdamW at 1e-3 with weight decay 0.1 on everything and no clipping, as in bench/peer/decoder.py. */
export async function timeSteps(
  machine: Machine,
  architecture: Architecture,
  { batch, steps, seed, signal }: StepTimingOptions,
): Promise<StepTiming> {
  const start = performance.now();
  const trainer = createTrainer(machine, architecture, timedStep(architecture, batch));
  const planMs = performance.now() - start;
  trainer.initialize(seed);
  const tokens = randomTokens(architecture, batch, seed);
  const times: number[] = [];
  const losses: number[] = [];
  let firstStepMs = 0;
  for (let step = 0; step < steps && !(step > 0 && signal?.aborted); step++) {
    const before = performance.now();
    losses.push((await trainer.step(tokens, step + 1, 1e-3)).loss);
    const after = performance.now();
    times.push(after - before);
    if (step === 0) firstStepMs = after;
  }
  const parameters = [...trainer.parameters.values()].reduce((total, { shape }) => total + sizeOf(shape), 0);
  trainer.dispose();
  const msPerStep = median(times.slice(Math.min(warmUps, times.length - 1)));
  return {
    planMs,
    firstStepMs,
    msPerStep,
    tokensPerSecond: (1e3 * batch * architecture.length) / msPerStep,
    lossFirst: losses[0]!,
    lossLast: losses.at(-1)!,
    parameters,
    steps: losses.length,
  };
}

/** Tokens drawn once, uniformly; each target is the token before, the first one's the row's last. */
function randomTokens({ length, vocabulary }: Architecture, batch: number, seed: number): TrainerBatch {
  const random = createRandom(seed, 0);
  const inputs = Int32Array.from({ length: batch * length }, (_, i) => random.integer(i, vocabulary));
  const targets = inputs.map((_, i) => inputs[i % length === 0 ? i + length - 1 : i - 1]!);
  return { inputs, targets };
}
