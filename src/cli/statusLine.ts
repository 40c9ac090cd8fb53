// The last line of a terminal, drawn over and over, with lines that stay above it. Knows nothing of what it says.

import { performance } from "node:perf_hooks";
import type { Console } from "./console.ts";

export interface StatusLine {
  /** A line that stays; what was drawn is gone. */
  line(text: string): void;
  /** Draws over what was drawn, as much of the text as fits; less urgent texts at most ten times a second. */
  draw(text: string, isUrgent: boolean): void;
  /** Leaves what was drawn where it stands. */
  end(): void;
}

// A terminal that is written to more often than this takes time from the work.
const drawEveryMs = 100;

/** Writes to standard error. @param clock milliseconds, of any origin */
export function createStatusLine(
  console: Console,
  clock: () => number = () => performance.now(),
): StatusLine {
  let drawn = "";
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    line(text) {
      if (drawn !== "") console.err(`\r${" ".repeat(drawn.length)}\r`);
      drawn = "";
      console.err(`${text}\n`);
    },
    draw(text, isUrgent) {
      if (clock() - drawnAt < drawEveryMs && !isUrgent) return;
      drawnAt = clock();
      const fitting = text.slice(0, Math.max(0, console.columns() - 1));
      console.err(`\r${fitting.padEnd(drawn.length)}`);
      drawn = fitting;
    },
    end() {
      if (drawn !== "") console.err("\n");
      drawn = "";
    },
  };
}
