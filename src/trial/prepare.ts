// From what a study asks for to a study that can be run: its data looked at, its arms timed where that decides something.
// Trains nothing.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDynamicPattern } from "tinyglobby";
import { z } from "zod";
import type { BackendChoice } from "../backend/open.ts";
import type { DataFolders } from "../data/text.ts";
import { readBudget } from "../study/budget.ts";
import { canonicalText } from "../study/canonical.ts";
import { toJson } from "../study/job.ts";
import { readStudy } from "../study/store.ts";
import { type Arm, armsOf } from "./arms.ts";
import { defineTrial, type Trial, type TrialContext } from "./define.ts";
import { readSettings, type TrialInput, type TrialSettings } from "./input.ts";
import {
  type ArmPace,
  busyLines,
  DECIDING_ROUNDS,
  type KeptSpeeds,
  keepSpeeds,
  keptSpeeds,
  measurePaces,
  pacesSchema,
} from "./paces.ts";
import { updatesOf } from "./runs.ts";
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
  const context: TrialContext = {
    ...{ data, backend, processes, folder: architectures },
    knownBy: { isPath: isPath(settings) },
  };
  const isSpentInTime =
    settings.spend !== undefined && readBudget(settings.spend, "study: spend").unit === "seconds";
  const isHeldToTime = settings.train.seconds !== undefined || isSpentInTime;
  if (!isHeldToTime && !options.timed) return { trial: asMade(options.folder, input, context), paces: null };
  // What can be refused without a clock is.
  const arms =
    settings.train.seconds === undefined
      ? defineTrial(input, context).arms
      : armsOf(settings, { data, folder: architectures });
  const place = keptIn(options, arms, settings);
  const kept = isHeldToTime ? speedsIn(place, arms, settings, options) : null;
  // Whatever else speeds are for, they need not be exact.
  const rounds = settings.train.seconds === undefined ? 1 : DECIDING_ROUNDS;
  const timed = arms.map((arm) => ({ ...arm, updates: updatesOf(arm, settings) }));
  const measured =
    kept?.paces ?? (await measurePaces(timed, { batch: settings.batch, backend, signal, rounds }));
  // Another call may have kept its own meanwhile.
  const those = kept ?? (isHeldToTime ? speedsIn(place, arms, settings, options) : null);
  const paces = those?.paces ?? measured;
  const names = arms.map(({ name }) => name);
  const trial = asMade(options.folder, input, {
    ...context,
    secondsPerStep: isHeldToTime ? paces.map(({ secondsPerStep }) => secondsPerStep) : undefined,
    notes: busyLines(names, paces),
  });
  if (isHeldToTime && those === null && !options.timed) keepSpeeds(place, { paces });
  return { trial, paces };
}

/** Whether the data are the user's own, by their place; a name means the same everywhere. */
function isPath(settings: TrialSettings): boolean {
  const named = settings.images?.data ?? settings.data;
  if (named === undefined || subjectOf(settings).builtIn(settings) !== null) return false;
  return existsSync(named) || isDynamicPattern(named);
}

/** The study; where its folder was made when runs were known by all they are told, to the letter, with runs of those names. */
function asMade(folder: string | undefined, input: PrepareOptions["input"], context: TrialContext): Trial {
  const trial = defineTrial(input, context);
  const there = folder === undefined ? new Set() : textsIn(folder);
  const isThere = ({ runs }: Trial) => runs.flat(2).some(({ run }) => there.has(JSON.stringify(run)));
  if (there.size === 0 || isThere(trial)) return trial;
  const literal = defineTrial(input, { ...context, knownBy: undefined });
  return isThere(literal) ? literal : trial;
}

/** In quotes, all that a folder's study was asked; none where there is none, or none that can be read, which is for others to say. */
function textsIn(folder: string): ReadonlySet<unknown> {
  try {
    return new Set(JSON.stringify(readStudy(folder)).match(/"[^"]+"/g));
  } catch {
    return new Set();
  }
}

const schema = z.object({ paces: pacesSchema });

/** What is opened where none is asked for: asking for it asks for nothing else. */
const usualBackend = "native";

/** Null where there are none. */
function speedsIn(
  place: KeptSpeeds,
  arms: readonly Arm[],
  settings: TrialSettings,
  { folder, backend }: PrepareOptions,
): z.infer<typeof schema> | null {
  const kept = keptSpeeds(place, schema, "study");
  if (kept !== null) return kept;
  // Earlier versions may have kept those of the usual backend by its name.
  if (place.of === keptIn({ folder }, arms, settings).of) {
    const named = keptIn({ folder, backend: usualBackend }, arms, settings, { isNamed: true });
    const found = keptSpeeds(named, schema, "study");
    if (found !== null) return found;
  }
  // And timed all arms with the same updates: a study that is there goes on with what it has.
  if (folder === undefined || !existsSync(join(folder, place.study))) return null;
  return keptSpeeds(keptIn({ folder, backend }, arms, settings, { hasUpdates: false }), schema, "study");
}

/** Where the study keeps the speed of these arms. */
function keptIn(
  { folder, backend }: Pick<PrepareOptions, "folder" | "backend">,
  arms: readonly Arm[],
  settings: TrialSettings,
  { isNamed = backend !== undefined && backend !== usualBackend, hasUpdates = true } = {},
): KeptSpeeds {
  const grown = arms.flatMap(({ networks, growth }, place) =>
    growth.length === 0
      ? []
      : [[place, growth, networks.slice(0, -1).map(({ architecture }) => architecture)]],
  );
  const updates = hasUpdates ? ownUpdates(arms, settings) : [];
  const content = JSON.stringify([
    ...[settings.batch, arms.map(({ networks }) => networks.at(-1)!.architecture)],
    // What most studies do not have is left out, so that those of earlier versions find their speeds.
    ...(isNamed ? [{ backend }] : []),
    ...(grown.length === 0 ? [] : [{ grown }]),
    ...(updates.length === 0 ? [] : [{ updates }]),
  ]);
  return {
    ...{ folder, file: ".paces.json", study: "study.json" },
    of: createHash("sha256").update(content).digest("hex"),
  };
}

/** Of arms, by number, whose updates are not the usual ones. */
function ownUpdates(arms: readonly Arm[], settings: TrialSettings) {
  const bare = { training: {}, parametrisation: undefined };
  return arms.flatMap((arm, place) => {
    const [own, usual] = [
      updatesOf(arm, settings),
      updatesOf({ ...arm, ...bare }, { ...settings, training: {} }),
    ];
    return canonicalText(toJson(own)) === canonicalText(toJson(usual)) ? [] : [[place, own]];
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
