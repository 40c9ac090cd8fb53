// What a command may do to the outside: write, and be told to stop. Knows no command.

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
  /** Aborted when the user asks to stop. */
  readonly signal: AbortSignal;
}

/** This process's console. The first interrupt aborts `signal`, so that work can end well; the second ends the process. */
export function processConsole(): Console {
  const stop = new AbortController();
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  // A reader that has gone away (`scantling train | head`) must not end a run.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    interactive: process.stderr.isTTY === true,
    columns: () => process.stderr.columns ?? 80,
    environment: process.env,
    signal: stop.signal,
  };
}
