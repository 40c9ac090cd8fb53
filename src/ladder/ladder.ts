// A ladder, run: every run as a job of a study, the largest rung predicted before it is begun, then the laws and the page. Knows no
// command.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadDataset } from "../data/dataset.ts";
import { dataFolders } from "../data/named/folders.ts";
import { RequestError } from "../errors.ts";
import { reportPage } from "../report/page.ts";
import { canonicalHash } from "../study/canonical.ts";
import { readAllEnded } from "../study/ended.ts";
import type { StudyEvent } from "../study/events.ts";
import type { Known } from "../study/job.ts";
import type { StudyBudget } from "../study/runner.ts";
import { runTrainingStudy } from "../study/training.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import { lossesOf } from "../transfer/progress.ts";
import { transferWorker } from "../transfer/transfer.ts";
import { handOver, type LadderFiles } from "./handOver.ts";
import { type Prediction, predictRungs } from "./predict.ts";
import { readPrediction } from "./predictionFile.ts";
import { progressOf } from "./progress.ts";
import { ladderReport } from "./report.ts";
import { defineLadder, type LadderRequest } from "./request.ts";
import { type LadderResult, ladderResult } from "./result.ts";
import { jobOf } from "./runs.ts";

/** A ladder and where it is kept. */
export type LadderOptions = LadderRequest & {
  /** Of the study; one that is there with the same request goes on. */
  readonly folder: string;
  /** No run begins once this is spent. Seconds are those of processes. Default: no bound. */
  readonly budget?: StudyBudget | undefined;
  /** Runs at a time; default: as many as there are cores, divided by `threads`. */
  readonly processes?: number | undefined;
  /** Of each run; default 1. */
  readonly threads?: number | undefined;
  /** As it is told in the report; default "ladder()". */
  readonly command?: string | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** What is told of a ladder while it goes on. */
export type LadderEvent =
  | { readonly kind: "study"; readonly event: StudyEvent }
  /** It is on the disk; none of the runs that it is about has begun. */
  | { readonly kind: "prediction"; readonly prediction: Prediction; readonly path: string }
  /** The last: what is known, and why there is no more. */
  | {
      readonly kind: "end";
      readonly reason: "done" | "budget" | "interrupted";
      readonly result: LadderResult;
      /** Path of the page. */
      readonly report: string;
      /** What other commands read, once it is done. */
      readonly files: LadderFiles;
    };

/**
 * Runs a ladder or goes on with it; `prediction.json`, `result.json` and `report.html` are in its folder; once it is done
 * `runs.csv`, and `law.json` where it has a law of loss.
 * Errors: RequestError before anything is trained; WorkError as `runStudy`.
 */
export function ladder(options: LadderOptions): AsyncGenerator<LadderEvent, void, undefined> {
  return ladderBy(options, transferWorker);
}

/** The same with runs made by another worker, whose results are a `{ loss }`. */
export async function* ladderBy(
  options: LadderOptions,
  worker: URL,
): AsyncGenerator<LadderEvent, void, undefined> {
  const { folder, budget, processes, threads, command = "ladder()", signal, ...request } = options;
  const defined = defineLadder(request);
  const predictionPath = join(folder, "prediction.json");
  // A damaged one is found now rather than after hours.
  readPrediction(predictionPath);
  await requireVocabulary(request);
  const study = runTrainingStudy({
    ...{ folder, budget, processes, threads, signal, request: defined.json },
    plan: (known) => progressOf(request, lossesOf(known)).jobs.map(jobOf),
    worker,
  });
  for await (const event of study) {
    // The stage's jobs begin when the study is asked to go on.
    if (event.kind === "stage" && !existsSync(predictionPath)) {
      const progress = progressOf(request, lossesOf(knownIn(folder)));
      const prediction = progress.isPredictionDue ? await predictRungs(request, progress) : null;
      if (prediction !== null) {
        onDisk("write", predictionPath, () =>
          replaceFile(predictionPath, `${JSON.stringify(prediction, null, 1)}\n`),
        );
        yield { kind: "prediction", prediction, path: predictionPath };
      }
    }
    yield { kind: "study", event };
    if (event.kind !== "end") continue;
    const { known, reason } = event;
    const progress = progressOf(request, lossesOf(known));
    const result = await ladderResult(request, progress, readPrediction(predictionPath), known.failures);
    const report = join(folder, "report.html");
    const page = reportPage(
      ladderReport(request, result, { reason, command, hash: canonicalHash(defined.json) }),
    );
    onDisk("write", report, () => {
      replaceFile(join(folder, "result.json"), `${JSON.stringify(result, null, 1)}\n`);
      replaceFile(report, page);
    });
    const files = reason === "done" ? handOver(result, folder) : { runs: null, law: null };
    yield { kind: "end", reason, result, report, files };
  }
}

/** Data that no model has a vocabulary for would be every run's failure. */
async function requireVocabulary({ data, vocabulary }: LadderRequest): Promise<void> {
  const { tokenizer } = await loadDataset({ data, dataFolder: dataFolders(process.env) });
  if (vocabulary >= tokenizer.vocabulary) return;
  throw new RequestError(
    `ladder: vocabulary is ${vocabulary}; expected at least the ${tokenizer.vocabulary} tokens of the data`,
  );
}

/** What has ended, wherever the study is led. */
function knownIn(folder: string): Known {
  const ended = readAllEnded(folder, () => {});
  return {
    results: ended.flatMap((one) => (one.kind === "result" ? [one.result] : [])),
    failures: ended.flatMap((one) => (one.kind === "failure" ? [one.failure] : [])),
  };
}
