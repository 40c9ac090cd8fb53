// What a study keeps of jobs that have ended: `runs/RUN/results/UNTIL.json` says what a job brought back, or `UNTIL.failure.json`
// why it did not. Each file is there whole or not at all. Knows no process and no plan.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { RequestError, WorkError } from "../errors.ts";
import { isFolder, makeFolder } from "../folders.ts";
import { onDisk, removeUnfinished, replaceFile } from "../train/files.ts";
import { canonicalHash } from "./canonical.ts";
import type { Failure, Job, Json, Result } from "./job.ts";
import { resultsFolder, runsFolder } from "./paths.ts";
import { FORMAT, readRecord } from "./record.ts";

/** A job that has ended, one way or the other. */
export type Ended =
  | { readonly kind: "result"; readonly result: Result }
  | { readonly kind: "failure"; readonly failure: Failure };

/** A file that says nothing that can be used. */
export interface Damage {
  readonly path: string;
  /** In a few words. */
  readonly why: string;
}

const amount = z.number().nonnegative();
const base = { format: z.literal(FORMAT), run: z.string(), until: amount, spec: z.string() };
const resultSchema = z.strictObject({
  ...base,
  value: z.json() as z.ZodType<Json>,
  flops: amount,
  seconds: amount,
});
const failureSchema = z.strictObject({
  ...{ ...base, reason: z.string(), attempts: amount },
  // Records of earlier versions have no cost.
  ...{ seconds: amount.optional(), flops: amount.optional() },
});

const resultPath = (
  folder: string,
  { run, until }: { readonly run: string; readonly until: number },
): string => join(resultsFolder(folder, run), `${until}.json`);
const failurePath = (
  folder: string,
  { run, until }: { readonly run: string; readonly until: number },
): string => join(resultsFolder(folder, run), `${until}.failure.json`);

/** Makes the folders of a job's run, and removes what an interrupted write has left there. */
export function prepareRun(folder: string, run: string): void {
  const path = resultsFolder(folder, run);
  onDisk("write to", path, () => makeFolder(path));
  removeUnfinished(path);
}

const hashOf = ({ spec, identity = spec }: Job): string => canonicalHash(identity);

export function writeResult(folder: string, job: Job, result: Result): void {
  const record = { format: FORMAT, ...result, spec: hashOf(job) };
  replaceFile(resultPath(folder, job), `${JSON.stringify(record)}\n`);
}

export function writeFailure(folder: string, job: Job, failure: Failure): void {
  const record = { format: FORMAT, ...failure, spec: hashOf(job) };
  replaceFile(failurePath(folder, job), `${JSON.stringify(record)}\n`);
}

/**
 * How a job has ended; undefined where it has not.
 * Errors: RequestError where what is there was made from another spec.
 * @param damaged is told of files that cannot be used; the job is then as good as not done
 */
export function readEnded(folder: string, job: Job, damaged: (damage: Damage) => void): Ended | undefined {
  const spec = hashOf(job);
  const result = readOf(resultPath(folder, job), resultSchema, job, spec, damaged);
  if (result !== undefined) return { kind: "result", result: resultOf(result) };
  const failure = readOf(failurePath(folder, job), failureSchema, job, spec, damaged);
  return failure === undefined ? undefined : { kind: "failure", failure: failureOf(failure) };
}

/** Everything that the runs' folders hold, in the order of run and `until`, whatever plan it was made for. */
export function readAllEnded(folder: string, damaged: (damage: Damage) => void): Ended[] {
  return endedJobs(folder).flatMap((job): Ended[] => {
    const result = readOf(resultPath(folder, job), resultSchema, job, undefined, damaged);
    if (result !== undefined) return [{ kind: "result", result: resultOf(result) }];
    const failure = readOf(failurePath(folder, job), failureSchema, job, undefined, damaged);
    return failure === undefined ? [] : [{ kind: "failure", failure: failureOf(failure) }];
  });
}

/** How many jobs have ended, by the names of files alone. */
export function countEnded(folder: string): number {
  return endedJobs(folder).length;
}

/** "RUN UNTIL result" or "RUN UNTIL failure" of each of them, sorted, by the names of files alone. */
export function endedNames(folder: string): string[] {
  return endedJobs(folder)
    .map((job) => {
      const { run, until } = job;
      return `${run} ${until} ${existsSync(resultPath(folder, job)) ? "result" : "failure"}`;
    })
    .sort();
}

function endedJobs(folder: string): Pick<Job, "run" | "until">[] {
  const names = (path: string) => (isFolder(path) ? onDisk("read", path, () => readdirSync(path)) : []);
  return names(runsFolder(folder))
    .sort()
    .flatMap((run) => {
      const files = names(resultsFolder(folder, run));
      const untils = files.flatMap((name) => /^(\d+)(?:\.failure)?\.json$/.exec(name)?.[1] ?? []);
      return [...new Set(untils.map(Number))].sort((a, b) => a - b).map((until) => ({ run, until }));
    });
}

const resultOf = ({ run, until, value, flops, seconds }: z.infer<typeof resultSchema>): Result => ({
  ...{ run, until, value, flops, seconds },
});

const failureOf = ({ format: _, spec: __, ...failure }: z.infer<typeof failureSchema>): Failure => failure;

/** @param spec the hash that the record must have; any where undefined */
function readOf<Value extends { run: string; until: number; spec: string }>(
  path: string,
  schema: z.ZodType<Value>,
  { run, until }: { readonly run: string; readonly until: number },
  spec: string | undefined,
  damaged: (damage: Damage) => void,
): Value | undefined {
  if (!existsSync(path)) return undefined;
  const found = readRecord(path, schema);
  if (!found.isGood) {
    damaged({ path, why: found.why });
    return undefined;
  }
  const { value } = found;
  if (value.run !== run || value.until !== until) {
    damaged({ path, why: `it is of run ${value.run} until ${value.until}` });
    return undefined;
  }
  if (spec !== undefined && value.spec !== spec) {
    throw new RequestError(
      `${path} was made from other settings than this study gives run ${run}; choose another folder`,
    );
  }
  return value;
}

/** For a result that no worker of this version wrote. */
export const unreadableResult = (run: string): WorkError =>
  new WorkError(`run ${run}: its result cannot be read; remove runs/${run}/results, and it is made again`);
