// What `scantling bench` does: builds the workload that was asked for, has it timed, prints the figures.

import { RequestError } from "../../errors.ts";
import { formatBytes, formatCount, formatShare } from "../../report/format.ts";
import type { Console } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { type OpenMachine, openMachine } from "../machine.ts";
import { prepareOutput } from "../output.ts";
import {
  type BenchOptions,
  type DecoderOptions,
  type OperationWorkload,
  type StepWorkload,
  stepWorkloads,
} from "./command.ts";

/** @returns the exit code */
export async function bench(options: BenchOptions, console: Console): Promise<number> {
  const save = options.out === undefined ? undefined : prepareOutput(options.out, options.force ?? false);
  const open = await openMachine(options, console);
  const common = { workload: options.workload, backend: open.machine.name, threads: open.machine.threads };
  const task = {
    ...{ options, open, signal: console.signal },
    print: (line: string) => (options.json ? console.err : console.out)(`${line}\n`),
  };
  try {
    const figures = isStepWorkload(options.workload)
      ? await benchSteps(options.workload, task)
      : await benchOperations(options.workload, task);
    const document = { ...common, ...figures };
    save?.(`${JSON.stringify(document, null, 2)}\n`);
    if (options.json) console.out(`${JSON.stringify(document)}\n`);
  } finally {
    open.machine.dispose();
  }
  return console.signal.aborted ? interruptedCode : 0;
}

interface Task {
  readonly options: BenchOptions;
  readonly open: OpenMachine;
  readonly signal: AbortSignal;
  /** A line for people; where the document is for a program, it goes to standard error. */
  readonly print: (line: string) => void;
}

type Figures = Record<string, unknown>;

function isStepWorkload(workload: string): workload is StepWorkload {
  return (stepWorkloads as readonly string[]).includes(workload);
}

async function benchSteps(
  workload: StepWorkload,
  { options, open: { machine, peakGflops }, signal, print }: Task,
): Promise<Figures> {
  const [{ timeSteps }, { architecture, batch }] = await Promise.all([
    import("../../train/benchmarkSteps.ts"),
    stepModel(workload, options),
  ]);
  const { steps, seed } = options;
  const timing = await timeSteps(machine, architecture, { batch, steps, seed, signal });
  // Counting and the measurement of the peak are no part of training.
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  const { count } = await import("../../architecture/count.ts");
  const gflops = (count(architecture).flopsPerToken.training * timing.tokensPerSecond) / 1e9;
  const peak = peakGflops();
  const shareOfPeak = peak === null ? null : gflops / peak;
  const figures = {
    tokensPerSecond: timing.tokensPerSecond,
    msPerStep: timing.msPerStep,
    peakMemoryBytes,
    lossFirst: timing.lossFirst,
    lossLast: timing.lossLast,
    firstStepMs: timing.firstStepMs,
    planMs: timing.planMs,
    parameters: timing.parameters,
    gflops,
    peakGflops: peak,
    shareOfPeak,
    steps: timing.steps,
  };
  const share =
    shareOfPeak === null ? "" : `, ${formatShare(shareOfPeak)} of this machine's ${peak!.toFixed(0)}`;
  [
    `${workload} on ${machine.name}, ${machine.threads} threads, ${formatCount(timing.parameters)} parameters`,
    `  ${formatCount(timing.tokensPerSecond)} tokens/s, ${timing.msPerStep.toFixed(1)} ms a step`,
    `  ${gflops.toFixed(1)} GFLOP/s${share}`,
    `  ${formatBytes(peakMemoryBytes)} at most, the whole process`,
    `  planned in ${timing.planMs.toFixed(0)} ms, first step ${timing.firstStepMs.toFixed(0)} ms after the start`,
    `  loss ${timing.lossFirst.toFixed(4)} at first, ${timing.lossLast.toFixed(4)} after ${timing.steps} steps`,
  ].forEach(print);
  return figures;
}

/** Batches that W1 and W2 are trained with; their models are presets. */
const fixedBatches = { W1: 128, W2: 8 } as const;

const decoderKeys = [
  "width",
  "layers",
  "heads",
  "kvHeads",
  "length",
  "batch",
  "feedforward",
  "activation",
  "norm",
  "positions",
  "vocabulary",
  "bias",
  "tied",
] as const satisfies readonly (keyof DecoderOptions)[];

async function stepModel(workload: StepWorkload, options: BenchOptions) {
  if (workload !== "decoder") {
    refuseDecoderOptions(workload, options);
    const presets = await import("../../architecture/presets.ts");
    return { architecture: presets[workload], batch: fixedBatches[workload] };
  }
  const { defineArchitecture } = await import("../../architecture/architecture.ts");
  const { batch = 8, width = 128, tied = false, ...rest } = pick(options);
  const settings = {
    ...{ vocabulary: 64, length: 128, layers: 2, heads: 8, feedforward: 4 * width, width },
    ...rest,
    tie: tied,
  };
  return { architecture: defineArchitecture(settings), batch };
}

function pick(options: DecoderOptions): DecoderOptions {
  const given = decoderKeys.filter((key) => options[key] !== undefined);
  return Object.fromEntries(given.map((key) => [key, options[key]]));
}

function refuseDecoderOptions(workload: string, options: BenchOptions): void {
  const given = decoderKeys.find((key) => options[key] !== undefined);
  if (given === undefined) return;
  throw new RequestError(
    `bench: --workload ${workload} has no ${given} to choose; leave the option out or ask for --workload decoder`,
  );
}

async function benchOperations(
  workload: OperationWorkload,
  { options, open: { machine, peakGflops }, signal, print }: Task,
): Promise<Figures> {
  refuseDecoderOptions(workload, options);
  const [{ timeOperation, copyGigabytesPerSecond, warmUps }, { operationCases }] = await Promise.all([
    import("../../train/benchmark.ts"),
    import("../../train/benchmarkOperations.ts"),
  ]);
  const cases = operationCases(workload);
  const peak = peakGflops();
  const needsMemoryPeak = peak !== null && cases.some(({ flops }) => flops === undefined);
  const peakGigabytesPerSecond = needsMemoryPeak ? copyGigabytesPerSecond(machine, options.seed) : null;
  const operations: Record<string, unknown>[] = [];
  const width = Math.max(...cases.map(({ name }) => name.length));
  for (const operation of cases) {
    if (signal.aborted) break;
    const timing = timeOperation(machine, operation, options.steps - warmUps, options.seed);
    const highest = timing.gflops === undefined ? peakGigabytesPerSecond : peak;
    const speed = (timing.gflops ?? timing.gigabytesPerSecond)!;
    const shareOfPeak = highest === null ? null : speed / highest;
    operations.push({ ...timing, shareOfPeak });
    const unit = timing.gflops === undefined ? "GB/s" : "GFLOP/s";
    const share = shareOfPeak === null ? "" : `  ${formatShare(shareOfPeak).padStart(6)}`;
    print(
      `${operation.name.padEnd(width)}  ${timing.ms.toFixed(3).padStart(9)} ms  ` +
        `${speed.toFixed(1).padStart(7)} ${unit.padEnd(7)}${share}`,
    );
    // The event loop gets a turn, so that an interrupt is noticed.
    await new Promise((resume) => setImmediate(resume));
  }
  return { peakGflops: peak, peakGigabytesPerSecond, operations };
}
