// How far a job is: one line drawn over on a terminal, some plain lines elsewhere. Knows no job.

import { performance } from "node:perf_hooks";
import type { Console } from "./console.ts";

export interface Status {
  /** A line that stays. */
  line(text: string): void;
  /** How much is done, 0 to 1, and what to say of it. */
  share(done: number, text: string): void;
  /** Leaves the last line where it stands. */
  end(): void;
}

const drawEveryMs = 100;
const plainLines = 10;

/** Writes to standard error. */
export function createStatus(console: Console): Status {
  let drawn = "";
  let drawnAt = Number.NEGATIVE_INFINITY;
  let told = -1;
  return {
    line(text) {
      if (drawn !== "") console.err(`\r${" ".repeat(drawn.length)}\r`);
      drawn = "";
      told = -1;
      console.err(`${text}\n`);
    },
    share(done, text) {
      if (!console.interactive) {
        const tenth = Math.floor(done * plainLines);
        if (tenth === told) return;
        told = tenth;
        console.err(`${text}\n`);
        return;
      }
      if (performance.now() - drawnAt < drawEveryMs && done < 1) return;
      drawnAt = performance.now();
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
