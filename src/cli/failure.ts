// From an error to one line and an exit code. Knows no command.

import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { CommanderError } from "commander";
import { RequestError, WorkError } from "../errors.ts";

/** How a command that was stopped by the user ends, as shells have it for an interrupt; other signals have other codes. */
export const interruptedCode = 130;

/** The user asked to stop. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  constructor(readonly exitCode: number) {
    super("stopped");
  }
}

/** The exit code of an error, and the line for the user; none where everything has been said. */
export interface Failure {
  readonly exitCode: number;
  readonly line?: string;
}

/**
 * Errors nobody foresaw keep their stack: they are for whoever mends the program. Those that come from files of the user's
 * own, below `userFolder`, say where.
 */
export function describeFailure(error: unknown, userFolder?: string): Failure {
  if (error instanceof CommanderError) {
    // Help and version were asked for and have been printed.
    if (error.exitCode === 0) return { exitCode: 0 };
    return {
      exitCode: 2,
      line: oneLine(error.message.replace(/^error: /, "").replace(/\n\(Did(.*)\)$/, "; did$1")),
    };
  }
  if (error instanceof RequestError || error instanceof WorkError) {
    return { exitCode: error.exitCode, line: oneLine(error.message) };
  }
  if (error instanceof Interruption) return { exitCode: error.exitCode };
  const place = userFolder === undefined ? undefined : placeIn(error, userFolder);
  if (place !== undefined) return { exitCode: 2, line: oneLine(`${place}: ${String(error)}`) };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { exitCode: 1, line: `this is a fault of the program, please report it\n${text}` };
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, " ");
}

const packageFolder = fileURLToPath(new URL("../..", import.meta.url));

/** FILE:LINE, as the working folder sees it, of the innermost call in a file of the user's own below `folder`. */
export function placeIn(error: unknown, folder: string): string | undefined {
  const lines = error instanceof Error ? (error.stack?.split("\n") ?? []) : [];
  for (const line of lines) {
    const [, path, place] = /^\s*at (?:.*\()?(?:file:\/\/)?(.+?)(:\d+):\d+\)?$/.exec(line) ?? [];
    if (path === undefined || !path.startsWith(folder + sep)) continue;
    if (path.startsWith(packageFolder) || path.includes(`${sep}node_modules${sep}`)) continue;
    return relative("", path) + place;
  }
  return undefined;
}
