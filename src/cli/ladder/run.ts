// What `scantling ladder` does: finds what is to be run, has it run, shows how it goes, and prints what came out.

import { loadDataset } from "../../data/dataset.ts";
import { dataFolders } from "../../data/named/folders.ts";
import { RequestError } from "../../errors.ts";
import { doubtsOf, nothingPredicted, predictedLate } from "../../ladder/doubts.ts";
import { type LadderFiles, nextCommand } from "../../ladder/handOver.ts";
import { ladder } from "../../ladder/ladder.ts";
import { defineLadder, type Ladder } from "../../ladder/request.ts";
import { type LadderResult, requireLosses } from "../../ladder/result.ts";
import { measureSpeed, processSeconds } from "../../ladder/time.ts";
import { formatCount, formatDuration } from "../../report/format.ts";
import { defaultProcesses } from "../../study/processes.ts";
import type { Console } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { follow } from "../follow.ts";
import { openMachine, tryMachine } from "../machine.ts";
import type { LadderCommandOptions, LadderKind } from "./command.ts";
import { budgetsIn, fitting, readAmount, requestOf, smallest } from "./request.ts";

/** @returns the exit code */
export async function climb(
  kind: LadderKind,
  architectures: readonly string[],
  options: LadderCommandOptions,
  console: Console,
  commandLine: readonly string[],
): Promise<number> {
  const { data, out: folder, threads = 1 } = options;
  const dataset = await loadDataset({ data, dataFolder: dataFolders(console.environment) });
  const requestAt = requestOf(kind, architectures, options, dataset);
  const amount = readAmount(options);
  const processes = options.workers ?? defaultProcesses(threads);
  const budgets = options.budgets ?? budgetsIn(folder);
  const rungs = kind === "state" ? 1 : options.rungs;
  const found =
    budgets !== undefined
      ? defineLadder(requestAt(budgets))
      : amount?.unit === "flops"
        ? fitting(requestAt, rungs, amount, processes, undefined)
        : undefined;
  const needsTime = options.dryRun === true || amount?.unit === "seconds";
  // Any models near the ones that will be run tell the speed.
  const near = found ?? smallest(requestAt, rungs);
  const speed = needsTime ? await speedOf(near, { ...options, threads }, console) : undefined;
  const planned = found ?? fitting(requestAt, rungs, amount!, processes, speed);
  const seconds = speed === undefined ? undefined : processSeconds(planned, speed) / processes;
  if (options.budgets !== undefined && amount !== undefined) {
    const cost = amount.unit === "seconds" ? seconds! : planned.flops;
    if (cost > amount.value) {
      const said =
        amount.unit === "seconds" ? `about ${formatDuration(cost)}` : `${cost.toExponential(2)} FLOP`;
      throw new RequestError(
        `ladder: its ${planned.planned.length} runs take ${said}, more than --budget ${options.budget}; raise it, or give fewer or smaller --budgets`,
      );
    }
  }
  if (options.dryRun === true) {
    console.out(
      options.json
        ? `${JSON.stringify(planDocument(planned, seconds!, processes))}\n`
        : `${planLines(planned, seconds!, processes).join("\n")}\n`,
    );
    return 0;
  }
  await tryMachine(options, console);
  for (const note of planned.notes) console.err(`${note}\n`);
  const bound =
    amount === undefined
      ? undefined
      : amount.unit === "seconds"
        ? { seconds: amount.value * processes }
        : { flops: amount.value };
  const events = ladder({
    ...planned.request,
    ...{ folder, processes, threads, budget: bound, command: commandLine.join(" "), signal: console.signal },
  });
  const { reason, result, report, files } = await follow(events, console, "ladder: it", (event, live) => {
    if (event.kind === "prediction") live.line(`predicted, and written to ${event.path}`);
  });
  console.out(
    options.json
      ? `${JSON.stringify({ ...result, ended: reason, report, files })}\n`
      : `${[...resultLines(result), "", `report: ${report}`, ...fileLines(result, files, planned)].join("\n")}\n`,
  );
  if (reason === "budget") console.err("the budget is spent: a larger one goes on from here\n");
  if (reason === "done") requireLosses(result);
  if (reason !== "interrupted") return 0;
  console.err("interrupted: the same command goes on from here\n");
  return interruptedCode;
}

