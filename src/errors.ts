// The errors a user can meet, and the exit code each deserves. Knows nothing of commands or engines.

/** The request was wrong: one line that says what, where, what was expected and what to do. Exit code 2. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly exitCode = 2;
}

/** The request was right and the work failed (disk, numbers, machine). Exit code 1. */
export class WorkError extends Error {
  override readonly name = "WorkError";
  readonly exitCode = 1;
}
