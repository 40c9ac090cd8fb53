// What a job's process runs: imports the worker module, does one job, tells the runner how it went. It ends at once when
// the runner has ended, however busy it is, so that nobody goes on writing unseen. Knows no plan.

import { setTimeout as wait } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { WorkError } from "../errors.ts";
import { isDiskFull, isOfSystem } from "../train/files.ts";
import { type Lock, lockFolder } from "../train/lock.ts";
import type { Json, Progress, Work } from "./job.ts";
import type { FromJob, ToJob } from "./workers.ts";

const REPORT_MILLISECONDS = 200;
/** How long a process of an earlier runner may take to end. */
const LOCK_MILLISECONDS = 10_000;
const LARGEST_VALUE = 64 * 2 ** 20;

endWithRunner();
const stop = new AbortController();
// A terminal sends its interrupt to all; it is the runner who says what becomes of it.
for (const name of ["SIGINT", "SIGHUP"]) process.on(name, () => {});
process.on("SIGTERM", () => stop.abort());
process.on("message", (message: ToJob) => {
  switch (message.kind) {
    case "start":
      // Nothing left to wait for, and no result: the process then ends instead of waiting forever.
      process.channel?.unref();
      void run(message);
      break;
    case "stop":
      stop.abort();
      break;
  }
});

async function run(start: Extract<ToJob, { kind: "start" }>): Promise<void> {
  let lock: Lock | undefined;
  try {
    lock = await lockRun(start.results);
    const { work } = (await import(start.worker)) as { work: Work };
    const progress = limited((given: Progress) => {
      process.send?.({ kind: "progress", ...given } satisfies FromJob);
    });
    const { folder, threads } = start;
    const { value, flops } = await work(start.job, {
      folder,
      threads,
      signal: stop.signal,
      report: progress.tell,
    });
    requireResult(value, flops);
    // What is said of a job that has ended does not hang on how busy the machine was.
    progress.flush();
    await tell({ kind: "result", value, flops });
  } catch (error) {
    await tell(failure(error));
  }
  lock?.release();
  process.exit();
}

function failure(error: unknown): FromJob {
  if (stop.signal.aborted) return { kind: "stopped" };
  const message = error instanceof Error ? error.message : String(error);
  const reason = (message.split("\n")[0] ?? "").slice(0, 500) || "an error without words";
  const flops = flopsIn(error);
  return {
    ...{ kind: "error", reason, isFull: isDiskFull(error), isFinal: !isOfSystem(error) },
    ...(flops === undefined ? {} : { flops }),
  };
}

/** What was trained before an error, where it says so. */
function flopsIn(error: unknown): number | undefined {
  if (!(error instanceof Error && "flops" in error)) return undefined;
  const { flops } = error;
  return typeof flops === "number" && Number.isFinite(flops) && flops >= 0 ? flops : undefined;
}

/** A process of a runner that was killed may still be about to end. */
async function lockRun(folder: string): Promise<Lock> {
  const start = performance.now();
  for (;;) {
    try {
      return lockFolder(folder);
    } catch (error) {
      if (!(error instanceof WorkError) || isOfSystem(error)) throw error;
      if (performance.now() - start > LOCK_MILLISECONDS) throw error;
      await wait(100);
    }
  }
}

/** As many calls as the runner can use, and the last one, which `flush` makes if it was left out. */
function limited<Given>(call: (given: Given) => void) {
  let last = Number.NEGATIVE_INFINITY;
  let left: Given | undefined;
  const flush = (): void => {
    if (left !== undefined) call(left);
    left = undefined;
  };
  const tell = (given: Given): void => {
    left = given;
    if (performance.now() - last < REPORT_MILLISECONDS) return;
    last = performance.now();
    flush();
  };
  return { tell, flush };
}

function requireResult(value: Json, flops: number): void {
  const where = notFinite(value, "");
  if (where !== undefined) throw new WorkError(`its result has a number that is not finite${where}`);
  if (!(Number.isFinite(flops) && flops >= 0)) throw new WorkError(`its result has ${flops} FLOPs`);
  const { length } = JSON.stringify(value) ?? "";
  if (length === 0) throw new WorkError("it returned nothing");
  if (length > LARGEST_VALUE)
    throw new WorkError(`its result has ${length} characters; expected at most ${LARGEST_VALUE}`);
}

/** Where a value holds a number that JSON has no word for. */
function notFinite(value: Json | undefined, path: string): string | undefined {
  if (typeof value === "number")
    return Number.isFinite(value) ? undefined : path === "" ? "" : ` (${path.slice(1)})`;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const found = notFinite(inner, `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Waits until the message is on its way. */
function tell(message: FromJob): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}

/**
 * Standard input is a pipe that the runner keeps open and never writes to: its end is the runner's. A thread of its own
 * listens, so that work which never returns to its event loop is ended, too.
 */
function endWithRunner(): void {
  const listen = `
    const { Socket } = require("node:net");
    const pipe = new Socket({ fd: 0, readable: true, writable: false });
    pipe.on("error", () => {}).on("close", () => process.kill(process.pid, "SIGKILL")).resume();
  `;
  new Worker(listen, { eval: true, execArgv: [], stdin: false }).unref();
}
