// A comparison, run: plans it as a race or in full, has the study runner do it, and says what came out. Knows no command.
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { reportPage } from "../report/page.ts";
import type { StudyEvent } from "../study/events.ts";
import type { Plan } from "../study/job.ts";
import { race } from "../study/racing/race.ts";
import { planOf } from "../study/racing/rule.ts";
import { runStudy } from "../study/runner.ts";
import { runFolder } from "../study/store.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import { type Association, associateResult } from "./against.ts";
import { exhaustivePlan } from "./exhaustive.ts";
import { readValue } from "./outcome.ts";
import type { PerplexityTable } from "./perplexities.ts";
import { madReport } from "./report.ts";
import { type Comparison, defineComparison, type MadRequest } from "./request.ts";
import { type MadResult, resultOf } from "./result.ts";

/** A comparison and where it is kept. */
export interface MadOptions extends MadRequest {
  /** Of the comparison; one that is there with the same request goes on. */
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
  /** Path of the page. */
  readonly report: string;
}

/** Beside this file, in whatever form that is. */
const ownWorker = new URL(
  `./worker${import.meta.url.slice(import.meta.url.lastIndexOf("."))}`,
  import.meta.url,
);

/** A run that says nothing for so long is ended. */
const SILENCE_SECONDS = 600;

/**
 * Compares architectures on synthetic tasks: runs, each in a process of its own, as a race or all of them; a report in the
 * folder. A call with the same request and folder goes on where an earlier one was stopped or killed.
 * Errors: RequestError before anything is trained; WorkError as `runStudy`.
 */
export async function* mad(options: MadOptions): AsyncGenerator<MadEvent, void, undefined> {
  const comparison = defineComparison(options);
  yield { kind: "comparison", comparison };
  const { folder, signal, against, command = "mad()", worker = ownWorker } = options;
  const { processes, threads, priced } = comparison;
  const study = runStudy({
    ...{ folder, processes, threads, signal, worker, request: comparison.json },
    plan: planFor(comparison),
    ...(priced === null ? {} : { budget: priced.bound }),
    silenceSeconds: SILENCE_SECONDS,
  });
  const steps = new Map(comparison.cells.flatMap(({ runs }) => runs.map((run) => [run.run, run.steps])));
  for await (const event of study) {
    if (event.kind === "result") removeWeights(folder, event.result, steps);
    yield { kind: "study", event };
    if (event.kind !== "end") continue;
    const result = resultOf(comparison, event.known);
    const associations = against === undefined ? null : associateResult(against, result);
    const report = join(folder, "report.html");
    const hash = createHash("sha256").update(JSON.stringify(comparison.json)).digest("hex");
    const page = reportPage(madReport({ result, associations, command, hash }));
    onDisk("write", report, () => replaceFile(report, page));
    yield { kind: "end", reason: event.reason, result, associations, report };
  }
}

function planFor({ cells, raced, profile }: Comparison): Plan {
  return raced === null ? exhaustivePlan(cells, profile) : planOf(race(raced));
}

/** Of a run that goes no further its result is all that is needed. */
function removeWeights(
  folder: string,
  { run, value }: { readonly run: string; readonly value: unknown },
  steps: ReadonlyMap<string, number>,
): void {
  const { solvedAt, step } = readValue(run, value);
  if (solvedAt === null && step < (steps.get(run) ?? 0)) return;
  rmSync(join(runFolder(folder, run), "checkpoints"), { recursive: true, force: true });
}
