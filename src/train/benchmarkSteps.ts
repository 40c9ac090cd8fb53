// Times whole training steps of an architecture on fixed random tokens. Knows no data set and no schedule.
// B batch, T length.

import { performance } from "node:perf_hooks";
import type { Architecture } from "../architecture/architecture.ts";
import type { Machine } from "../backend/machine.ts";
import { tapeKernels } from "../backend/tape/capabilities.ts";
import { encodePlan } from "../backend/tape/encode.ts";
import { programNeeds } from "../backend/tape/needs.ts";
import { compile } from "../compiler/compile.ts";
import { explainPlan } from "../compiler/explain.ts";
import type { Plan } from "../compiler/plan.ts";
import { RequestError } from "../errors.ts";
import { formatBytes } from "../report/format.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { median, warmUps } from "./benchmark.ts";
import { type MemoryPrediction, memoryShortage, type Planned, predictMemory, stepNeeds } from "./memory.ts";
import { fitStep, type Planner } from "./memoryPlan.ts";
import { usualObjective } from "./objectives/objectives.ts";
import { createOptimizer } from "./optimizers.ts";
import { parametrise } from "./parametrisation/parametrise.ts";
import { stepOptions } from "./run.ts";
import type { TrainingSettings } from "./settings.ts";
import type { StepOptions } from "./step.ts";
import { createTrainer } from "./trainer.ts";

/** What to time, and how often. */
export interface StepTimingOptions {
  /** B, sequences of a step. */
  readonly batch: number;
  /** Warm-up and timed steps together; of fewer than three, the last is timed. */
  readonly steps: number;
  readonly seed: number;
  /** How updates are made; default: by AdamW with weight decay 0.1 on everything and no clipping, as in bench/peer/decoder.py. */
  readonly training?: TrainingSettings | undefined;
  /** Most bytes that the process may have resident; absent: the step stays whole. */
  readonly memory?: number | undefined;
  /** What is timed, for messages; default: "the model". */
  readonly what?: string | undefined;
  /** Stops after the step in progress, the first at the earliest. */
  readonly signal?: AbortSignal;
}

/** Speed, memory and losses of timed training steps. */
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
  /** What was predicted before the first step; null for a backend that does not plan memory. */
  readonly memory: MemoryPrediction | null;
  /** How the step was made to fit the memory; null: it was not changed. */
  readonly memoryNote: string | null;
  /** Steps that were run; fewer than asked for where `signal` was aborted. */
  readonly steps: number;
}

function timedStep(architecture: Architecture, batch: number, training?: TrainingSettings): StepOptions {
  if (training !== undefined) return stepOptions({ architecture, training: { ...training, batch } });
  const [optimizer, objective] = [createOptimizer("adamw"), usualObjective(architecture)];
  const { length } = architecture;
  return { optimizer, objective, batch, length, microBatches: 1, clip: null, decay: "all" };
}

/** The plan of a timed step on so many threads, in words: the memory it will take, then its programs. */
export function explainSteps(
  architecture: Architecture,
  { batch, memory, threads }: Pick<StepTimingOptions, "batch" | "memory"> & { readonly threads: number },
): string {
  const planner: Planner<Planned & { readonly plan: Plan }> = {
    name: "native",
    load: (program) => {
      const plan = compile(program, tapeKernels);
      return { plan, needs: programNeeds(plan, encodePlan(plan, 4, threads), threads), dispose: () => {} };
    },
  };
  const bounds = { memory, besideBytes: 0 };
  const { loaded, note } = fitStep(planner, architecture, timedStep(architecture, batch), bounds);
  const { peakBytes, ...parts } = predictMemory(stepNeeds(loaded)!, bounds);
  const [process, store, arena, ofThreads] = [
    parts.processBytes,
    parts.storeBytes,
    parts.arenaBytes,
    parts.threadBytes,
  ].map(formatBytes);
  const { accumulate, update } = loaded;
  return [
    `predicted peak: ${formatBytes(peakBytes)}: process ${process}, store ${store}, arena ${arena}, threads ${ofThreads}`,
    ...(note === null ? [] : [note]),
    ...(accumulate === undefined ? [] : ["every micro-batch:", explainPlan(accumulate.plan), "the update:"]),
    explainPlan(update.plan),
  ].join("\n");
}

/**
 * At a rate of 1e-3.
 * Errors: RequestError for a step that cannot be planned within `memory`, or takes more than the system has free.
 */
export async function timeSteps(
  machine: Machine,
  given: Architecture,
  { batch, steps, seed, training, memory, what = "the model", signal }: StepTimingOptions,
): Promise<StepTiming> {
  const start = performance.now();
  const architecture = training === undefined ? given : parametrise(given, training.parametrisation);
  const options = timedStep(architecture, batch, training);
  const { loaded, note } = fitStep(machine, architecture, options, { memory, besideBytes: 0 });
  const trainer = createTrainer(machine, architecture, loaded);
  const planMs = performance.now() - start;
  const shortage = memoryShortage(trainer.memory);
  if (shortage !== null) {
    trainer.dispose();
    throw new RequestError(`${what}: ${shortage}; expected a smaller model, batch or length`);
  }
  trainer.initialize(seed);
  const example = options.objective!.example(architecture, batch, options.length, seed);
  const times: number[] = [];
  const losses: number[] = [];
  let firstStepMs = 0;
  for (let step = 0; step < steps && !(step > 0 && signal?.aborted); step++) {
    const before = performance.now();
    losses.push((await trainer.step(example, step + 1, 1e-3)).loss);
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
    memory: trainer.memory ?? null,
    memoryNote: note,
    steps: losses.length,
  };
}
