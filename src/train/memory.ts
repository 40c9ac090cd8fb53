// How much memory a training step will take, told before the first one runs. Knows sizes; chooses nothing.
import type { Executable, ProgramNeeds } from "../backend/machine.ts";
import { dtypeBytes } from "../compiler/plan.ts";
import { formatBytes } from "../report/format.ts";
import { type Program, programInputs, programResults } from "../tensor/program.ts";
import { sizeOf, type TensorType } from "../tensor/tensor.ts";
import { collectGarbage } from "./garbage.ts";
import type { TrainingStep } from "./step.ts";

/** What is known of a program that is planned; a machine can run it, too. */
export type Planned = Pick<Executable, "needs" | "dispose">;

/** The programs of a training step, planned. */
export interface LoadedStep<P extends Planned = Executable> {
  readonly step: TrainingStep;
  readonly accumulate: P | undefined;
  readonly update: P;
}

/** What a step takes, its micro-batches together. */
export interface StepNeeds extends ProgramNeeds {
  /** Weights, optimiser states, accumulated gradients, a batch, results. */
  readonly storeBytes: number;
}

/** What a run needs of memory beside its steps. */
export interface BesideSteps {
  /** Between steps. */
  readonly besideBytes: number;
  /** Before the first one, for a checkpoint that is read. Default 0. */
  readonly restoreBytes?: number;
}

/** Of the whole process, in bytes; `peakBytes` is what its parts come to, or more where more was taken before. */
export interface MemoryPrediction {
  /** Most that will be resident at once. */
  readonly peakBytes: number;
  /** Resident when the step was planned: the runtime, the data, the plan. Measured. */
  readonly processBytes: number;
  /** Weights, optimiser states, accumulated gradients, a batch, results. */
  readonly storeBytes: number;
  /** Values of a forward and backward pass. */
  readonly arenaBytes: number;
  /** What threads have of their own, of all threads together. */
  readonly threadBytes: number;
  /** Room for what happens between steps, such as evaluations, samples, checkpoints and the report. */
  readonly besideBytes: number;
}

/** Undefined for a backend that does not plan memory. */
export function stepNeeds({ step, accumulate, update }: LoadedStep<Planned>): StepNeeds | undefined {
  if (update.needs === undefined) return undefined;
  const none: ProgramNeeds = { arenaBytes: 0, threadBytes: 0, flops: 0 };
  const part = accumulate?.needs ?? none;
  return {
    storeBytes: storeBytes([step.update, ...(step.accumulate === undefined ? [] : [step.accumulate])]),
    arenaBytes: Math.max(part.arenaBytes, update.needs.arenaBytes),
    threadBytes: Math.max(part.threadBytes, update.needs.threadBytes),
    flops: step.options.microBatches * part.flops + update.needs.flops,
  };
}

/** Bytes of all values that the programs read and write by name. */
export function storeBytes(programs: readonly Program[]): number {
  const types = new Map<string, TensorType>();
  for (const of of programs) {
    for (const [name, type] of programInputs(of)) types.set(name, type);
    const names = [...Object.keys(of.outputs), ...Object.keys(of.updates)];
    programResults(of).forEach((result, i) => {
      types.set(names[i]!, result);
    });
  }
  return [...types.values()].reduce((sum, { shape, dtype }) => sum + sizeOf(shape) * dtypeBytes(dtype), 0);
}

/** To be asked when the step is planned and none of its memory touched. */
export function predictMemory(needs: StepNeeds, beside: BesideSteps): MemoryPrediction {
  const { besideBytes, restoreBytes = 0 } = beside;
  collectGarbage();
  const { storeBytes, arenaBytes, threadBytes } = needs;
  const processBytes = process.memoryUsage().rss;
  const sum = processBytes + storeBytes + arenaBytes + threadBytes + besideBytes;
  // What came before may have taken more than training will.
  const before = Math.max(process.resourceUsage().maxRSS * 1024, processBytes + storeBytes + restoreBytes);
  const peakBytes = Math.max(before, sum);
  return { peakBytes, processBytes, storeBytes, arenaBytes, threadBytes, besideBytes };
}

/** What will be resident during a step. */
export function residentBytes(needs: StepNeeds, besideBytes: number): number {
  const { processBytes, storeBytes, arenaBytes, threadBytes } = predictMemory(needs, { besideBytes });
  return processBytes + storeBytes + arenaBytes + threadBytes + besideBytes;
}

/** How much is predicted and free where that is too much for the system; else null. */
export function memoryShortage(prediction: MemoryPrediction | undefined): string | null {
  if (prediction === undefined) return null;
  const { peakBytes, processBytes } = prediction;
  const free = process.availableMemory();
  if (peakBytes - processBytes <= free) return null;
  return `${formatBytes(peakBytes)} of memory are predicted and ${formatBytes(processBytes + free)} are free`;
}

/** One line where more is predicted than the system has free; else null. */
export function memoryWarning(prediction: MemoryPrediction | undefined): string | null {
  const shortage = memoryShortage(prediction);
  if (shortage === null) return null;
  return `${shortage}: the system may end this run; with a bound (--memory) a step is planned to fit`;
}
