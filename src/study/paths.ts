// Where the runs of a study lie in its folder. Knows nothing of what is in there.
import { join } from "node:path";

export const runsFolder = (folder: string): string => join(folder, "runs");
export const runFolder = (folder: string, run: string): string => join(runsFolder(folder), run);
export const resultsFolder = (folder: string, run: string): string => join(runFolder(folder, run), "results");
