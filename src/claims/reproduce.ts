// A claim tested: all of its studies prepared, each of them run, then the verdict and the page. Knows no command and no kind of
// study.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../folders.ts";
import { reportPage } from "../report/page.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import type {
  Claim,
  ClaimStudyEvent,
  ClaimStudyOptions,
  PreparedStudy,
  Scale,
  StudiedClaim,
} from "./claim.ts";
import { requireClaimFolder, writeRecord } from "./record.ts";
import { claimReport } from "./report.ts";

/** A claim, how large it is tested and where. */
export interface ReproduceOptions extends Omit<ClaimStudyOptions, "command"> {
  readonly claim: Claim;
  /** Default small. */
  readonly scale?: Scale | undefined;
  /** A folder for each study, the verdict and the report are made in it; a call with the same goes on. */
  readonly folder: string;
  /** As it is told in the report; default "reproduce()". */
  readonly command?: string | undefined;
}

/** What is told while a claim is tested. */
export type ReproduceEvent =
  | Extract<ClaimStudyEvent, { kind: "study" }>
  | {
      readonly kind: "end";
      /** `interrupted`: the same call goes on. */
      readonly reason: "done" | "interrupted";
      readonly studies: readonly StudiedClaim[];
      readonly report: string;
    };

/** A claim whose studies can be run. */
export interface PreparedClaim {
  readonly claim: Claim;
  readonly scale: Scale;
  readonly folder: string;
  readonly command: string;
  /** With the names of their folders. */
  readonly studies: readonly { readonly label: string; readonly name: string; readonly run: PreparedStudy }[];
}

/** Errors: RequestError before anything is trained; WorkError as `runStudy`. */
export async function* reproduce(options: ReproduceOptions): AsyncGenerator<ReproduceEvent, void, undefined> {
  yield* testClaim(await prepareClaim(options));
}

/** Every study of a claim before the first is run. Errors: RequestError for all that can be refused. */
export async function prepareClaim(options: ReproduceOptions): Promise<PreparedClaim> {
  const { claim, scale = "small", folder, command = "reproduce()", ...others } = options;
  requireClaimFolder(folder, { claim, scale });
  const studies: PreparedClaim["studies"][number][] = [];
  for (const { label, name, prepare } of claim.studies[scale]) {
    const run = await prepare({ ...others, command, folder: join(folder, name) });
    studies.push({ label, name, run });
  }
  return { claim, scale, folder, command, studies };
}

/** Errors: WorkError as `runStudy`. */
export async function* testClaim({
  claim,
  scale,
  folder,
  command,
  studies: prepared,
}: PreparedClaim): AsyncGenerator<ReproduceEvent, void, undefined> {
  const studies: StudiedClaim[] = [];
  let reason: "done" | "interrupted" = "done";
  for (const { label, name, run } of prepared) {
    const isOver = reason === "interrupted";
    // What is there of the others is told of, and none is begun.
    if (isOver && studies.length > 0 && !existsSync(join(folder, name))) continue;
    for await (const event of run()) {
      if (event.kind === "study") {
        if (!isOver) yield event;
        continue;
      }
      studies.push({ label, ...event.studied });
      if (event.reason === "interrupted") reason = "interrupted";
    }
  }
  const report = join(folder, "report.html");
  const page = reportPage(claimReport({ claim, scale, studies, command }));
  onDisk("write", report, () => {
    makeFolder(folder);
    writeRecord(folder, { claim, scale }, studies);
    replaceFile(report, page);
  });
  yield { kind: "end", reason, studies, report };
}
