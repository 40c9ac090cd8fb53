// The winner's run with the page that `train` leaves of a run. Decides nothing.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { writesText } from "../architecture/decode.ts";
import type { TrainEvent } from "../train/events.ts";
import { readConfiguration } from "../train/runFolder.ts";
import { writeRunReport } from "../train/runReport.ts";
import { sampleRun } from "../train/sampleRun.ts";
import { trainWinner, type WinnerOptions, type WinnerRun, winnerFolder } from "./winner.ts";

const SAMPLE = { tokens: 400, temperature: 0.8 };

/** Trains the winner, or goes on with it, and writes its `report.html`. Errors: as `train`. */
export async function* trainReported(
  options: WinnerOptions,
  run: WinnerRun,
  command: string,
): AsyncGenerator<TrainEvent> {
  const folder = winnerFolder(options.folder);
  let failedAt: number | undefined;
  let isTrained = false;
  try {
    for await (const event of trainWinner(options, run)) {
      if (event.kind === "step") isTrained = true;
      if (event.kind === "nonFinite") failedAt = event.step;
      if (event.kind === "end") {
        const isDone = event.reason === "done";
        // The page of a run that came to its end earlier stays.
        if (isTrained || !isDone || !existsSync(join(folder, "report.html"))) {
          const ending = isDone ? "finished" : `interrupted after step ${event.step}`;
          const sample = isDone ? await sampleOf(options) : undefined;
          writeRunReport(folder, { command, ending, sample });
        }
      }
      yield event;
    }
  } catch (error) {
    if (failedAt !== undefined) {
      writeRunReport(folder, { command, ending: `stopped at step ${failedAt}: a number was not finite` });
    }
    throw error;
  }
}

/** Undefined where it was interrupted, and of networks that do not write. */
async function sampleOf({ folder, machine, signal }: WinnerOptions): Promise<string | undefined> {
  const run = winnerFolder(folder);
  if (!writesText(readConfiguration(run).architecture)) return undefined;
  let text = "";
  for await (const piece of sampleRun({ machine, folder: run, ...SAMPLE, ...(signal && { signal }) }))
    text += piece;
  return signal?.aborted ? undefined : text;
}
