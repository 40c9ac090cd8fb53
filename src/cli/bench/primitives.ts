// What `scantling bench --primitives` does: has each primitive timed at each shape, keeps what is finished, prints it.

import { RequestError, WorkError } from "../../errors.ts";
import { nearest } from "../../nearest.ts";
import { formatBytes, formatCount, formatShare } from "../../report/format.ts";
import { type PreparedCell, prepareCell, timePrimitive } from "../../train/benchmarkCell.ts";
import { type PrimitiveCase, primitiveCases } from "../../train/benchmarkPrimitives.ts";
import { packageVersion } from "../../version.ts";
import type { Console } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { type OpenMachine, openMachine } from "../machine.ts";
import { prepareOutput } from "../output.ts";
import type { BenchOptions } from "./command.ts";
import {
  finishedCells,
  type MeasuredCell,
  type PrimitivesRecord,
  type PrimitivesRequest,
  type SkippedCell,
} from "./primitivesRecord.ts";

/** Below this share of the best peak that was seen, the machine did other work beside a measurement. */
const UNDISTURBED = 0.9;

/** @returns the exit code */
export async function benchPrimitives(options: BenchOptions, console: Console): Promise<number> {
  const { widths = [128, 512], lengths = [128, 2048], tokens, repeats = 5, seed, out } = options;
  const cases = selectCases(options.primitives!);
  // All of them first, so that nothing is measured for a request that cannot be served.
  const cells = cases.flatMap((of) =>
    widths.flatMap((width) => lengths.map((length) => prepareCell(of, width, length, tokens))),
  );
  const save = out === undefined ? undefined : prepareOutput(out, options.force || options.resume || false);
  const memory = options.memory ?? process.availableMemory();
  const open = await openMachine(options, console);
  const { machine } = open;
  try {
    const request: PrimitivesRequest = {
      ...{ version: packageVersion(), backend: machine.name, machine: machine.identity ?? null },
      ...{ threads: machine.threads, primitives: cases.map(({ name }) => name), widths, lengths },
      ...{ tokens: tokens ?? null, repeats, seed },
    };
    const finished = options.resume ? finishedCells(out!, request) : [];
    const results = new Map<PreparedCell, MeasuredCell | SkippedCell>();
    for (const prepared of cells) {
      const before = finished.find((cell) => isCell(cell, prepared));
      if (before !== undefined) results.set(prepared, before);
    }
    const record = () =>
      recordOf(
        request,
        cells.flatMap((prepared) => results.get(prepared) ?? []),
      );
    const print = (line: string) => (options.json ? console.err : console.out)(`${line}\n`);
    print(`${machine.name}, ${machine.threads} threads; forward and backward, medians of ${repeats}`);
    for (const prepared of cells) {
      if (console.signal.aborted) break;
      if (!results.has(prepared)) {
        results.set(prepared, await measure(open, prepared, { repeats, seed, memory }));
        save?.(`${JSON.stringify(record(), null, 2)}\n`);
      }
      const result = results.get(prepared)!;
      print("reason" in result ? `left out: ${result.reason}` : lineOf(result));
      // The event loop gets a turn, so that an interrupt is noticed.
      await new Promise((resume) => setImmediate(resume));
    }
    const document = record();
    for (const line of remarks(document.cells)) print(line);
    if (options.json) console.out(`${JSON.stringify(document)}\n`);
  } finally {
    machine.dispose();
  }
  return console.signal.aborted ? interruptedCode : 0;
}

/** Errors: RequestError for a name that is none of a case. */
function selectCases(asked: true | readonly string[]): readonly PrimitiveCase[] {
  const all = primitiveCases();
  if (asked === true) return all;
  return asked.map((name) => {
    const found = all.find((of) => of.name === name);
    if (found !== undefined) return found;
    const names = all.map((of) => of.name);
    const meant = nearest(name, names);
    const hint = meant === null ? `expected some of ${names.join(", ")}` : `did you mean ${meant}?`;
    throw new RequestError(`bench: --primitives ${name}: there is no such primitive; ${hint}`);
  });
}

function recordOf(
  request: PrimitivesRequest,
  results: readonly (MeasuredCell | SkippedCell)[],
): PrimitivesRecord {
  return {
    workload: "primitives",
    ...request,
    cells: results.filter((result): result is MeasuredCell => !("reason" in result)),
    skipped: results.filter((result): result is SkippedCell => "reason" in result),
  };
}

function isCell(cell: MeasuredCell, { cell: { name, width, length } }: PreparedCell): boolean {
  return cell.name === name && cell.width === width && cell.length === length;
}

/** A cell that needs more memory than there is says so, and the others are measured. */
async function measure(
  { machine, peakGflops }: OpenMachine,
  prepared: PreparedCell,
  options: { readonly repeats: number; readonly seed: number; readonly memory: number },
): Promise<MeasuredCell | SkippedCell> {
  try {
    const timing = await timePrimitive(machine, prepared, options);
    const peak = peakGflops();
    return { ...timing, peakGflops: peak, shareOfPeak: peak === null ? null : timing.gflops / peak };
  } catch (error) {
    if (!(error instanceof WorkError)) throw error;
    const { name, width, length } = prepared.cell;
    return { name, width, length, reason: error.message };
  }
}

function lineOf(cell: MeasuredCell): string {
  const { name, width, length, tokensPerSecond, gflops, shareOfPeak, memory } = cell;
  const shape = `${width} x ${length}`.padStart(11);
  const speed = `${formatCount(tokensPerSecond).padStart(6)} tokens/s ${cell.median.toFixed(1).padStart(8)} ms`;
  const share = shareOfPeak === null ? "" : ` ${formatShare(shareOfPeak).padStart(6)}`;
  const arena = memory === null ? "" : `  arena ${formatBytes(memory.arenaBytes)}`;
  const planned = `planned in ${cell.planMs.toFixed(0)} ms`;
  const work = `${gflops.toFixed(1).padStart(7)} GFLOP/s${share}`;
  return `${name.padEnd(22)} ${shape} ${speed} ${work}${arena}, ${planned}, ${cell.countedBy}`;
}

function remarks(cells: readonly MeasuredCell[]): string[] {
  const peaks = cells.flatMap(({ peakGflops }) => peakGflops ?? []);
  if (peaks.length === 0) return [];
  const [lowest, highest] = [Math.min(...peaks), Math.max(...peaks)];
  const line = `peak: ${highest.toFixed(0)} GFLOP/s`;
  if (lowest >= UNDISTURBED * highest) return [line];
  return [
    `${line}, but ${lowest.toFixed(0)} after one of the measurements: the machine did other work, repeat them`,
  ];
}
