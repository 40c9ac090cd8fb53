// What a person watching a study sees: a few lines that are drawn over and over, and lines that stay. Text only; knows
// no terminal and no task.

import { formatDuration } from "../report/format.ts";
import type { StudyEvent } from "./events.ts";
import type { Job, Progress } from "./job.ts";

/** What is shown of a study. */
export interface StudyView {
  /**
   * Takes an event.
   * @returns lines that stay
   */
  take(event: StudyEvent): string[];
  /** The lines to draw now: one for the stage, one for each job at work, `most` in all. Default 16. */
  lines(most?: number): string[];
}

interface Active {
  readonly job: Job;
  readonly since: number;
  progress: Progress | undefined;
}

/**
 * Begins to follow a study.
 * @param saysEach whether each finished job gets a line that stays, for what is no terminal
 * @param clock seconds, of any origin
 */
export function createStudyView(
  saysEach: boolean,
  clock: () => number = () => performance.now() / 1000,
): StudyView {
  const start = clock();
  const active = new Map<string, Active>();
  const count = { stage: 0, jobs: 0, earlier: 0, done: 0, failed: 0, seconds: 0 };
  let processes = 1;
  let paused: string | undefined;

  const ended = () => `${count.done + count.failed + count.earlier}/${count.jobs}`;

  const taken = (event: StudyEvent): string[] => {
    switch (event.kind) {
      case "start":
        processes = event.processes;
        return [];
      case "stage": {
        Object.assign(count, { stage: event.stage, done: 0, failed: 0, seconds: 0, earlier: event.done });
        count.jobs = event.jobs.length + event.done;
        const earlier = event.done === 0 ? "" : `, ${event.done} of them done before`;
        return [`stage ${event.stage}: ${count.jobs} ${count.jobs === 1 ? "job" : "jobs"}${earlier}`];
      }
      case "jobStart":
        active.set(event.job.run, { job: event.job, since: clock(), progress: undefined });
        return [];
      case "progress": {
        const found = active.get(event.job.run);
        if (found !== undefined) found.progress = event;
        return [];
      }
      case "result": {
        const { run, until, seconds } = event.result;
        const told = active.get(run)?.progress?.told ?? "";
        active.delete(run);
        count.done++;
        count.seconds += seconds;
        return saysEach
          ? [`${ended()} ${run} until ${until}: ${formatDuration(seconds)} ${told}`.trimEnd()]
          : [];
      }
      case "retry":
        active.delete(event.job.run);
        return [`again: ${event.job.run} ${event.reason}`];
      case "failure":
        active.delete(event.failure.run);
        count.failed++;
        return [`failed: ${event.failure.run} until ${event.failure.until} ${event.failure.reason}`];
      case "damaged":
        return [`damaged: ${event.path}: ${event.why}; its job is done again`];
      case "pause":
        paused = event.reason;
        return [`paused: ${event.reason}; the study goes on when there is room`];
      case "continue":
        paused = undefined;
        return ["there is room again"];
      case "end":
        return [];
    }
  };

  /** Of the stage, from how long its jobs have taken so far. */
  const remaining = (): string => {
    const left = count.jobs - count.earlier - count.done - count.failed;
    if (count.done === 0 || left === 0) return "";
    const each = count.seconds / count.done;
    return ` · about ${formatDuration((each * left) / Math.min(processes, left))} left`;
  };

  return {
    take: (event) => taken(event).map((line) => line.replaceAll(unprintable, " ")),
    lines(most = 16) {
      const failed = count.failed === 0 ? "" : ` · ${count.failed} failed`;
      const head = `stage ${count.stage} · ${ended()} done${failed} · ${formatDuration(clock() - start)}`;
      const jobs = [...active.values()].sort((a, b) => (a.job.run < b.job.run ? -1 : 1));
      const shown = jobs.length < most ? jobs : jobs.slice(0, most - 2);
      const width = Math.max(0, ...shown.map(({ job }) => job.run.length));
      return [
        paused === undefined ? `${head}${remaining()}` : `${head} · paused, the disk is full`,
        ...shown.map(({ job, since, progress }) =>
          `  ${job.run.padEnd(width)}  ${progress?.at ?? 0}/${job.until}  ${formatDuration(clock() - since)}  ${progress?.told ?? ""}`
            .replaceAll(unprintable, " ")
            .trimEnd(),
        ),
        ...(shown.length < jobs.length ? [`  and ${jobs.length - shown.length} more`] : []),
      ];
    },
  };
}

/** What a worker says must not move the cursor. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are meant
const unprintable = /[\u0000-\u001f\u007f-\u009f]/g;
