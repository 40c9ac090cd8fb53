// What `scantling design` does: reads the request, has it run, shows how it goes, and prints what came out.

import { dirname, isAbsolute, join } from "node:path";
import { presets } from "../../architecture/presets.ts";
import { dataFolders } from "../../data/named/folders.ts";
import { costOfDesign } from "../../design/cost.ts";
import { design } from "../../design/design.ts";
import { readDesign } from "../../design/input.ts";
import { prepareDesign } from "../../design/prepare.ts";
import { winnerLine } from "../../design/words.ts";
import { RequestError } from "../../errors.ts";
import { isObject } from "../../json.ts";
import { formatCount, formatDuration } from "../../report/format.ts";
import { requireMakeable } from "../../study/makeable.ts";
import { defaultProcesses } from "../../study/processes.ts";
import type { TrainEvent } from "../../train/events.ts";
import { readTrialFile } from "../../trial/read.ts";
import type { Console } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { follow } from "../follow.ts";
import { createLiveLines, type LiveLines } from "../liveLines.ts";
import { tryMachine } from "../machine.ts";
import { madWorkerWith, trialWorkerWith } from "../workers.ts";
import type { DesignCommandOptions } from "./command.ts";
import { planLines, resultLines } from "./lines.ts";

/** @returns the exit code */
export async function designFor(
  options: DesignCommandOptions,
  config: string | undefined,
  console: Console,
  commandLine: readonly string[],
): Promise<number> {
  const { out: folder, json, dryRun, backend, threads, processes = defaultProcesses(1) } = options;
  const input = inputOf(options);
  // Before kernels are compiled, which may take a minute.
  readDesign(input);
  if (!dryRun) requireMakeable(folder);
  await tryMachine(options, console);
  const dataFolder = dataFolders(console.environment);
  const live = createLiveLines(console);
  const prepared = await prepareDesign({
    ...{ input, folder, dataFolder, backend, processes, timed: dryRun },
    signal: console.signal,
    onTiming: (candidate, of) => live.draw(() => [`timing candidate ${candidate} of ${of}`]),
  }).finally(() => live.end());
  if (dryRun) {
    const { candidates, leftOut, data } = prepared.design;
    const cost = costOfDesign(prepared.design, prepared.paces!);
    console.out(
      json
        ? `${JSON.stringify({ data, candidates, leftOut, ...cost })}\n`
        : `${planLines(prepared.design, cost).join("\n")}\n`,
    );
    return 0;
  }
  const events = design({
    ...{ design: prepared.design, folder, dataFolder, backend, threads, signal: console.signal },
    ...{ worker: trialWorkerWith(config), madWorker: madWorkerWith(config) },
    command: commandLine.join(" "),
  });
  const { reason, result, report } = await follow(events, console, "design: it", (event, live) => {
    if (event.kind === "found") live.line(winnerLine(event.result));
    if (event.kind === "training") showTraining(event.event, live);
  });
  console.out(
    json
      ? `${JSON.stringify({ ...result, ended: reason, report })}\n`
      : `${[...resultLines(result, folder), "", `report: ${report}`].join("\n")}\n`,
  );
  if (reason === "done") return 0;
  const { run, cost } = result;
  const far = run === null ? `${cost.runs} runs of the search` : `${run.step} updates of the winner's run`;
  console.err(`paused after ${far}: the same command goes on from here\n`);
  return interruptedCode;
}

function inputOf(options: DesignCommandOptions): unknown {
  const { budget, final, data, tokenizer, parameters, state, candidates, length, batch, rates } = options;
  const { seeds, seed: firstSeed, mad } = options;
  const asked = {
    ...{ budget, final, data, tokenizer, parameters, state, length, batch, rates, seeds, firstSeed, mad },
    candidates: candidates === undefined ? undefined : candidatesIn(candidates),
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}

/** Unchecked. Errors: RequestError for a file that cannot be read. */
function readCandidates(file: string): unknown {
  const expected = "expected a .yaml or .json file with architectures by name";
  if (!/\.(json|ya?ml)$/i.test(file)) throw new RequestError(`--candidates ${file}: ${expected}`);
  try {
    return readTrialFile(file);
  } catch (error) {
    // A study's reader expects a study.
    if (!(error instanceof RequestError)) throw error;
    throw new RequestError(`--candidates ${error.message.replace(/; expected [^;]*$/, `; ${expected}`)}`);
  }
}

/** Files that it names lie beside it. */
function candidatesIn(file: string): unknown {
  const given = readCandidates(file);
  if (!isObject(given)) return given;
  const located = (one: unknown): unknown => {
    if (typeof one === "string") {
      const isFile = /\.(json|ya?ml)$/i.test(one) && !presets.has(one);
      return isFile && !isAbsolute(one) ? join(dirname(file), one) : one;
    }
    return isObject(one) && "architecture" in one ? { ...one, architecture: located(one.architecture) } : one;
  };
  return Object.fromEntries(Object.entries(given).map(([name, one]) => [name, located(one)]));
}

function showTraining(event: TrainEvent, live: LiveLines): void {
  switch (event.kind) {
    case "start": {
      const { folder, configuration, count } = event;
      const { steps } = configuration.training;
      live.line(
        `the winner, ${formatCount(count.parameters.total)} parameters, ${steps} updates, in ${folder}`,
      );
      break;
    }
    case "step": {
      const { step, steps, loss, secondsLeft } = event;
      const left = secondsLeft === null ? "" : `  ${formatDuration(secondsLeft)} left`;
      live.draw(() => [`the winner  ${step}/${steps}  loss ${loss.toFixed(3)}${left}`]);
      break;
    }
    case "evaluation":
      live.line(`update ${event.step}  validation ${event.loss.toFixed(4)}`);
      break;
    default:
      break;
  }
}
