// One job in a process of its own, seen from the runner. Knows neither plans nor what a job is about.

import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { moduleBeside } from "../moduleBeside.ts";
import type { Job, Json, Progress } from "./job.ts";

export type ToJob =
  | {
      readonly kind: "start";
      readonly job: Job;
      /** The run's own folder, and the one inside it that belongs to the runner. */
      readonly folder: string;
      readonly results: string;
      readonly worker: string;
      readonly threads: number;
    }
  | { readonly kind: "stop" };

export type FromJob =
  | ({ readonly kind: "progress" } & Progress)
  | { readonly kind: "result"; readonly value: Json; readonly flops: number }
  | { readonly kind: "stopped" }
  | {
      readonly kind: "error";
      readonly reason: string;
      readonly isFull: boolean;
      readonly isFinal: boolean;
      /** Where it is known. */
      readonly flops?: number;
    };

/** How a job's process ended, and how long it took. */
export type Outcome = Ending & { readonly seconds: number };

type Ending =
  | { readonly kind: "result"; readonly value: Json; readonly flops: number }
  /** It was told to stop before it had a result. */
  | { readonly kind: "stopped" }
  /** The disk has no room. */
  | { readonly kind: "full"; readonly reason: string }
  /** `isFinal`: trying again would fail in the same way. */
  | {
      readonly kind: "failed";
      readonly reason: string;
      readonly isFinal: boolean;
      readonly flops?: number | undefined;
    };

export interface JobProcess {
  /** Asks for a checkpoint and an end; after `graceSeconds` the process is killed. */
  stop(graceSeconds: number): void;
  kill(): void;
}

export interface JobProcessOptions {
  readonly start: Extract<ToJob, { kind: "start" }>;
  readonly execArgv: readonly string[];
  /** Killed after so many seconds without a report; no limit where undefined. */
  readonly silenceSeconds: number | undefined;
  readonly onProgress: (progress: Progress) => void;
  readonly onEnd: (outcome: Outcome) => void;
}

const program = fileURLToPath(moduleBeside(import.meta.url, "./jobProcess"));

/** Starts a process; `onEnd` is called once, after the process has ended. */
export function startJobProcess(options: JobProcessOptions): JobProcess {
  const { start, execArgv, onProgress, onEnd } = options;
  const startedAt = performance.now();
  const child = fork(program, [], { execArgv: [...execArgv], stdio: ["pipe", "ignore", "pipe", "ipc"] });
  const kill = () => void child.kill("SIGKILL");
  const silence = watchSilence(options.silenceSeconds, kill);
  const lastWords = keepLastWords(child);
  let grace: NodeJS.Timeout | undefined;
  let told: Exclude<FromJob, { kind: "progress" }> | undefined;
  let seconds: number | undefined;
  let failedToStart: string | undefined;
  child.on("message", (message: FromJob) => {
    silence.heard();
    if (message.kind === "progress") {
      onProgress({ at: message.at, told: message.told });
      return;
    }
    told = message;
    seconds = secondsSince(startedAt);
  });
  // What cannot be delivered shows itself by how the process ends.
  child.stdin?.on("error", () => {});
  child.on("error", (error) => {
    failedToStart = error.message;
  });
  void ended(child).then(([code, signal]) => end(code, signal));
  child.send(start, () => {});

  function end(code: number | null, signal: NodeJS.Signals | null): void {
    clearTimeout(grace);
    silence.end();
    const ending = endingOf(told, () => {
      if (child.pid === undefined) return `could not start: ${failedToStart}`;
      if (silence.isOver()) return `was silent for ${options.silenceSeconds} s and was ended`;
      return howItEnded(code, signal, lastWords());
    });
    onEnd({ ...ending, seconds: seconds ?? secondsSince(startedAt) });
  }

  return {
    stop(graceSeconds) {
      if (grace !== undefined) return;
      child.send({ kind: "stop" } satisfies ToJob, () => {});
      grace = setTimeout(kill, 1000 * graceSeconds);
    },
    kill,
  };
}

const secondsSince = (start: number): number => (performance.now() - start) / 1000;

/** Waits until a process has ended and all it said has been heard. */
async function ended(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  const once = (name: string) => new Promise<void>((resolve) => child.once(name, () => resolve()));
  const [exit, close, disconnect] = [once("exit"), once("close"), once("disconnect")];
  await Promise.race([exit, once("error")]);
  if (child.pid === undefined) return [null, null];
  await Promise.all([exit, disconnect]);
  // Its own children may hold its standard error open for longer.
  await Promise.race([close, wait(1000, undefined, { ref: false })]);
  return [child.exitCode, child.signalCode];
}

function endingOf(told: Exclude<FromJob, { kind: "progress" }> | undefined, reason: () => string): Ending {
  switch (told?.kind) {
    case "result":
      return { kind: "result", value: told.value, flops: told.flops };
    case "stopped":
      return { kind: "stopped" };
    case "error":
      return told.isFull
        ? { kind: "full", reason: told.reason }
        : { kind: "failed", reason: told.reason, isFinal: told.isFinal, flops: told.flops };
    case undefined:
      return { kind: "failed", reason: reason(), isFinal: false };
  }
}

function howItEnded(code: number | null, signal: NodeJS.Signals | null, words: string): string {
  if (/heap out of memory|heap limit/i.test(words)) return "ran out of JavaScript memory";
  if (signal === "SIGKILL") return "was killed (SIGKILL): out of memory, or from outside";
  const how =
    signal !== null
      ? `crashed (${signal})`
      : code === 0
        ? "ended without a result"
        : `ended with exit code ${code}`;
  const lines = words.split("\n").map((line) => line.trim());
  const said = lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.findLast((line) => line !== "");
  return said === undefined ? how : `${how}: ${said.slice(0, 300)}`;
}

const LAST_WORDS = 8192;

/** The end of what a process writes to standard error. */
function keepLastWords(child: ChildProcess): () => string {
  let kept = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    kept = (kept + text).slice(-LAST_WORDS);
  });
  return () => kept;
}

/** Ends a process that says nothing for too long. What it said meanwhile, unread because this process slept, counts. */
function watchSilence(
  limitSeconds: number | undefined,
  kill: () => void,
): { heard(): void; end(): void; isOver(): boolean } {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const heard = () => {
    clearTimeout(timer);
    if (limitSeconds === undefined) return;
    timer = setTimeout(() => {
      timer = setTimeout(() => {
        isOver = true;
        kill();
      }, 1000);
    }, 1000 * limitSeconds);
  };
  heard();
  return { heard, end: () => clearTimeout(timer), isOver: () => isOver };
}
