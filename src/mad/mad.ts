// A comparison, run: plans it as a race or in full, has the study runner do it, and says what came out. Knows no command.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { moduleBeside } from "../moduleBeside.ts";
import { reportPage } from "../report/page.ts";
import type { StudyEvent } from "../study/events.ts";
import { countedLooks, requireFolder, type TakenOver, takeOver } from "../study/moreSeeds.ts";
import { runTrainingStudy } from "../study/training.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import { type Association, associateResult } from "./against.ts";
import { isOver, readValue } from "./outcome.ts";
import type { PerplexityTable } from "./perplexities.ts";
import { planFor } from "./plan.ts";
import { madReport } from "./report.ts";
import { type Comparison, defineComparison, type MadRequest } from "./request.ts";
import { type MadResult, resultOf } from "./result.ts";

/** A comparison and where it is kept. */
export interface MadOptions extends MadRequest {
  /** Of the comparison; one that is there with the same request, or with fewer seeds, goes on. */
  readonly folder: string;
  /** Held against the scores. */
  readonly against?: PerplexityTable | undefined;
  /** Module whose `work` does a run; default this library's own. For primitives that have to be registered in its process. */
  readonly worker?: URL | undefined;
  /** As it is told in the report; default "mad()". */
  readonly command?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is told of a comparison while it goes on. */
export type MadEvent =
  /** Before the first run. */
  | { readonly kind: "comparison"; readonly comparison: Comparison }
  | { readonly kind: "study"; readonly event: StudyEvent }
  | MadEndEvent;

/** The last: what is known, and why there is no more. */
export interface MadEndEvent {
  readonly kind: "end";
  readonly reason: "done" | "budget" | "interrupted";
  readonly result: MadResult;
  /** Scores against the perplexities of `against`. */
  readonly associations: readonly Association[] | null;
  /** How many seeds the comparison had when it was looked at before, each time that they were raised. */
  readonly earlierSeeds: readonly number[];
  /** Path of the page. */
  readonly report: string;
}

const ownWorker = moduleBeside(import.meta.url, "./worker");

/**
 * Compares architectures on synthetic tasks: runs, each in a process of its own, as a race or all of them; a report in the
 * folder. A call with the same request and folder goes on where an earlier one was stopped or killed, one with more seeds from
 * where that ended.
 * Errors: RequestError before anything is trained; WorkError as `runStudy`.
 */
export async function* mad(options: MadOptions): AsyncGenerator<MadEvent, void, undefined> {
  const comparison = defineComparison(options);
  yield { kind: "comparison", comparison };
  const { folder, signal, against, command = "mad()", worker = ownWorker } = options;
  const { processes, threads, priced } = comparison;
  const runs = new Map(comparison.cells.flatMap((cell) => cell.runs.map((run) => [run.run, run])));
  let taken: TakenOver | undefined;
  const study = runTrainingStudy({
    ...{ folder, processes, threads, signal, worker },
    request: () => {
      taken = takeOver(folder, comparison);
      return taken.request;
    },
    plan: planFor(comparison),
    ...(priced === null ? {} : { budget: priced.bound }),
    isOver: ({ run, value }) => isOver({ value: readValue(run, value), failed: null }, runs.get(run)!),
  });
  for await (const event of study) {
    yield { kind: "study", event };
    if (event.kind !== "end") continue;
    const { request } = taken!;
    const earlierSeeds = countedLooks(folder, taken!);
    const result = resultOf(comparison, event.known, event.reason);
    const associations = against === undefined ? null : associateResult(against, result);
    const report = join(folder, "report.html");
    const hash = createHash("sha256").update(JSON.stringify(request)).digest("hex");
    const page = reportPage(madReport({ result, associations, earlierSeeds, command, hash }));
    onDisk("write", report, () => replaceFile(report, page));
    yield { kind: "end", reason: event.reason, result, associations, earlierSeeds, report };
  }
}

/** Refuses a folder that `mad` would refuse, and leaves it as it is. Errors: RequestError, one line, as there. */
export function requireMadFolder(folder: string, request: MadRequest): void {
  requireFolder(folder, defineComparison(request));
}
