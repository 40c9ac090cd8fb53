// A claim tested: each of its studies run, then the verdict and the page. Knows no command and no kind of study.
import { join } from "node:path";
import { makeFolder } from "../folders.ts";
import { reportPage } from "../report/page.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import type { Claim, ClaimStudyEvent, ClaimStudyOptions, Scale, StudiedClaim } from "./claim.ts";
import { writeRecord } from "./record.ts";
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

/** Errors: RequestError before anything is trained; WorkError as `runStudy`. */
export async function* reproduce(options: ReproduceOptions): AsyncGenerator<ReproduceEvent, void, undefined> {
  const { claim, scale = "small", folder, command = "reproduce()", ...others } = options;
  const studies: StudiedClaim[] = [];
  let reason: "done" | "interrupted" = "done";
  for (const { label, name, run } of claim.studies[scale]) {
    for await (const event of run({ ...others, command, folder: join(folder, name) })) {
      if (event.kind === "study") {
        yield event;
        continue;
      }
      studies.push({ label, ...event.studied });
      if (event.reason === "interrupted") reason = "interrupted";
    }
    if (reason === "interrupted") break;
  }
  const report = join(folder, "report.html");
  const page = reportPage(claimReport({ claim, scale, studies, command }));
  onDisk("write", report, () => {
    makeFolder(folder);
    writeRecord(folder, studies);
    replaceFile(report, page);
  });
  yield { kind: "end", reason, studies, report };
}
