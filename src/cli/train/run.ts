// What `scantling train` does: starts or resumes a run, shows how it goes, lets the model write, leaves a report.

import { writesText } from "../../architecture/decode.ts";
import { dataFolders } from "../../data/named/folders.ts";
import { WorkError } from "../../errors.ts";
import { summaryLines } from "../../report/summary.ts";
import type { EndEvent, TrainEvent } from "../../train/events.ts";
import type { ImageRunInput } from "../../train/imageRun.ts";
import { resume } from "../../train/resume.ts";
import { readConfiguration } from "../../train/runFolder.ts";
import { writeRunReport } from "../../train/runReport.ts";
import { runResult } from "../../train/runResult.ts";
import { sampleRun } from "../../train/sampleRun.ts";
import { type Board, openBoard } from "../../train/tensorboard.ts";
import { train as trainNew } from "../../train/train.ts";
import type { Console } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { type OpenMachine, openMachine } from "../machine.ts";
import type { TrainOptions } from "./command.ts";
import { createProgress, type Progress } from "./progress.ts";
import {
  architectureSettings,
  batchOf,
  type ClassifierSettings,
  checkNew,
  checkResume,
  classifierSettings,
  defaultSteps,
  imageEvaluations,
  imageInput,
  onImages,
  runFolder,
  stepsOf,
  trainingSettings,
} from "./request.ts";

/** @returns the exit code */
export async function train(
  options: TrainOptions,
  commandLine: readonly string[],
  console: Console,
): Promise<number> {
  if (options.resume === undefined) checkNew(options, console.environment);
  else checkResume(options, options.resume);
  const folder = options.resume ?? runFolder(options);
  const open = await openMachine(options, console);
  const progress = createProgress(console);
  const finish = {
    folder,
    options,
    command: commandLine.map(quoted).join(" "),
    console,
    machine: open.machine,
    board: options.tensorboard ? openBoard(folder) : undefined,
  };
  try {
    const events = await startRun(options, folder, open, console, progress);
    const end = await follow(events, progress, finish);
    return await conclude(end, finish);
  } finally {
    progress.end();
    finish.board?.close();
    open.machine.dispose();
  }
}

async function startRun(
  options: TrainOptions,
  folder: string,
  { machine, peakGflops }: OpenMachine,
  console: Console,
  progress: Progress,
): Promise<AsyncIterable<TrainEvent>> {
  const peak = peakGflops();
  const common = {
    ...{ machine, folder, signal: console.signal, dataFolder: dataFolders(console.environment) },
    ...(peak === null ? {} : { peakFlops: peak * 1e9 }),
  };
  if (options.resume !== undefined) {
    return resume({ ...common, changes: { steps: options.steps, keep: options.keep } });
  }
  const given = { memory: options.memory, force: options.force ?? false };
  if (onImages(options, console.environment)) {
    const images = imageInput(options);
    const architecture = classifierSettings(options);
    const steps =
      options.minutes === undefined
        ? (options.steps ?? defaultSteps)
        : await imageStepsInMinutes(options, options.minutes, {
            machine,
            console,
            progress,
            images,
            architecture,
          });
    const training = trainingSettings(options, steps, true);
    return trainNew({ ...common, ...given, architecture, images, training });
  }
  const architecture = architectureSettings(options);
  const data = {
    data: options.data,
    tokenizer: options.tokenizer,
    validationFraction: options.validationFraction,
  };
  const steps =
    options.minutes === undefined
      ? stepsOf(options, architecture.length)
      : await stepsInMinutes(options, options.minutes, { machine, console, progress, data, architecture });
  return trainNew({
    ...common,
    architecture,
    data,
    training: trainingSettings(options, steps),
    ...given,
  });
}

const MOST_STEPS = 2 ** 31 - 1;

async function stepsInMinutes(
  options: TrainOptions,
  minutes: number,
  {
    machine,
    console,
    progress,
    data,
    architecture,
  }: {
    machine: OpenMachine["machine"];
    console: Console;
    progress: Progress;
    data: Parameters<typeof trainNew>[0]["data"];
    architecture: ReturnType<typeof architectureSettings>;
  },
): Promise<number> {
  const [{ stepsWithin }, { loadDataset }, { defineArchitecture }, { defineTraining }, { createObjective }] =
    await Promise.all([
      import("../../train/benchmarkBudget.ts"),
      import("../../data/dataset.ts"),
      import("../../architecture/architecture.ts"),
      import("../../train/settings.ts"),
      import("../../train/objectives/objectives.ts"),
    ]);
  // How many updates there will be is not known yet, and what one takes does not depend on it.
  const training = defineTraining(trainingSettings(options, MOST_STEPS));
  const dataset = await loadDataset({ ...data, dataFolder: dataFolders(console.environment) });
  const vocabulary = dataset.tokenizer.vocabulary + createObjective(training.objective).extraTokens;
  const steps = await stepsWithin(machine, defineArchitecture({ vocabulary, ...architecture }), {
    seconds: 60 * minutes,
    batch: batchOf(options),
    evaluations: 20,
    validationTokens: dataset.validation.length,
    seed: options.seed ?? 0,
    training,
    memory: options.memory,
    signal: console.signal,
  });
  progress.line(`budget     ${steps} steps fit into ${minutes} minutes`);
  return steps;
}

