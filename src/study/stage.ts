// The jobs of one stage, several at a time, until all have ended, the budget is spent or the signal is given. A full disk
// makes it wait. Knows no plan.

import { isDiskFull } from "../train/files.ts";
import { attemptSeconds, forgetAttempts, keepAttempts } from "./attempts.ts";
import { type Ended, prepareRun, writeFailure, writeResult } from "./ended.ts";
import type { StudyEvent } from "./events.ts";
import type { Job, Progress } from "./job.ts";
import { createMailbox } from "./mailbox.ts";
import { resultsFolder, runFolder } from "./paths.ts";
import type { Ledger } from "./spent.ts";
import { hasRoom } from "./store.ts";
import { type JobProcess, type Outcome, startJobProcess } from "./workers.ts";

export interface StageSettings {
  readonly folder: string;
  readonly worker: string;
  readonly threads: number;
  readonly processes: number;
  readonly retries: number;
  readonly silenceSeconds: number | undefined;
  readonly graceSeconds: number;
  readonly signal: AbortSignal | undefined;
  readonly execArgv: readonly string[];
}

type Message =
  | { readonly kind: "progress"; readonly job: Job; readonly progress: Progress }
  | { readonly kind: "end"; readonly job: Job; readonly outcome: Outcome }
  | { readonly kind: "stop" }
  | { readonly kind: "look" };

/** By someone else than this study. */
const wasToldToStop = { reason: "was told to stop (SIGTERM)", isFinal: false };

/** How often a full disk is looked at: first after a second, then ever less often. */
const LOOK_SECONDS = { first: 1, last: 30 };

/**
 * Runs jobs. Told of as results or failures are only those that are on the disk.
 * @param ledger knows what was spent before, and is told what is spent here
 */
