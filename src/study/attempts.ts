// How long the attempts at a job have taken that brought nothing back, kept in `attempts-UNTIL.json` beside where its result
// will be. Lost for a runner that is killed. Knows no process.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { largest, readInputFile } from "../inputFile.ts";
import { parseJson } from "../json.ts";
import { isDiskFull, replaceFile } from "../train/files.ts";
import type { Job } from "./job.ts";
import { resultsFolder } from "./paths.ts";

const schema = z.object({ seconds: z.number().nonnegative() });

const attemptsPath = (folder: string, { run, until }: Pick<Job, "run" | "until">): string =>
  join(resultsFolder(folder, run), `attempts-${until}.json`);

/** None where nothing is kept that can be read: no more than a cost is lost with it. */
export function attemptSeconds(folder: string, job: Job): number {
  try {
    const text = readInputFile(attemptsPath(folder, job), largest.settings).toString("utf8");
    return schema.parse(parseJson(text)).seconds;
  } catch {
    return 0;
  }
}

/** Should this call end before the job does, another one reckons on from here; not so where the disk has no room. */
export function keepAttempts(folder: string, job: Job, seconds: number): void {
  try {
    replaceFile(attemptsPath(folder, job), `${JSON.stringify({ seconds })}\n`);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

/** Of a job that has ended: its own file says it all, so one that stays does no harm. */
export function forgetAttempts(folder: string, job: Job): void {
  try {
    rmSync(attemptsPath(folder, job), { force: true });
  } catch {}
}
