// From what a study asks for to a study that can be run: its data looked at, its arms timed where that decides something.
// Trains nothing.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type BackendChoice, openMachine } from "../backend/open.ts";
import type { DataFolders } from "../data/text.ts";
import { RequestError } from "../errors.ts";
import { makeFolder } from "../folders.ts";
import { largest, readInputFile } from "../inputFile.ts";
import { parseJson } from "../json.ts";
import { readBudget } from "../study/budget.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import { type Arm, armsOf } from "./arms.ts";
import { type ArmPace, measurePaces, type TimedArm } from "./cost.ts";
import { defineTrial, type Trial, type TrialContext } from "./define.ts";
import { readSettings, type TrialInput, type TrialSettings } from "./input.ts";
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
}

/** A study that can be run. */
export interface PreparedTrial {
  readonly trial: Trial;
  /** Of each arm; null where nothing was timed. */
  readonly paces: readonly ArmPace[] | null;
}

/** Errors: RequestError, one line, for everything that can be known to be wrong before training. */
export async function prepareTrial(options: PrepareOptions): Promise<PreparedTrial> {
  const { input, backend, processes, architectures } = options;
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
  const of = whatIsTimed(arms, settings);
  const kept = isHeldToTime ? keptPaces(options.folder, of) : null;
  const paces = kept ?? (await timed(arms, settings, backend));
  const trial = defineTrial(input, {
    ...context,
    secondsPerStep: isHeldToTime ? paces.map(({ secondsPerStep }) => secondsPerStep) : undefined,
  });
  if (isHeldToTime && kept === null && options.folder !== undefined && !options.timed) {
    keepPaces(options.folder, of, paces);
  }
  return { trial, paces };
}

async function timed(
  arms: readonly TimedArm[],
  { batch }: TrialSettings,
  backend: BackendChoice | undefined,
): Promise<ArmPace[]> {
  const { machine } = await openMachine({ threads: 1, backend });
  try {
    return await measurePaces(machine, arms, batch);
  } finally {
    machine.dispose();
  }
}

const pacesPath = (folder: string): string => join(folder, ".paces.json");
const schema = z.object({
  of: z.string(),
  paces: z.array(z.object({ secondsPerStep: z.number().positive(), peakBytes: z.number().nullable() })),
});

/** Speeds of other arms than these say nothing. */
function whatIsTimed(arms: readonly Arm[], { batch }: TrialSettings): string {
  const content = JSON.stringify([batch, arms.map(({ networks }) => networks.at(-1)!.architecture)]);
  return createHash("sha256").update(content).digest("hex");
}

/** Null where none are kept, or those of other arms. */
function keptPaces(folder: string | undefined, of: string): readonly ArmPace[] | null {
  if (folder === undefined || !existsSync(pacesPath(folder))) return null;
  const path = pacesPath(folder);
  try {
    const kept = schema.parse(parseJson(readInputFile(path, largest.manifest).toString("utf8")));
    return kept.of === of ? kept.paces : null;
  } catch {
    throw new RequestError(
      `${path} cannot be read, and the study's runs are as long as it says; choose another folder`,
    );
  }
}

function keepPaces(folder: string, of: string, paces: readonly ArmPace[]): void {
  onDisk("write to", folder, () => {
    makeFolder(folder);
    replaceFile(pacesPath(folder), `${JSON.stringify({ of, paces })}\n`);
  });
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
