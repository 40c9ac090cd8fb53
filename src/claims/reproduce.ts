// A claim tested: each of its studies run, then the verdict and the page. Knows no command.
import { join } from "node:path";
import type { BackendChoice } from "../backend/open.ts";
import type { DataFolders } from "../data/text.ts";
import { makeFolder } from "../folders.ts";
import { reportPage } from "../report/page.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import { prepareTrial } from "../trial/prepare.ts";
import { runTrial, type TrialEvent } from "../trial/trial.ts";
import type { Claim, Scale } from "./claim.ts";
import { judgeClaim } from "./judge.ts";
import { claimReport, type StudiedClaim } from "./report.ts";

/** A claim, how large it is tested and where. */
export interface ReproduceOptions {
  readonly claim: Claim;
  /** Default small. */
  readonly scale?: Scale | undefined;
  /** A folder for each study and the report are made in it; a call with the same goes on. */
  readonly folder: string;
  /** Text; default: the built-in language. */
  readonly data?: string | undefined;
  readonly dataFolder?: DataFolders | undefined;
  /** The first; default 1. */
  readonly seed?: number | undefined;
  readonly backend?: BackendChoice | undefined;
  readonly processes?: number | undefined;
  readonly threads?: number | undefined;
  readonly worker?: URL | undefined;
  /** As it is told in the report; default "reproduce()". */
  readonly command?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is told while a claim is tested. */
export type ReproduceEvent =
  | Extract<TrialEvent, { kind: "study" }>
  | {
      readonly kind: "end";
      /** `interrupted`: the same call goes on. */
      readonly reason: "done" | "interrupted";
      readonly studies: readonly StudiedClaim[];
      readonly report: string;
    };

/** Errors: RequestError before anything is trained; WorkError as `runStudy`. */
export async function* reproduce(options: ReproduceOptions): AsyncGenerator<ReproduceEvent, void, undefined> {
  const { claim, scale = "small", folder, data, seed, command = "reproduce()" } = options;
  const studies: StudiedClaim[] = [];
  let reason: "done" | "interrupted" = "done";
  for (const { label, input } of claim.studies[scale]) {
    const own = join(folder, input.name ?? claim.name);
    const asked = {
      ...input,
      ...(data === undefined ? {} : { data }),
      ...(seed === undefined ? {} : { firstSeed: seed }),
    };
    const { dataFolder, backend, processes, threads, signal, worker } = options;
    const { trial } = await prepareTrial({ input: asked, folder: own, dataFolder, backend, processes });
    for await (const event of runTrial({ trial, folder: own, threads, signal, worker, command })) {
      if (event.kind === "study") {
        yield event;
        continue;
      }
      studies.push({ label, result: event.result, verdict: judgeClaim(claim, event.result) });
      if (event.reason === "interrupted") reason = "interrupted";
    }
    if (reason === "interrupted") break;
  }
  const report = join(folder, "report.html");
  const page = reportPage(claimReport({ claim, scale, studies, command }));
  onDisk("write", report, () => {
    makeFolder(folder);
    replaceFile(report, page);
  });
  yield { kind: "end", reason, studies, report };
}
