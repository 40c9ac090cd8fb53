// Runs a study: asks its plan for jobs, does those that are not done, each in a process of its own, and asks again when
// all have ended. Whatever happens to it or to its processes, the same call goes on where it was. Knows no task.

import { RequestError, WorkError } from "../errors.ts";
import { lockFolder } from "../train/lock.ts";
import { attemptSeconds } from "./attempts.ts";
import { type Ended, readEnded } from "./ended.ts";
import type { StudyEndEvent, StudyEvent } from "./events.ts";
import { writeIndex } from "./index.ts";
import type { Job, Json, Known, Plan } from "./job.ts";
import { defaultProcesses } from "./processes.ts";
import { createLedger, type Spent, type StudyBudget } from "./spent.ts";
import { keepSpent, readSpent } from "./spentRecord.ts";
import { runStage, type StageSettings } from "./stage.ts";
import { openStore, prepareFolder } from "./store.ts";

export type { StudyBudget } from "./spent.ts";

/** What a study is and how it is to be run. */
export interface StudyOptions {
  /** The study's own; made if it does not exist. */
  readonly folder: string;
  /**
   * What is asked, to be kept in `study.json`; a folder goes on only with the same. A function is called once nobody else is at
   * work in the folder, and may change what that was asked.
   */
  readonly request: Json | (() => Json);
  /** URL of the module that exports `work`, a `Work`. */
  readonly worker: URL | string;
  readonly plan: Plan;
  /** Jobs at the same time. Default: the cores that this process may use, divided by `threads`. */
  readonly processes?: number | undefined;
  /** Threads that each job is told to use. Default 1. */
  readonly threads?: number | undefined;
  /** How often a job whose process crashes, is killed or is silent is tried again. Default 2. */
  readonly retries?: number | undefined;
  /** A process that reports nothing for so many seconds is killed. Default: no limit. */
  readonly silenceSeconds?: number | undefined;
  /** No job begins once this is spent, by earlier calls as well. */
  readonly budget?: StudyBudget | undefined;
  /** Stops at the jobs' next checkpoints. */
  readonly signal?: AbortSignal | undefined;
  /** How long jobs may take for that before they are killed, in seconds. Default 10. */
  readonly graceSeconds?: number | undefined;
  /** Options of Node for the jobs' processes, besides those of `NODE_OPTIONS`. Default: none. */
  readonly execArgv?: readonly string[] | undefined;
}

/**
 * Runs a study or goes on with it; the last event is its end.
 * Errors, before anything is run: RequestError where the folder holds another study or something else, WorkError where
 * another process is at work in it or it cannot be written. Later: WorkError where the disk refuses for another reason
 * than want of room, which only pauses; what the plan throws.
 */
export async function* runStudy(options: StudyOptions): AsyncGenerator<StudyEvent, void, undefined> {
  const { folder, plan, signal, request, budget = {} } = options;
  const settings = stageSettings(options);
  prepareFolder(folder);
  const lock = lockFolder(folder);
  try {
    openStore(folder, typeof request === "function" ? request() : request);
    const index = createIndexWriter(folder);
    const isBounded = Object.values(budget).some((bound) => bound !== undefined);
    const kept = isBounded ? readSpent(folder) : undefined;
    const ledger = createLedger(budget, settings.processes, undefined, kept);
    yield { kind: "start", folder, processes: settings.processes, threads: settings.threads };
    const ended = new Map<string, Ended>();
    for (let stage = 1; ; stage++) {
      // Only what the plan has asked for: a study that goes on is led through the same decisions.
      const jobs = newJobs(plan(knownOf(ended)), ended);
      if (jobs.length === 0) {
        await index.write(ended.values());
        return yield end("done", ended);
      }
      const todo: Job[] = [];
      const earlier: Spent[] = [];
      const damages: StudyEvent[] = [];
      for (const job of jobs) {
        const found = readEnded(folder, job, (damage) => damages.push({ kind: "damaged", ...damage }));
        if (found === undefined) {
          todo.push(job);
          earlier.push({ seconds: attemptSeconds(folder, job) });
        } else {
          ended.set(keyOf(job), found);
          earlier.push(found.kind === "result" ? found.result : found.failure);
        }
      }
      ledger.recall(earlier);
      yield* damages;
      yield { kind: "stage", stage, jobs: todo, done: jobs.length - todo.length };
      for await (const event of runStage(todo, settings, ledger)) {
        if (event.kind === "result") ended.set(keyOf(event.result), event);
        if (event.kind === "failure") ended.set(keyOf(event.failure), event);
        if (event.kind === "result") await index.writeIfDue(ended.values());
        yield event;
      }
      if (isBounded) keepSpent(folder, ledger.totals());
      if (todo.some((job) => !ended.has(keyOf(job)))) {
        await index.write(ended.values());
        return yield end(signal?.aborted === true ? "interrupted" : "budget", ended);
      }
    }
  } finally {
    lock.release();
  }
}

