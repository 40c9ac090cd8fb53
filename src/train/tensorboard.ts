// The events of a run as files for TensorBoard. Knows what is shown; the bytes are another's business.
import { closeSync, fsyncSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../folders.ts";
import { type BoardContent, encodeEventRecord } from "../report/eventRecord.ts";
import type { TrainEvent } from "./events.ts";
import { onDisk, writeAll } from "./files.ts";

/** A file that TensorBoard shows while it grows. */
export interface Board {
  /** Adds what there is to show of an event. Errors: WorkError for what the disk refuses. */
  write(event: TrainEvent): void;
  /** Waits until the disk has everything. */
  close(): void;
}

export const boardPath = (folder: string): string => join(folder, "tensorboard");

/**
 * Takes the events of a run to a new file in `folder`/tensorboard, made at the first event. After a resume the steps that
 * are done again replace those that earlier files hold.
 * @param now milliseconds since 1970
 */
export function openBoard(folder: string, now: () => number = Date.now): Board {
  const path = boardPath(folder);
  let file: number | undefined;
  const append = (step: number, content: BoardContent) => {
    const bytes = encodeEventRecord({ seconds: now() / 1000, step, content });
    onDisk("write to", path, () => writeAll(file!, bytes));
  };
  const begin = (step: number) => {
    const created = onDisk("write to", path, () => createEventFile(path, Math.floor(now() / 1000)));
    file = created.file;
    append(0, { kind: "version" });
    if (created.number > 1) append(step + 1, { kind: "restart" });
  };
  return {
    write(event) {
      if (file === undefined) {
        // What comes before the start is of a run that may not begin.
        if (event.kind !== "start") return;
        begin(event.step);
      }
      if ("step" in event) for (const content of contentsOf(event)) append(event.step, content);
    },
    close() {
      if (file === undefined) return;
      const open = file;
      file = undefined;
      onDisk("write to", path, () => {
        fsyncSync(open);
        closeSync(open);
      });
    },
  };
}

function contentsOf(event: TrainEvent): BoardContent[] {
  switch (event.kind) {
    case "step": {
      const { loss, gradientNorm, rate, tokensPerSecond } = event;
      const speed = tokensPerSecond > 0 ? { "speed/tokens_per_second": tokensPerSecond } : {};
      const optimizer = { "optimizer/gradient_norm": gradientNorm, "optimizer/learning_rate": rate };
      return [{ kind: "scalars", values: { "loss/training": loss, ...optimizer, ...speed } }];
    }
    case "evaluation":
      return [{ kind: "scalars", values: { "loss/validation": event.loss } }];
    case "statistics": {
      // Lists have no place in a chart.
      const single = Object.entries(event.values).filter(
        (entry): entry is [string, number] => typeof entry[1] === "number",
      );
      return [
        { kind: "scalars", values: Object.fromEntries(single.map(([name, v]) => [`modules/${name}`, v])) },
      ];
    }
    case "nonFinite": {
      const { loss, gradientNorm } = event;
      return [
        { kind: "scalars", values: { "loss/training": loss, "optimizer/gradient_norm": gradientNorm } },
      ];
    }
    case "sample":
      return [{ kind: "text", tag: "sample", text: indented(event.text) }];
    default:
      return [];
  }
}

/** Text that Markdown leaves as it is. */
function indented(text: string): string {
  return text.replace(/^/gm, "    ");
}

const fileName = /^events\.out\.tfevents\.(\d+)\.scantling$/;

/** TensorBoard reads files in the order of their names, so each is called after a later second than those before it. */
function createEventFile(folder: string, second: number): { readonly file: number; readonly number: number } {
  makeFolder(folder);
  const earlier = readdirSync(folder).flatMap((name) => fileName.exec(name)?.[1] ?? []);
  const latest = earlier.reduce((most, found) => Math.max(most, Number(found)), 0);
  const name = String(Math.max(second, latest + 1)).padStart(10, "0");
  const file = openSync(join(folder, `events.out.tfevents.${name}.scantling`), "wx");
  return { file, number: earlier.length + 1 };
}
