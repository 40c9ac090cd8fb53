// Where the runs of a study lie in its folder. Knows nothing of what is in there.
import { join } from "node:path";
import { WorkError } from "../errors.ts";

export const runsFolder = (folder: string): string => join(folder, "runs");
export const runFolder = (folder: string, run: string): string => join(runsFolder(folder), run);
export const resultsFolder = (folder: string, run: string): string => join(runFolder(folder, run), "results");

/** For a result that no worker of this version wrote. */
export const unreadableResult = (run: string): WorkError =>
  new WorkError(`run ${run}: its result cannot be read; remove runs/${run}/results, and it is made again`);
