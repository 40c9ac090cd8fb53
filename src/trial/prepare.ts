// From what a study asks for to a study that can be run: its data looked at, its arms timed where that decides something.
// Trains nothing.
import { createHash } from "node:crypto";
import { z } from "zod";
import type { BackendChoice } from "../backend/open.ts";
import type { DataFolders } from "../data/text.ts";
import { readBudget } from "../study/budget.ts";
import { type Arm, armsOf } from "./arms.ts";
import { defineTrial, type Trial, type TrialContext } from "./define.ts";
import { readSettings, type TrialInput, type TrialSettings } from "./input.ts";
import { type ArmPace, type KeptSpeeds, keepSpeeds, keptSpeeds, measurePaces, pacesSchema } from "./paces.ts";
import type { TrialData } from "./subjects/subject.ts";
import { subjectOf } from "./subjects/subjects.ts";

/** What a study asks for, and where. */
export interface PrepareOptions {
  readonly input: TrialInput | unknown;
  /** Of the study; speeds that decide how long runs are trained are kept in it, so that it goes on with the same. */
  readonly folder?: string | undefined;
  /** Folder that paths of architectures go from; default: the working folder. */
  readonly architectures?: string | undefined;
  /** Where data sets with a name lie. */
  readonly dataFolder?: DataFolders | undefined;
  readonly backend?: BackendChoice | undefined;
  /** Runs at a time; default: as many as there are cores. */
  readonly processes?: number | undefined;
  /** Time the arms although nothing depends on it. Default false. */
  readonly timed?: boolean | undefined;
  /** Aborted: arms are not timed to the end, and its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** A study that can be run. */
export interface PreparedTrial {
  readonly trial: Trial;
  /** Of each arm; null where nothing was timed. */
  readonly paces: readonly ArmPace[] | null;
}

/** Errors: RequestError, one line, for everything that can be known to be wrong before training. */
export async function prepareTrial(options: PrepareOptions): Promise<PreparedTrial> {
  const { input, backend, processes, architectures, signal } = options;
  const settings = readSettings(input);
  const data = await subjectOf(settings).look(settings, options.dataFolder);
  const context: TrialContext = { data, backend, processes, folder: architectures };
  const isSpentInTime =
    settings.spend !== undefined && readBudget(settings.spend, "study: spend").unit === "seconds";
  const isHeldToTime = settings.train.seconds !== undefined || isSpentInTime;
  if (!isHeldToTime && !options.timed) return { trial: defineTrial(input, context), paces: null };
  // What can be refused without a clock is.
  const arms =
    settings.train.seconds === undefined
      ? defineTrial(input, context).arms
      : armsOf(settings, { data, folder: architectures });
  const place = keptIn(options, arms, settings);
  const kept = isHeldToTime ? keptSpeeds(place, schema, "study") : null;
  const paces = kept?.paces ?? (await measurePaces(arms, { batch: settings.batch, backend, signal }));
  const trial = defineTrial(input, {
    ...context,
    secondsPerStep: isHeldToTime ? paces.map(({ secondsPerStep }) => secondsPerStep) : undefined,
  });
  if (isHeldToTime && kept === null && !options.timed) keepSpeeds(place, { paces });
  return { trial, paces };
}

const schema = z.object({ paces: pacesSchema });

/** Where the study keeps the speed of these arms. */
function keptIn(
  { folder, backend }: PrepareOptions,
  arms: readonly Arm[],
  { batch }: TrialSettings,
): KeptSpeeds {
  const grown = arms.flatMap(({ networks, growth }, place) =>
    growth.length === 0
      ? []
      : [[place, growth, networks.slice(0, -1).map(({ architecture }) => architecture)]],
  );
  const content = JSON.stringify([
    ...[batch, arms.map(({ networks }) => networks.at(-1)!.architecture)],
    // What most studies do not have is left out, so that those of earlier versions find their speeds.
    ...(backend === undefined ? [] : [{ backend }]),
    ...(grown.length === 0 ? [] : [{ grown }]),
  ]);
  return {
    ...{ folder, file: ".paces.json", study: "study.json" },
    of: createHash("sha256").update(content).digest("hex"),
  };
}

/** Data as a study of this kind usually has them, for costs where none are at hand. Errors: as `defineTrial`. */
export function usualData(input: TrialInput): TrialData {
  const settings = readSettings(input);
  return subjectOf(settings).usual(settings);
}

/** The study on other data of its kind. */
export function onData(input: TrialInput, data: string): TrialInput {
  return subjectOf(input).on(input, data);
}

/** Whether `data` names such data as the study is about, as far as names tell. */
export function takesData(input: TrialInput, data: string, dataFolder: DataFolders | undefined): boolean {
  return subjectOf(input).takes(data, dataFolder);
}
