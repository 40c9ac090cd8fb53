// What `scantling bench` does: has the workload that was asked for timed and prints the figures.

import { availableParallelism } from "node:os";
import type { Architecture } from "../../architecture/architecture.ts";
import { RequestError } from "../../errors.ts";
import { formatBytes, formatCount, formatShare } from "../../report/format.ts";
import type { OperationCase } from "../../train/benchmarkOperations.ts";
import type { Console } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { type OpenMachine, openMachine } from "../machine.ts";
import { prepareOutput } from "../output.ts";
import { type BenchOptions, type OperationWorkload, type StepWorkload, stepWorkloads } from "./command.ts";
import { refuseMixture } from "./mixture.ts";

/** @returns the exit code */
export async function bench(options: BenchOptions, console: Console): Promise<number> {
  refuseMixture(options);
  if (options.primitives !== undefined) {
    const { benchPrimitives } = await import("./primitives.ts");
    return benchPrimitives(options, console);
  }
  const { workload = "W1", steps = 12 } = options;
  return benchWorkload({ ...options, workload, steps }, console);
}

/** Options of a workload, defaults filled in. */
type WorkloadOptions = BenchOptions & Required<Pick<BenchOptions, "workload" | "steps">>;

async function benchWorkload(options: WorkloadOptions, console: Console): Promise<number> {
  if (options.explain) return explain(options, console);
  const save = options.out === undefined ? undefined : prepareOutput(options.out, options.force ?? false);
  const { workload } = options;
  const measure = isStepWorkload(workload)
    ? await prepareSteps(workload, options)
    : await prepareOperations(workload, options);
  const open = await openMachine(options, console);
  try {
    const figures = await measure({
      ...open,
      signal: console.signal,
      print: (line: string) => (options.json ? console.err : console.out)(`${line}\n`),
    });
    const document = { workload, backend: open.machine.name, threads: open.machine.threads, ...figures };
    save?.(`${JSON.stringify(document, null, 2)}\n`);
    if (options.json) console.out(`${JSON.stringify(document)}\n`);
  } finally {
    open.machine.dispose();
  }
  return console.signal.aborted ? interruptedCode : 0;
}

async function explain({ workload, ...options }: WorkloadOptions, console: Console): Promise<number> {
  if (!isStepWorkload(workload)) {
    throw new RequestError(`bench: --explain of ${workload}; expected ${stepWorkloads.join(", ")}`);
  }
  const [{ timedModel }, { explainSteps }] = await Promise.all([
    import("./model.ts"),
    import("../../train/benchmarkSteps.ts"),
  ]);
  const { architecture, batch } = timedModel(workload, options);
  const { memory, threads = availableParallelism() } = options;
  const plan = explainSteps(architecture, { batch, memory, threads });
  console.out(options.json ? `${JSON.stringify({ workload, plan: plan.split("\n") })}\n` : `${plan}\n`);
  return 0;
}

interface Place extends OpenMachine {
  readonly signal: AbortSignal;
  /** A line for people; where the document is for a program, it goes to standard error. */
  readonly print: (line: string) => void;
}

type Figures = Record<string, unknown>;

function isStepWorkload(workload: string): workload is StepWorkload {
  return (stepWorkloads as readonly string[]).includes(workload);
}

async function prepareSteps(workload: StepWorkload, options: WorkloadOptions) {
  const { timedModel } = await import("./model.ts");
  const { architecture, batch } = timedModel(workload, options);
  return async ({ machine, peakGflops, signal, print }: Place): Promise<Figures> => {
    const { timeSteps } = await import("../../train/benchmarkSteps.ts");
    const { steps, seed, memory } = options;
    const timing = await timeSteps(machine, architecture, { batch, steps, seed, memory, signal });
    // Counting and the measurement of the peak are no part of training.
    const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
    const gflops = (await flopsPerToken(architecture)) * timing.tokensPerSecond * 1e-9;
    const peak = peakGflops();
    const shareOfPeak = peak === null ? null : gflops / peak;
    const share = peak === null ? "" : `, ${formatShare(gflops / peak)} of this machine's ${peak.toFixed(0)}`;
    print(
      `${workload} on ${machine.name}, ${machine.threads} threads, ${formatCount(timing.parameters)} parameters`,
    );
    print(`  ${formatCount(timing.tokensPerSecond)} tokens/s, ${timing.msPerStep.toFixed(1)} ms a step`);
    print(`  ${gflops.toFixed(1)} GFLOP/s${share}`);
    const predicted = timing.memory === null ? "" : `, ${formatBytes(timing.memory.peakBytes)} predicted`;
    print(`  memory: ${formatBytes(peakMemoryBytes)} at most, the whole process${predicted}`);
    if (timing.memoryNote !== null) print(`  ${timing.memoryNote}`);
    print(
      `  planned in ${timing.planMs.toFixed(0)} ms, first step ${timing.firstStepMs.toFixed(0)} ms after the start`,
    );
    print(`  loss ${timing.lossFirst.toFixed(4)}, after ${timing.steps} steps ${timing.lossLast.toFixed(4)}`);
    return { ...timing, peakMemoryBytes, gflops, peakGflops: peak, shareOfPeak };
  };
}

async function flopsPerToken(architecture: Architecture): Promise<number> {
  const { count } = await import("../../architecture/count.ts");
  return count(architecture).flopsPerToken.training;
}

async function prepareOperations(workload: OperationWorkload, options: WorkloadOptions) {
  const [{ refuseDecoderOptions }, { operationCases }] = await Promise.all([
    import("./model.ts"),
    import("../../train/benchmarkOperations.ts"),
  ]);
  refuseDecoderOptions(workload, options);
  const cases = operationCases(workload);
  return (place: Place) => timeOperations(cases, options, place);
}

async function timeOperations(
  cases: readonly OperationCase[],
  { steps, seed }: WorkloadOptions,
  { machine, peakGflops, signal, print }: Place,
): Promise<Figures> {
  const { timeOperation, copyGigabytesPerSecond, warmUps } = await import("../../train/benchmark.ts");
  const peak = peakGflops();
  const needsMemoryPeak = peak !== null && cases.some(({ flops }) => flops === undefined);
  const peakGigabytesPerSecond = needsMemoryPeak ? copyGigabytesPerSecond(machine, seed) : null;
  const width = Math.max(...cases.map(({ name }) => name.length));
  const operations: Figures[] = [];
  for (const operation of cases) {
    if (signal.aborted) break;
    const timing = timeOperation(machine, operation, Math.max(1, steps - warmUps), seed);
    const [speed, unit, highest] =
      timing.gflops === undefined
        ? [timing.gigabytesPerSecond!, "GB/s", peakGigabytesPerSecond]
        : [timing.gflops, "GFLOP/s", peak];
    const shareOfPeak = highest === null ? null : speed / highest;
    operations.push({ ...timing, shareOfPeak });
    const time = `${timing.ms.toFixed(3).padStart(9)} ms  ${speed.toFixed(1).padStart(7)} ${unit.padEnd(7)}`;
    const share = shareOfPeak === null ? "" : `  ${formatShare(shareOfPeak).padStart(6)}`;
    print(`${operation.name.padEnd(width)}  ${time}${share}`);
    // The event loop gets a turn, so that an interrupt is noticed.
    await new Promise((resume) => setImmediate(resume));
  }
  return { peakGflops: peak, peakGigabytesPerSecond, operations };
}
