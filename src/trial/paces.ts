// How fast arms are on this machine: measured on a few updates each, and kept where runs are as long as it says. Knows no study.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Machine } from "../backend/machine.ts";
import { type BackendChoice, openMachine } from "../backend/open.ts";
import { RequestError } from "../errors.ts";
import { makeFolder } from "../folders.ts";
import { largest, readInputFile } from "../inputFile.ts";
import { parseJson } from "../json.ts";
import { median } from "../train/benchmark.ts";
import { timeSteps } from "../train/benchmarkSteps.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import type { TrainingSettings } from "../train/settings.ts";
import type { Arm } from "./arms.ts";
import type { TrialArm } from "./lengths.ts";

/** One arm, measured. */
export interface ArmPace {
  readonly secondsPerStep: number;
  /** Predicted, of one run; null for a backend that does not plan memory. */
  readonly peakBytes: number | null;
  /** Where it was measured over several rounds: slowest less fastest, as a share of the median. */
  readonly spread?: number | undefined;
}

/** An arm; of one that grows all its networks, and how many updates each is given. */
export type TimedArm = Pick<Arm, "name" | "architecture"> &
  Partial<Pick<TrialArm, "networks" | "stages">> & {
    /** How its updates are made; default: as `timeSteps` has it. */
    readonly updates?: TrainingSettings | undefined;
  };

/** Sequences or images of an update, and where it is run. */
export interface PaceOptions {
  readonly batch: number;
  readonly backend: BackendChoice | undefined;
  readonly signal: AbortSignal | undefined;
  /**
   * Arm after arm is timed so often, and the median is taken: what else the machine does in between falls on all arms alike, and
   * shows. Default: once.
   */
  readonly rounds?: number | undefined;
}

const TIMED = 6;
/** Rounds for speeds that decide how long runs are trained. */
export const DECIDING_ROUNDS = 5;

/**
 * Updates of each arm on one thread, alone on the machine; of one that grows the mean over its run, and the most memory.
 * Errors: RequestError for an arm that the backend cannot run or that needs more memory than is free; the signal's reason once it is aborted, since half a
 * measurement says nothing.
 */
export async function measurePaces(arms: readonly TimedArm[], options: PaceOptions): Promise<ArmPace[]> {
  const { backend, rounds = 1 } = options;
  const { machine } = await openMachine({ threads: 1, backend });
  try {
    const timed: ArmTiming[][] = arms.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [place, arm] of arms.entries()) timed[place]!.push(await timingOf(machine, arm, options));
    }
    // A run has a process of its own, and this one has kept what the arms timed before have taken.
    const least = Math.min(...timed.flat().map(({ processBytes }) => processBytes));
    return timed.map((rounds) =>
      middleOf(
        rounds.map(({ secondsPerStep, stepBytes }) => ({
          secondsPerStep,
          peakBytes: stepBytes === null ? null : least + stepBytes,
        })),
      ),
    );
  } finally {
    machine.dispose();
  }
}

/** Of the rounds of an arm. */
export function middleOf(rounds: readonly ArmPace[]): ArmPace {
  const [first, ...others] = rounds;
  if (others.length === 0) return first!;
  const seconds = rounds.map(({ secondsPerStep }) => secondsPerStep);
  const secondsPerStep = median(seconds);
  const spread = (Math.max(...seconds) - Math.min(...seconds)) / secondsPerStep;
  return { ...first!, secondsPerStep, spread };
}

/** A share by which the rounds of an arm may differ unsaid. */
const STEADY = 0.1;

/** A line where speeds that decide how long runs are trained are doubtful; none where they are not. */
export function busyLines(names: readonly string[], paces: readonly ArmPace[]): string[] {
  const told = paces.flatMap(({ spread = 0 }, place) =>
    spread > STEADY ? [`${names[place]} ${Math.round(100 * spread)} %`] : [],
  );
  if (told.length === 0) return [];
  return [
    `Speeds were measured on a busy machine: rounds that timed one arm differ by more than 10 % (${told.join(", ")}), so arms ` +
      "may be given more or fewer updates than their seconds hold; a new folder measures again.",
  ];
}

interface ArmTiming {
  readonly secondsPerStep: number;
  /** Beside the process itself; null for a backend that does not plan memory. */
  readonly stepBytes: number | null;
  readonly processBytes: number;
}

async function timingOf(machine: Machine, arm: TimedArm, { batch, signal }: PaceOptions): Promise<ArmTiming> {
  const { name, architecture, networks = [{ architecture }], stages, updates: training } = arm;
  let [seconds, steps, stepBytes, processBytes] = [0, 0, 0, Infinity];
  for (const [place, network] of networks.entries()) {
    signal?.throwIfAborted();
    const timing = await timeSteps(machine, network.architecture, {
      ...{ batch, steps: TIMED, seed: 1, training, what: name },
      ...(signal === undefined ? {} : { signal }),
    });
    signal?.throwIfAborted();
    const own = stages?.[place]?.steps ?? 1;
    seconds += (own * timing.msPerStep) / 1000;
    steps += own;
    if (timing.memory === null) continue;
    const { storeBytes, arenaBytes, threadBytes, besideBytes } = timing.memory;
    stepBytes = Math.max(stepBytes, storeBytes + arenaBytes + threadBytes + besideBytes);
    processBytes = Math.min(processBytes, timing.memory.processBytes);
  }
  return { secondsPerStep: seconds / steps, stepBytes: stepBytes === 0 ? null : stepBytes, processBytes };
}

/** What is kept of them. */
export const pacesSchema = z.array(
  z.object({
    secondsPerStep: z.number().positive(),
    peakBytes: z.number().nullable(),
    spread: z.number().optional(),
  }),
);

/** Where speeds are kept, and of what: those of anything else say nothing. */
export interface KeptSpeeds {
  /** Undefined: they are not kept. */
  readonly folder: string | undefined;
  readonly file: string;
  readonly of: string;
  /** Of the study in that folder whose runs are as long as they say. */
  readonly study: string;
}

/**
 * Null where none are kept, or those of something else.
 * @param what has runs as long as the file says, for messages
 */
export function keptSpeeds<Speeds>(
  { folder, file, of }: KeptSpeeds,
  schema: z.ZodType<Speeds>,
  what: string,
): Speeds | null {
  if (folder === undefined) return null;
  const path = join(folder, file);
  if (!existsSync(path)) return null;
  try {
    const content = parseJson(readInputFile(path, largest.manifest).toString("utf8"));
    const speeds = schema.parse(content);
    return z.object({ of: z.string() }).parse(content).of === of ? speeds : null;
  } catch {
    throw new RequestError(
      `${path} cannot be read, and the ${what}'s runs are as long as it says; choose another folder`,
    );
  }
}

/** A study that is there needs its own, should it be asked for again; another one will be refused. */
export function keepSpeeds({ folder, file, of, study }: KeptSpeeds, speeds: object): void {
  if (folder === undefined || existsSync(join(folder, study))) return;
  onDisk("write to", folder, () => {
    makeFolder(folder);
    replaceFile(join(folder, file), `${JSON.stringify({ of, ...speeds })}\n`);
  });
}
