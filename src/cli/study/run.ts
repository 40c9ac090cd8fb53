// What `scantling study FILE` does: reads the study, has it run, shows how it goes, and prints what came out.

import { dirname, join } from "node:path";
import { dataFolders } from "../../data/named/folders.ts";
import { RequestError, WorkError } from "../../errors.ts";
import { isObject } from "../../json.ts";
import { show } from "../../strict.ts";
import { requireMakeable } from "../../study/makeable.ts";
import { defaultProcesses } from "../../study/processes.ts";
import { costOfTrial } from "../../trial/cost.ts";
import { readSettings, type TrialInput } from "../../trial/input.ts";
import { onData, prepareTrial } from "../../trial/prepare.ts";
import { readTrialFile } from "../../trial/read.ts";
import { requireTrialFolder, runTrial } from "../../trial/trial.ts";
import { loadDefault } from "../config.ts";
import type { Console } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { follow } from "../follow.ts";
import { tryMachine } from "../machine.ts";
import { trialWorkerWith } from "../workers.ts";
import type { StudyOptions } from "./command.ts";
import { costLines, nextLines, resultLines } from "./lines.ts";

/** @returns the exit code */
export async function runStudyFile(
  file: string,
  options: StudyOptions,
  config: string | undefined,
  console: Console,
  commandLine: readonly string[],
): Promise<number> {
  const { dryRun, json, backend, threads = 1, processes = defaultProcesses(threads) } = options;
  const input = withOptions(await studyIn(file), options);
  const { name } = readSettings(input);
  const folder = options.out ?? join("runs", folderName(name));
  requireMakeable(folder);
  await tryMachine(options, console);
  const dataFolder = dataFolders(console.environment);
  const architectures = dirname(file);
  const { trial, paces } = await prepareTrial({
    ...{ input, folder, architectures, dataFolder, backend, processes, timed: dryRun },
    signal: console.signal,
  });
  if (dryRun) {
    requireTrialFolder(folder, trial);
    const cost = costOfTrial(trial, paces!);
    const document = {
      name,
      data: trial.data,
      seeds: trial.seeds,
      stop: trial.settings.stop,
      ...cost,
      notes: trial.notes,
    };
    console.out(
      json
        ? `${JSON.stringify(document)}\n`
        : `${costLines(trial, cost, process.availableMemory()).join("\n")}\n`,
    );
    return 0;
  }
  const events = runTrial({
    ...{ trial, folder, threads, signal: console.signal },
    worker: trialWorkerWith(config),
    command: commandLine.join(" "),
  });
  const { reason, result, notes, report } = await follow(events, console, "study: it");
  const next = reason === "interrupted" ? [] : nextLines(result, file);
  console.out(
    json
      ? `${JSON.stringify({ ...result, notes, report })}\n`
      : `${[...resultLines(result, notes), "", `report: ${report}`, ...next].join("\n")}\n`,
  );
  if (reason !== "interrupted") {
    if (result.arms.some(({ test }) => test !== null)) return 0;
    throw new WorkError(
      `study: all ${result.failures.length} runs failed, such as ${result.failures[0]?.run}: ${result.failures[0]?.reason}; see ${report}`,
    );
  }
  console.err(
    `paused after ${result.spent.runs} of at most ${result.spent.of} runs: the same command goes on from here\n`,
  );
  return interruptedCode;
}

async function studyIn(file: string): Promise<unknown> {
  if (!/\.[cm]?[jt]s$/i.test(file)) return readTrialFile(file);
  return loadDefault(file, "export default { arms, train, rates }");
}

function withOptions(input: unknown, { data, seed, seeds }: StudyOptions): unknown {
  if (!isObject(input)) throw new RequestError(`study: expected an object of settings, got ${show(input)}`);
  return {
    ...(data === undefined ? input : onData(input as unknown as TrialInput, data)),
    ...(seed === undefined ? {} : { firstSeed: seed }),
    ...(seeds === undefined ? {} : { seeds }),
  };
}

/** Letters and digits of any script stay. */
export function folderName(name: string): string {
  return name.replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, "-").replace(/^\.+/, "") || "study";
}
