// A design, run: its search, then the winner trained with what is left, then the page. Knows no command.
import { join } from "node:path";
import { type BackendChoice, openMachine } from "../backend/open.ts";
import type { DataFolders } from "../data/text.ts";
import { reportPage } from "../report/page.ts";
import { canonicalHash } from "../study/canonical.ts";
import type { TrainEvent } from "../train/events.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import { type RunResult, runCurve, runResult } from "../train/runResult.ts";
import { designReport } from "./report.ts";
import { requireWinner, type SearchResult } from "./result.ts";
import { type SearchEvent, type SearchOptions, searchDesign } from "./search.ts";
import { decideRun, winnerFolder } from "./winner.ts";
import { trainReported } from "./winnerReport.ts";

/** A design, where it is kept, and how it is run. */
export interface DesignOptions extends SearchOptions {
  readonly dataFolder?: DataFolders | undefined;
  readonly backend?: BackendChoice | undefined;
  /** Of the winner's run; default: one a core. */
  readonly threads?: number | undefined;
  /** As it is told in the report; default "design()". */
  readonly command?: string | undefined;
}

/** What a design has come to, as `result.json` in its folder has it. */
export interface DesignResult extends SearchResult {
  /** The winner's run; null where it has not begun. */
  readonly run: RunResult | null;
}

/** What is told of a design while it goes on. */
export type DesignEvent =
  | SearchEvent
  | { readonly kind: "training"; readonly event: TrainEvent }
  /** The last. `interrupted`: the same call goes on. */
  | {
      readonly kind: "end";
      readonly reason: "done" | "interrupted";
      readonly result: DesignResult;
      /** Path of the page. */
      readonly report: string;
    };

/**
 * Runs a design or goes on with it; in its folder are `search`, a study; `winner`, a run as `train` makes them; `result.json` and
 * `report.html`.
 * Errors: RequestError where the folder holds another design's search, or where the budget ended before its first rung;
 * WorkError as `runStudy` and `train`.
 */
export async function* design(options: DesignOptions): AsyncGenerator<DesignEvent, void, undefined> {
  const { folder, signal, backend, threads, dataFolder, command = "design()" } = options;
  let found: Extract<SearchEvent, { kind: "found" }> | undefined;
  for await (const event of searchDesign(options)) {
    if (event.kind === "found") found = event;
    yield event;
  }
  const { reason, result, design: defined } = found!;
  let run: RunResult | null = null;
  let isDone = false;
  if (reason !== "interrupted") {
    const winner = requireWinner(result);
    const { machine } = await openMachine({ backend, threads });
    try {
      const asked = { design: defined, result, winner, folder, machine, dataFolder, signal };
      const decided = await decideRun(asked);
      if (decided !== null) {
        for await (const event of trainReported(asked, decided, command)) {
          if (event.kind === "end") isDone = event.reason === "done";
          yield { kind: "training", event };
        }
        run = runResult(winnerFolder(folder));
      }
    } finally {
      machine.dispose();
    }
  }
  const whole: DesignResult = { ...result, run };
  const report = join(folder, "report.html");
  const page = reportPage(
    designReport({
      ...{ design: defined, result: whole, folder, command, hash: canonicalHash(defined.json) },
      curve: run === null ? undefined : runCurve(winnerFolder(folder)),
    }),
  );
  onDisk("write", report, () => {
    replaceFile(join(folder, "result.json"), `${JSON.stringify(whole, null, 1)}\n`);
    replaceFile(report, page);
  });
  yield { kind: "end", reason: isDone ? "done" : "interrupted", result: whole, report };
}
