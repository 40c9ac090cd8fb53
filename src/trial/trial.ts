// A study of trained models, run: every run as a job, then the verdicts and the page. Knows no command.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { RequestError } from "../errors.ts";
import { moduleBeside } from "../moduleBeside.ts";
import { shortList } from "../report/format.ts";
import { reportPage } from "../report/page.ts";
import { readBudget } from "../study/budget.ts";
import { readAllEnded } from "../study/ended.ts";
import type { StudyEvent } from "../study/events.ts";
import type { Json, Plan } from "../study/job.ts";
import {
  countedLooks,
  requireFolder,
  requireNoFewerSeeds,
  type Seeded,
  type TakenOver,
  takeOver,
} from "../study/moreSeeds.ts";
import { race } from "../study/racing/race.ts";
import { planOf } from "../study/racing/rule.ts";
import type { StudyBudget } from "../study/runner.ts";
import { runTrainingStudy } from "../study/training.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import { requestOf, type Trial } from "./define.ts";
import { payableRuns } from "./full.ts";
import { trialReport } from "./report.ts";
import { type TrialEnd, type TrialResult, trialResult } from "./result.ts";
import { jobOf } from "./runs.ts";

/** Where a study is kept, and how it is run. */
export interface TrialOptions {
  readonly trial: Trial;
  /** One that is there with the same study goes on. */
  readonly folder: string;
  /** Module whose `work` does a run; default this library's own. For primitives that have to be registered in its process. */
  readonly worker?: URL | undefined;
  /** Threads of each run; default 1. */
  readonly threads?: number | undefined;
  /** As it is told in the report; default "trial()". */
  readonly command?: string | undefined;
  /** Aborted: runs stop at their next checkpoints, and the same call goes on from there. */
  readonly signal?: AbortSignal | undefined;
}

/** What is told of a study while it goes on. */
export type TrialEvent =
  | { readonly kind: "study"; readonly event: StudyEvent }
  /** The last: what is known, and why there is no more. */
  | {
      readonly kind: "end";
      readonly reason: TrialEnd;
      readonly result: TrialResult;
      /** What is to be known besides: `Trial.notes`. */
      readonly notes: readonly string[];
      /** Path of the page. */
      readonly report: string;
    };

/** Module whose `work` does a run of a study. */
export const trialWorker = moduleBeside(import.meta.url, "./worker");

/**
 * Trains the arms of a study, each run in a process of its own, as a race or all of them; a report in the folder.
 * Errors: RequestError where the folder holds runs of another study, with those that no longer belong; WorkError as
 * `runStudy`.
 */
export async function* runTrial(options: TrialOptions): AsyncGenerator<TrialEvent, void, undefined> {
  const { trial, folder, signal, threads, command = "runTrial()", worker = trialWorker } = options;
  requireOwnRuns(folder, trial);
  let taken: TakenOver | undefined;
  const study = runTrainingStudy({
    ...{ folder, threads, signal, worker, processes: trial.processes },
    request: () => {
      taken = takeOver(folder, seededOf(trial));
      return taken.request;
    },
    plan: planFor(trial),
    budget: boundOf(trial),
  });
  for await (const event of study) {
    yield { kind: "study", event };
    if (event.kind !== "end") continue;
    const { request } = taken!;
    const result = trialResult(trial, event.known, countedLooks(folder, taken!), event.reason);
    const report = join(folder, "report.html");
    const hash = createHash("sha256").update(JSON.stringify(request)).digest("hex");
    const document = trialReport({ result, command, hash });
    const { notes } = trial;
    const page = reportPage({ ...document, notes: [...document.notes, ...notes] });
    onDisk("write", report, () => replaceFile(report, page));
    yield { kind: "end", reason: result.ended, result, notes, report };
  }
}

function planFor(trial: Trial): Plan {
  if (trial.settings.stop === "race") return planOf(race(trial.raced));
  const jobs = payableRuns(trial).map(jobOf);
  return () => jobs;
}

function boundOf({ budget, raced }: Trial): StudyBudget | undefined {
  if (budget === null) return undefined;
  return budget.unit === "seconds" ? { clock: budget.value } : { flops: raced.budget! };
}

const seededOf = (trial: Trial): Seeded => ({
  seeds: trial.seeds,
  requestOf: (count: number) => requestOf(trial, count),
  free: ["name"],
  raisable: { spend: isAsMuch },
});

/** Whether a study may spend as much now, or more; null: whatever it takes. */
function isAsMuch(before: Json, now: Json): boolean {
  if (typeof before !== "string" || typeof now !== "string") return now === null;
  const [a, b] = [before, now].map((text) => readBudget(text, "study: spend"));
  return a!.unit === b!.unit && a!.value <= b!.value;
}

/** Refuses a folder that `runTrial` would refuse, and leaves it as it is. Errors: RequestError, one line, as there. */
export function requireTrialFolder(folder: string, trial: Trial): void {
  requireOwnRuns(folder, trial);
  requireFolder(folder, seededOf(trial));
}

/** A study that was edited is another one: its runs were chosen and compared by what it was. */
function requireOwnRuns(folder: string, { runs, seeds }: Trial): void {
  if (!existsSync(join(folder, "study.json"))) return;
  requireNoFewerSeeds(folder, seeds);
  const own = new Set(runs.flat(2).map(({ run }) => run));
  const made = [...new Set(readAllEnded(folder, () => {}).map(runNameOf))];
  const others = made.filter((run) => !own.has(run));
  if (others.length === 0) return;
  throw new RequestError(
    `${folder}: the study was edited after runs were made; ${others.length} of ${made.length} no longer belong to it: ` +
      `${shortList(others)}; undo the edit, or choose another folder`,
  );
}

function runNameOf(ended: ReturnType<typeof readAllEnded>[number]): string {
  return ended.kind === "result" ? ended.result.run : ended.failure.run;
}