export async function* runStage(
  todo: readonly Job[],
  settings: StageSettings,
  ledger: Ledger,
): AsyncGenerator<StudyEvent, void, undefined> {
  const { folder, processes, signal } = settings;
  const mailbox = createMailbox<Message>();
  const waiting = inTurn(todo);
  const active = new Map<string, JobProcess>();
  const attempts = new Map<Job, number>();
  /** Seconds of a job's attempts so far. */
  const taken = new Map<Job, number>();
  /** FLOPs of a job that the ledger has: an attempt tells those of its run, which it went on with. */
  const counted = new Map<Job, number>();
  const unsaved: { readonly job: Job; readonly ended: Ended }[] = [];
  let look: NodeJS.Timeout | undefined;
  let lookSeconds = LOOK_SECONDS.first;
  let isPaused = false;
  const onAbort = () => mailbox.post({ kind: "stop" });
  signal?.addEventListener("abort", onAbort);

  const isStopped = () => signal?.aborted === true;
  const lookLater = () => {
    look = setTimeout(() => mailbox.post({ kind: "look" }), 1000 * lookSeconds);
    lookSeconds = Math.min(2 * lookSeconds, LOOK_SECONDS.last);
  };
  function* pause(reason: string): Generator<StudyEvent> {
    if (look !== undefined) return;
    lookLater();
    // What could not be saved is tried again at every look; that is no news.
    if (isPaused) return;
    isPaused = true;
    yield { kind: "pause", reason };
  }

  function start(job: Job): void {
    prepareRun(folder, job.run);
    const process = startJobProcess({
      start: {
        ...{ kind: "start", job, worker: settings.worker, threads: settings.threads },
        ...{ folder: runFolder(folder, job.run), results: resultsFolder(folder, job.run) },
      },
      ...{ execArgv: settings.execArgv, silenceSeconds: settings.silenceSeconds },
      onProgress: (progress) => mailbox.post({ kind: "progress", job, progress }),
      onEnd: (outcome) => mailbox.post({ kind: "end", job, outcome }),
    });
    active.set(job.run, process);
    ledger.begin(job.run);
  }

  function* startMore(): Generator<StudyEvent> {
    while (look === undefined && !isStopped() && active.size < processes && !ledger.isSpent()) {
      const next = waiting.findIndex(({ run }) => !active.has(run));
      if (next < 0) return;
      const job = waiting[next]!;
      try {
        start(job);
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        yield* pause((error as Error).message);
        return;
      }
      waiting.splice(next, 1);
      yield { kind: "jobStart", job, attempt: (attempts.get(job) ?? 0) + 1 };
    }
  }

  function* save(job: Job, ended: Ended): Generator<StudyEvent> {
    try {
      if (ended.kind === "result") writeResult(folder, job, ended.result);
      else writeFailure(folder, job, ended.failure);
      forgetAttempts(folder, job);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      unsaved.push({ job, ended });
      yield* pause((error as Error).message);
      return;
    }
    lookSeconds = LOOK_SECONDS.first;
    yield ended;
  }

  function* take(job: Job, outcome: Outcome): Generator<StudyEvent> {
    active.delete(job.run);
    const { run, until } = job;
    const flops = "flops" in outcome ? outcome.flops : undefined;
    const before = counted.get(job) ?? 0;
    ledger.end(run, { flops: Math.max(0, (flops ?? 0) - before), seconds: outcome.seconds });
    counted.set(job, Math.max(before, flops ?? 0));
    const seconds = (taken.get(job) ?? attemptSeconds(folder, job)) + outcome.seconds;
    taken.set(job, seconds);
    switch (outcome.kind) {
      case "result": {
        const { value, flops } = outcome;
        yield* save(job, { kind: "result", result: { run, until, value, flops, seconds } });
        return;
      }
      case "full":
        keepAttempts(folder, job, seconds);
        waiting.unshift(job);
        yield* pause(outcome.reason);
        return;
      case "stopped":
      case "failed": {
        keepAttempts(folder, job, seconds);
        if (isStopped()) return;
        const attempt = (attempts.get(job) ?? 0) + 1;
        attempts.set(job, attempt);
        const { reason, isFinal } = outcome.kind === "failed" ? outcome : wasToldToStop;
        if (isFinal || attempt > settings.retries) {
          const failure = { run, until, reason, attempts: attempt, seconds, flops };
          yield* save(job, { kind: "failure", failure });
          return;
        }
        waiting.unshift(job);
        yield { kind: "retry", job, attempt, reason };
      }
    }
  }

  function* lookAgain(): Generator<StudyEvent> {
    look = undefined;
    for (const { job, ended } of unsaved.splice(0)) yield* save(job, ended);
    if (look !== undefined) return;
    if (!hasRoom(folder)) {
      lookLater();
      return;
    }
    isPaused = false;
    yield { kind: "continue" };
  }

  try {
    for (;;) {
      yield* startMore();
      const isWaiting = look !== undefined && waiting.length + unsaved.length > 0;
      if (active.size === 0 && (isStopped() || !isWaiting)) {
        // What waits in memory has this one chance more.
        for (const { job, ended } of unsaved.splice(0)) yield* save(job, ended);
        return;
      }
      const message = await mailbox.take();
      switch (message.kind) {
        case "progress":
          yield { kind: "progress", job: message.job, ...message.progress };
          break;
        case "end":
          yield* take(message.job, message.outcome);
          break;
        case "stop":
          for (const process of active.values()) process.stop(settings.graceSeconds);
          break;
        case "look":
          yield* lookAgain();
      }
    }
  } finally {
    clearTimeout(look);
    signal?.removeEventListener("abort", onAbort);
    // Whoever comes next must not meet a process that is still writing.
    for (const process of active.values()) process.kill();
    while (active.size > 0) {
      const message = await mailbox.take();
      if (message.kind === "end") active.delete(message.job.run);
    }
  }
}

/** In the order given, but for jobs of the same run, the shorter of which come first. */
function inTurn(jobs: readonly Job[]): Job[] {
  const ofRun = new Map<string, Job[]>();
  for (const job of jobs) ofRun.set(job.run, [...(ofRun.get(job.run) ?? []), job]);
  for (const group of ofRun.values()) group.sort((a, b) => a.until - b.until);
  return jobs.map(({ run }) => ofRun.get(run)!.shift()!);
}
