// Runs a command line in this process and collects what it writes.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Interruption } from "../../src/cli/failure.ts";
import { runCommandLine } from "../../src/cli/program.ts";

export interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export interface RunSettings {
  readonly environment?: NodeJS.ProcessEnv;
  readonly interactive?: boolean;
  readonly signal?: AbortSignal;
  /** What standard input has. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Whether the reader of standard output has gone away, given what it has read. */
  readonly unread?: (out: string) => boolean;
  /** Called with everything written to standard error. */
  readonly onError?: (text: string) => void;
}

export async function scantling(words: readonly string[], settings: RunSettings = {}): Promise<Outcome> {
  let out = "";
  let err = "";
  const exitCode = await runCommandLine(words, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
      settings.onError?.(text);
    },
    interactive: settings.interactive ?? false,
    columns: () => 100,
    environment: settings.environment ?? {},
    input: settings.input ?? Readable.from([]),
    unread: () => settings.unread?.(out) ?? false,
    signal: settings.signal ?? new AbortController().signal,
  });
  return { exitCode, out, err };
}

/** A command that fails as it should: the exit code, nothing on standard output, one line that names the program. */
export async function refusal(words: readonly string[], settings: RunSettings = {}): Promise<Outcome> {
  const outcome = await scantling(words, settings);
  const lines = outcome.err.split("\n");
  if (outcome.out !== "" || lines.at(-1) !== "" || !lines.at(-2)?.startsWith("scantling: ")) {
    throw new Error(`expected one line on standard error:\n${outcome.out}\n${outcome.err}`);
  }
  return { ...outcome, err: lines.at(-2)!.slice("scantling: ".length) };
}

/** An interrupt (Ctrl-C) after so many milliseconds. */
export function interruptAfter(milliseconds: number): AbortSignal {
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Interruption(130)), milliseconds);
  return stop.signal;
}

export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "scantling-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
