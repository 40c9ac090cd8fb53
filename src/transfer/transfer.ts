// A measurement of transfer, run: every run as a job of a study, then the table, the verdicts and the page. Knows no command.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { moduleBeside } from "../moduleBeside.ts";
import { reportPage } from "../report/page.ts";
import type { StudyEvent } from "../study/events.ts";
import { toJson } from "../study/job.ts";
import { runTrainingStudy } from "../study/training.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import { lossesOf, neededRuns } from "./progress.ts";
import { type CheckResult, transferReport } from "./report.ts";
import { defineTransfer, type TransferRequest } from "./request.ts";
import { type TransferResult, transferResult } from "./result.ts";

/** A measurement and where it is kept. */
export interface TransferOptions extends TransferRequest {
  /** Of the study; one that is there with the same request goes on. */
  readonly folder: string;
  /** Of the coordinate check, to be told in the report. Default: none. */
  readonly checks?: readonly CheckResult[] | undefined;
  /** Runs at a time; default: as many as there are cores, divided by `threads`. */
  readonly processes?: number | undefined;
  /** Of each run; default 1. */
  readonly threads?: number | undefined;
  /** As it is told in the report; default "transfer()". */
  readonly command?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is told of a measurement while it goes on. */
export type TransferEvent =
  | { readonly kind: "study"; readonly event: StudyEvent }
  /** The last: what is known, and why there is no more. */
  | {
      readonly kind: "end";
      readonly reason: "done" | "budget" | "interrupted";
      readonly result: TransferResult;
      /** Path of the page. */
      readonly report: string;
    };

/** Module whose `work` trains a run and brings back its loss. */
export const transferWorker = moduleBeside(import.meta.url, "./worker");

/**
 * Trains every size under every rate and seed, each run in a process of its own, and says whether the best rate moved. Sizes that
 * have their best rate at an end of the grid are tried at up to three more beyond it. A call with the same request and folder goes
 * on where an earlier one was stopped or killed.
 * Errors: RequestError before anything is trained; WorkError as `runStudy`.
 */
export async function* transfer(options: TransferOptions): AsyncGenerator<TransferEvent, void, undefined> {
  const measured = defineTransfer(options);
  const { folder, processes, threads, signal, checks = [], command = "transfer()" } = options;
  const study = runTrainingStudy({
    ...{ folder, processes, threads, signal, request: measured.json },
    plan: (known) =>
      neededRuns(measured, lossesOf(known)).map(({ run, spec }) => ({
        ...{ run, until: spec.training.steps, spec: toJson(spec) },
      })),
    worker: transferWorker,
  });
  for await (const event of study) {
    yield { kind: "study", event };
    if (event.kind !== "end") continue;
    const result = transferResult(measured, event.known);
    const report = join(folder, "report.html");
    const hash = createHash("sha256").update(JSON.stringify(measured.json)).digest("hex");
    const data = options.data ?? "the built-in language";
    const page = reportPage(transferReport({ result, checks, data, command, hash }));
    onDisk("write", report, () => replaceFile(report, page));
    yield { kind: "end", reason: event.reason, result, report };
  }
}
