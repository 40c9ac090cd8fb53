// How far a job is: one line drawn over on a terminal, some plain lines elsewhere. Knows no job.

import type { Console } from "./console.ts";
import { createStatusLine } from "./statusLine.ts";

export interface Status {
  /** A line that stays. */
  line(text: string): void;
  /** How much is done, 0 to 1, and what to say of it. */
  share(done: number, text: string): void;
  /** Leaves the last line where it stands. */
  end(): void;
}

const plainLines = 10;

/** Writes to standard error. */
export function createStatus(console: Console): Status {
  const status = createStatusLine(console);
  let told = -1;
  return {
    line(text) {
      status.line(text);
      told = -1;
    },
    share(done, text) {
      if (console.interactive) {
        status.draw(text, done >= 1);
        return;
      }
      const tenth = Math.floor(done * plainLines);
      if (tenth === told) return;
      told = tenth;
      console.err(`${text}\n`);
    },
    end: status.end,
  };
}
