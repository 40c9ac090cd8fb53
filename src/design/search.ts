// The search of a design, run: every run as a job of a study, then what it came to. Knows no command and trains no winner.
import { join } from "node:path";
import { mad } from "../mad/mad.ts";
import type { MadResult } from "../mad/result.ts";
import type { StudyEvent } from "../study/events.ts";
import { planOf } from "../study/racing/rule.ts";
import { runTrainingStudy } from "../study/training.ts";
import { trialWorker } from "../trial/trial.ts";
import { afterScreen, type Design } from "./define.ts";
import { halving } from "./halving.ts";
import { type SearchResult, searchResult } from "./result.ts";
import { afterTasks, SCREEN_PROFILE, type Screen } from "./screen.ts";

/** Where a design is kept, and how it is run. */
export interface SearchOptions {
  readonly design: Design;
  /** Of the design; one that is there with the same design goes on. The search is in `search` of it, synthetic tasks in `mad`. */
  readonly folder: string;
  /** Module whose `work` does a run; default that of studies. For primitives that have to be registered in its process. */
  readonly worker?: URL | undefined;
  /** The same for synthetic tasks; default that of `mad`. */
  readonly madWorker?: URL | undefined;
  /** Options of Node for the runs' processes. Default: none. */
  readonly execArgv?: readonly string[] | undefined;
  /** Aborted: runs stop at their next checkpoints, and the same call goes on from there. */
  readonly signal?: AbortSignal | undefined;
}

/** What is told of a search while it goes on. */
export type SearchEvent =
  | { readonly kind: "study"; readonly event: StudyEvent }
  /** The last: what is known, and why there is no more. */
  | {
      readonly kind: "found";
      readonly reason: "done" | "budget" | "interrupted";
      readonly result: SearchResult;
      /** As it was searched: of the candidates that synthetic tasks left. */
      readonly design: Design;
    };

/**
 * Finds the candidate and rate that a design recommends. A call with the same design and folder goes on where an earlier one was
 * stopped or killed.
 * Errors: RequestError where the folder holds another design's search; WorkError as `runStudy`, and where all runs failed.
 */
export async function* searchDesign(options: SearchOptions): AsyncGenerator<SearchEvent, void, undefined> {
  const { signal, execArgv, worker = trialWorker } = options;
  let { design } = options;
  if (design.screen !== null) {
    const tasks = yield* solveTasks(options, design.screen);
    if (tasks === null) {
      const result = searchResult(design, { results: [], failures: [] });
      return yield { kind: "found", reason: "interrupted", result, design };
    }
    design = afterScreen(design, afterTasks(design.candidates, design.screen, tasks));
  }
  const folder = join(options.folder, "search");
  const { settings, processes, search: clock } = design;
  const study = runTrainingStudy({
    ...{ folder, worker, processes, signal, execArgv, request: design.json },
    plan: planOf(halving(design)),
    // FLOPs are planned to a step; how long runs take is not.
    ...(settings.budget.unit === "seconds" ? { budget: { clock } } : {}),
  });
  for await (const event of study) {
    yield { kind: "study", event };
    if (event.kind !== "end") continue;
    yield { kind: "found", reason: event.reason, result: searchResult(design, event.known), design };
  }
}

/** Null where it was interrupted. */
async function* solveTasks(
  { design: { processes, backend }, folder, signal, madWorker }: SearchOptions,
  { contestants }: Screen,
): AsyncGenerator<SearchEvent, MadResult | null, undefined> {
  const events = mad({
    ...{ architectures: contestants, profile: SCREEN_PROFILE, processes, backend, signal },
    ...{ folder: join(folder, "mad"), worker: madWorker, command: "design()" },
  });
  for await (const event of events) {
    if (event.kind === "study") yield event;
    if (event.kind === "end") return event.reason === "interrupted" ? null : event.result;
  }
  return null;
}
