// What a command may do to the outside: write, read, and be told to stop. Knows no command.

import { addAbortSignal } from "node:stream";
import { Interruption } from "./failure.ts";

export interface Console {
  /** Standard output. */
  out(text: string): void;
  /** Standard error: progress, warnings, errors. */
  err(text: string): void;
  /** Whether standard error is a terminal, where a line may be drawn over. */
  readonly interactive: boolean;
  /** Columns of that terminal. */
  readonly columns: () => number;
  readonly environment: NodeJS.ProcessEnv;
  /** Standard input; reading it fails once the user asks to stop. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Whether the reader of standard output has gone away (`scantling sample runs/book | head`). */
  readonly unread: () => boolean;
  /** Aborted when the user asks to stop, with an Interruption for a reason. */
  readonly signal: AbortSignal;
}

/** Tells the user a line of warning. */
export function warn(console: Console, line: string): void {
  console.err(`scantling: ${line}\n`);
}

/** What ends work early, and the exit code that shells have for it. */
const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A signal from one key press can arrive twice: from the terminal and from npm, which passes on what it gets. */
const samePressMs = 100;

/**
 * This process's console. The first of the signals aborts `signal`, so that work can end well; another one ends the
 * process at once.
 */
export function processConsole(): Console {
  const stop = new AbortController();
  let unread = false;
  let stoppedAt = Number.POSITIVE_INFINITY;
  for (const [name, exitCode] of Object.entries(signals)) {
    process.on(name, () => {
      if (!stop.signal.aborted) {
        stoppedAt = performance.now();
        stop.abort(new Interruption(exitCode));
      } else if (performance.now() - stoppedAt > samePressMs) void exitNow(exitCode);
    });
  }
  // A reader that has gone away (`scantling train | head`) or a closed terminal must not end a run.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
      unread ||= stream === process.stdout;
    });
  }
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    interactive: process.stderr.isTTY === true,
    columns: () => process.stderr.columns ?? 80,
    environment: process.env,
    get input() {
      return addAbortSignal(stop.signal, process.stdin);
    },
    unread: () => unread,
    signal: stop.signal,
  };
}

/** Ends the process. `process.exit` would wait for the step that native threads are at work on. */
async function exitNow(exitCode: number): Promise<void> {
  try {
    const { default: koffi } = await import("koffi");
    koffi.load(null).func("void _exit(int)")(exitCode);
  } catch {
    process.exit(exitCode);
  }
}
