// What a study keeps: `study.json` says what was asked; `runs/RUN/results/UNTIL.json` what a job brought back, or
// `UNTIL.failure.json` why it did not. Each file is there whole or not at all. Knows no process and no plan.

import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { RequestError } from "../errors.ts";
import { isFolder, makeFolder } from "../folders.ts";
import { largest, readInputFile } from "../inputFile.ts";
import { parseJson } from "../json.ts";
import { onDisk, removeUnfinished, replaceFile, writeDurably } from "../train/files.ts";
import { canonicalHash, firstDifference } from "./canonical.ts";
import type { Failure, Job, Json, Result } from "./job.ts";

const FORMAT = 1;

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
const jsonSchema = z.json() as z.ZodType<Json>;
const base = { format: z.literal(FORMAT), run: z.string(), until: amount, spec: z.string() };
const resultSchema = z.strictObject({ ...base, value: jsonSchema, flops: amount, seconds: amount });
const failureSchema = z.strictObject({
  ...{ ...base, reason: z.string(), attempts: amount },
  // Records of earlier versions have no cost.
  ...{ seconds: amount.optional(), flops: amount.optional() },
});
const studySchema = z.strictObject({ format: z.literal(FORMAT), request: jsonSchema, sha256: z.string() });

export const runsFolder = (folder: string): string => join(folder, "runs");
export const runFolder = (folder: string, run: string): string => join(runsFolder(folder), run);
export const resultsFolder = (folder: string, run: string): string => join(runFolder(folder, run), "results");

const resultPath = (
  folder: string,
  { run, until }: { readonly run: string; readonly until: number },
): string => join(resultsFolder(folder, run), `${until}.json`);
const failurePath = (
  folder: string,
  { run, until }: { readonly run: string; readonly until: number },
): string => join(resultsFolder(folder, run), `${until}.failure.json`);

/** Makes the folder, where it is not there, so that it can be locked. */
export function prepareFolder(folder: string): void {
  onDisk("write to", folder, () => makeFolder(folder));
}

/**
 * Makes the folder a study's, or holds one that is there to what is asked now.
 * Errors: RequestError where it holds something else; the line says what differs.
 */
export function openStore(folder: string, request: Json): void {
  removeUnfinished(folder);
  const path = join(folder, "study.json");
  if (!existsSync(path)) {
    requireEmpty(folder);
    onDisk("write to", folder, () => makeFolder(runsFolder(folder)));
    replaceRequest(folder, request);
    return;
  }
  requireSame(folder, request);
  onDisk("write to", folder, () => makeFolder(runsFolder(folder)));
}

/** What `openStore` would refuse of a folder, which it leaves as it is. Errors: as there. */
export function requireStore(folder: string, request: Json): void {
  if (!existsSync(join(folder, "study.json"))) requireEmpty(folder);
  else requireSame(folder, request);
}

function requireSame(folder: string, request: Json): void {
  const found = readStudy(folder);
  if (canonicalHash(found) !== canonicalHash(request))
    throw new RequestError(different(folder, found, request));
}

/** Gives a study another request, of which its runs are a part. */
export function replaceRequest(folder: string, request: Json): void {
  replaceFile(
    join(folder, "study.json"),
    `${JSON.stringify({ format: FORMAT, request, sha256: canonicalHash(request) })}\n`,
  );
}

/** What a study was asked. Errors: RequestError where the folder holds none, or one that was changed by hand. */
export function readStudy(folder: string): Json {
  const path = join(folder, "study.json");
  if (!existsSync(path)) {
    throw new RequestError(`${folder} holds no study: ${path} does not exist; name the folder of a study`);
  }
  const found = readRecord(path, studySchema);
  if (!found.isGood) throw new RequestError(`${path}: ${found.why}; restore it, or choose another folder`);
  const { request, sha256 } = found.value;
  if (canonicalHash(request) !== sha256) {
    throw new RequestError(
      `${path}: it was changed since it was written; restore it, or choose another folder`,
    );
  }
  return request;
}

function requireEmpty(folder: string): void {
  if (!existsSync(folder)) return;
  const others = onDisk("read", folder, () => readdirSync(folder)).filter((name) => !name.startsWith("."));
  // A study that was killed while it was made has its folder of runs already.
  if (others.every((name) => name === "runs" && isEmptyFolder(join(folder, name)))) return;
  throw new RequestError(`${folder} holds ${others[0]} and no study; choose a new folder`);
}

function isEmptyFolder(path: string): boolean {
  return isFolder(path) && onDisk("read", path, () => readdirSync(path)).length === 0;
}

const MOST_SHOWN = 60;

function different(folder: string, found: Json, asked: Json): string {
  const { path, a, b } = firstDifference(found, asked)!;
  const shown = (value: Json | undefined): string => {
    const text = value === undefined ? "nothing" : JSON.stringify(value);
    return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN - 1)}…` : text;
  };
  return (
    `${folder} holds another study: ${path === "" ? "it" : path} is ${shown(a)} there and ${shown(b)} here; ` +
    "ask for the same, or choose another folder"
  );
}

/** What a small checkpoint needs, in bytes. */
const ROOM = 2 ** 20;

/** Whether the disk takes something, tried by writing it. */
export function hasRoom(folder: string): boolean {
  const path = join(folder, ".partial-room");
  try {
    writeDurably(path, [new Uint8Array(ROOM)]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(path, { force: true });
  }
}

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

type Found<Value> =
  | { readonly isGood: true; readonly value: Value }
  | { readonly isGood: false; readonly why: string };

function readRecord<Value>(path: string, schema: z.ZodType<Value>): Found<Value> {
  let content: unknown;
  try {
    content = parseJson(readInputFile(path, largest.settings).toString("utf8"));
  } catch (error) {
    return { isGood: false, why: error instanceof Error ? error.message : String(error) };
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return { isGood: true, value: parsed.data };
  const { path: where, message } = parsed.error.issues[0]!;
  return { isGood: false, why: `${where.length === 0 ? "it" : where.join(".")}: ${message}` };
}