async function imageStepsInMinutes(
  options: TrainOptions,
  minutes: number,
  {
    machine,
    console,
    progress,
    images,
    architecture,
  }: {
    machine: OpenMachine["machine"];
    console: Console;
    progress: Progress;
    images: ImageRunInput;
    architecture: ClassifierSettings;
  },
): Promise<number> {
  const [{ stepsWithin }, { defineImageRun }] = await Promise.all([
    import("../../train/benchmarkBudget.ts"),
    import("../../train/imageRun.ts"),
  ]);
  const training = trainingSettings(options, defaultSteps, true);
  const made = await defineImageRun(images, dataFolders(console.environment), { architecture, training });
  const steps = await stepsWithin(machine, made.architecture, {
    seconds: 60 * minutes,
    batch: batchOf(options, true),
    evaluations: imageEvaluations,
    validationTokens: made.dataset.validation.count * made.architecture.length,
    seed: options.seed ?? 0,
    training: made.training,
    memory: options.memory,
    signal: console.signal,
  });
  progress.line(`budget     ${steps} steps fit into ${minutes} minutes`);
  return steps;
}

interface Finish {
  readonly folder: string;
  readonly options: TrainOptions;
  readonly command: string;
  readonly console: Console;
  readonly machine: OpenMachine["machine"];
  readonly board: Board | undefined;
}

/** Shows events until the run ends. A run whose numbers fail leaves a report before its error goes on. */
async function follow(
  events: AsyncIterable<TrainEvent>,
  progress: Progress,
  { folder, command, console, board }: Finish,
): Promise<EndEvent> {
  let failedAt: number | undefined;
  const tellStop = () => progress.line("stopping   after this step; once more ends at once");
  console.signal.addEventListener("abort", tellStop);
  try {
    for await (const event of events) {
      board?.write(event);
      switch (event.kind) {
        case "start":
          progress.start(event);
          break;
        case "step":
          progress.step(event);
          break;
        case "evaluation":
          progress.evaluation(event);
          break;
        case "growth":
          progress.growth(event);
          break;
        case "damaged":
          progress.line(`damaged    ${event.path}: ${event.why}; it is not used`);
          break;
        case "nonFinite":
          failedAt = event.step;
          break;
        case "end":
          return event;
        case "checkpoint":
        case "sample":
        case "statistics":
          break;
      }
    }
  } catch (error) {
    progress.end();
    if (failedAt !== undefined) {
      writeRunReport(folder, { command, ending: `stopped at step ${failedAt}: a number was not finite` });
    }
    throw error;
  } finally {
    console.signal.removeEventListener("abort", tellStop);
  }
  throw new WorkError(`${folder}: the run ended without saying how; look into its log.jsonl`);
}

/** The sample, the report, the summary. */
async function conclude(end: EndEvent, finish: Finish): Promise<number> {
  const { folder, options, command, console, machine, board } = finish;
  const isDone = end.reason === "done";
  const ending = isDone ? "finished" : `interrupted after step ${end.step}`;
  const sample =
    isDone && options.sampleTokens > 0 && canWrite(folder) ? await writeSample(finish) : undefined;
  if (sample !== undefined) board?.write({ kind: "sample", step: end.step, text: sample });
  const { report, path } = writeRunReport(folder, { command, ending, sample });
  if (options.json) {
    const result = { ...runResult(folder), ending, backend: machine.name, threads: machine.threads };
    console.out(`${JSON.stringify({ ...result, sample: sample ?? null, report: path })}\n`);
  } else {
    console.out(`\n${summaryLines(report).join("\n")}\n\nreport: ${path}\n`);
  }
  if (!console.signal.aborted) return 0;
  const next = isDone ? `sample ${quoted(folder)} writes` : `train --resume ${quoted(folder)} continues it`;
  console.err(`interrupted: scantling ${next}\n`);
  return interruptedCode;
}

function canWrite(folder: string): boolean {
  return writesText(readConfiguration(folder).architecture);
}

/** Undefined where it was interrupted. */
async function writeSample({ folder, options, console, machine }: Finish): Promise<string | undefined> {
  let text = "";
  const request = { machine, folder, tokens: options.sampleTokens, temperature: 0.8, signal: console.signal };
  for await (const piece of sampleRun(request)) text += piece;
  return console.signal.aborted ? undefined : text;
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