async function speedOf(ladder: Ladder, options: LadderCommandOptions, console: Console) {
  const { machine } = await openMachine(options, console);
  try {
    return await measureSpeed(machine, ladder, console.signal);
  } finally {
    machine.dispose();
  }
}

function planDocument({ planned, flops, notes }: Ladder, seconds: number, processes: number) {
  return { runs: planned.map(({ spec: _, ...run }) => run), flops, seconds, processes, notes };
}

function planLines({ planned, flops, notes }: Ladder, seconds: number, processes: number): string[] {
  return [
    ...notes,
    ...planned.map(
      ({ family, budget, width, layers, parameters, tokens, steps, state, rate }) =>
        `  ${budget.toExponential(1)} FLOP  ${family}  width ${String(width).padStart(4)}, ${layers} layers  ${formatCount(parameters).padStart(6)} parameters  ${formatCount(tokens).padStart(6)} tokens  ${String(steps).padStart(6)} steps  state ${formatCount(state)}  rate ${rate.toPrecision(3)}`,
    ),
    `${planned.length} runs, ${flops.toExponential(2)} FLOP, about ${formatDuration(seconds)} with ${processes} at a time; sizes move to where minima are found`,
  ];
}

function fileLines(result: LadderResult, files: LadderFiles, { request, planned }: Ladder): string[] {
  const { length } = planned[0]!.spec.architecture;
  const next = nextCommand(result, files, { vocabulary: request.vocabulary, length });
  return [
    ...(files.runs === null ? [] : [`runs, for scantling fit: ${files.runs}`]),
    ...(files.law === null ? [] : [`law, for scantling plan: ${files.law}`]),
    ...(next === null ? [] : [`next: ${next}`]),
  ];
}

function resultLines(result: LadderResult): string[] {
  const { kind, rungs, frontier, law, states, outcomes, prediction, failures } = result;
  const place = (at: number) => (kind === "shape" ? `${at.toFixed(1)} layers` : formatCount(Math.round(at)));
  return [
    ...outcomes.flatMap(({ text, reasons }) => [text, ...reasons.map((why) => `  why: ${why}`)]),
    ...(prediction === null ? [nothingPredicted] : prediction.isBefore ? [] : [predictedLate]),
    ...doubtsOf(result),
    ...rungs.flatMap(({ name, runs, valley }) => [
      `${name}${valley?.inside === true ? `: minimum ${valley.vertex!.loss.toFixed(4)} at ${place(valley.vertex!.parameters)}` : ""}`,
      ...runs.map(
        ({ width, layers, parameters, tokens, state, loss }) =>
          `  width ${String(width).padStart(4)}, ${layers} layers  ${formatCount(parameters).padStart(6)} parameters  ${formatCount(tokens).padStart(6)} tokens  state ${formatCount(state)}  loss ${loss?.toFixed(4) ?? "–"}`,
      ),
    ]),
    ...(frontier === null
      ? []
      : [`minima = ${estimate(frontier.constants.k)}·C^${estimate(frontier.constants.a)}`]),
    ...(law === null
      ? []
      : [
          `${law.formula}: ${Object.entries(law.constants)
            .map(([name, value]) => `${name} ${estimate(value)}`)
            .join(", ")}`,
        ]),
    ...states.map(
      ({ group, fit }) =>
        `${group}: ${fit.formula}, k ${estimate(fit.constants.k!)}, c ${estimate(fit.constants.c!)}`,
    ),
    ...failures.map(({ run, reason }) => `${run}: ${reason}`),
  ];
}

function estimate({
  value,
  interval,
}: {
  value: number;
  interval: readonly [number, number] | null;
}): string {
  const write = (number: number) => String(Number(number.toPrecision(3)));
  return interval === null ? write(value) : `${write(value)} [${interval.map(write).join(", ")}]`;
}