/** Writing the index takes this share of the time at most. */
const INDEX_SHARE = 0.01;

/** The index follows at a distance; that it cannot be written is no reason to stop, since it can be made again. */
function createIndexWriter(folder: string) {
  let nextAt = 0;
  const write = async (ended: Iterable<Ended>) => {
    const start = performance.now();
    try {
      await writeIndex(folder, ended);
    } catch {}
    nextAt = performance.now() + (performance.now() - start) / INDEX_SHARE;
  };
  const writeIfDue = async (ended: Iterable<Ended>) => {
    if (performance.now() >= nextAt) await write(ended);
  };
  return { write, writeIfDue };
}

function stageSettings(options: StudyOptions): StageSettings {
  const threads = options.threads ?? 1;
  for (const [name, least] of [
    ["processes", 1],
    ["threads", 1],
    ["retries", 0],
  ] as const) {
    const given = options[name];
    if (given !== undefined && !(Number.isSafeInteger(given) && given >= least)) {
      throw new RequestError(`${name} is ${given}; expected a whole number of at least ${least}`);
    }
  }
  return {
    folder: options.folder,
    worker: String(options.worker),
    threads,
    processes: options.processes ?? defaultProcesses(threads),
    retries: options.retries ?? 2,
    silenceSeconds: options.silenceSeconds,
    graceSeconds: options.graceSeconds ?? 10,
    signal: options.signal,
    execArgv: options.execArgv ?? [],
  };
}

const keyOf = ({ run, until }: { readonly run: string; readonly until: number }): string => `${until} ${run}`;

function knownOf(ended: ReadonlyMap<string, Ended>): Known {
  const all = [...ended.values()];
  return {
    results: all.flatMap((one) => (one.kind === "result" ? [one.result] : [])).sort(inOrder),
    failures: all.flatMap((one) => (one.kind === "failure" ? [one.failure] : [])).sort(inOrder),
  };
}

interface Named {
  readonly run: string;
  readonly until: number;
}

/** Whatever order they ended in. */
function inOrder(a: Named, b: Named): number {
  return a.run === b.run ? a.until - b.until : a.run < b.run ? -1 : 1;
}

function end(reason: StudyEndEvent["reason"], ended: ReadonlyMap<string, Ended>): StudyEndEvent {
  return { kind: "end", reason, known: knownOf(ended) };
}

const runPattern = /^[\w-][\w.-]{0,199}$/;

/** Jobs that have not ended, each once. */
function newJobs(jobs: readonly Job[], ended: ReadonlyMap<string, Ended>): Job[] {
  const found = new Map<string, Job>();
  for (const job of jobs) {
    if (!runPattern.test(job.run)) {
      throw new WorkError(
        `the plan names a run ${JSON.stringify(job.run)}; expected letters, digits, dots, dashes and underscores, 200 at most`,
      );
    }
    if (!(Number.isSafeInteger(job.until) && job.until >= 0)) {
      throw new WorkError(`the plan takes run ${job.run} until ${job.until}; expected a whole number`);
    }
    if (!ended.has(keyOf(job))) found.set(keyOf(job), job);
  }
  return [...found.values()];
}
