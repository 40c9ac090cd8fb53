// Studies in which every job is a run of training. Knows no task and no plan.
import { rmSync } from "node:fs";
import { checkpointsPath } from "../train/runFolder.ts";
import type { StudyEvent } from "./events.ts";
import type { Result } from "./job.ts";
import { runFolder } from "./paths.ts";
import { runStudy, type StudyOptions } from "./runner.ts";

export interface TrainingStudyOptions extends Omit<StudyOptions, "silenceSeconds"> {
  /** Whether the run of a result goes no further. Default: none does. */
  readonly isOver?: ((result: Result) => boolean) | undefined;
}

/** A run that says nothing for so long is ended. */
const SILENCE_SECONDS = 600;

/** Runs a study or goes on with it. Of a run that is over its result is all that is kept. Errors: as `runStudy`. */
export async function* runTrainingStudy({
  isOver = () => true,
  ...options
}: TrainingStudyOptions): AsyncGenerator<StudyEvent, void, undefined> {
  const tidy = (result: Result) => {
    if (!isOver(result)) return;
    rmSync(checkpointsPath(runFolder(options.folder, result.run)), { recursive: true, force: true });
  };
  for await (const event of runStudy({ ...options, silenceSeconds: SILENCE_SECONDS })) {
    if (event.kind === "result") tidy(event.result);
    // An earlier call may have been killed between a result and this.
    if (event.kind === "end") event.known.results.forEach(tidy);
    yield event;
  }
}
