// All claims tested, one after the other, and one page of all. Knows no command.
import { join } from "node:path";
import { makeFolder } from "../folders.ts";
import { reportPage } from "../report/page.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import type { Claim, StudiedClaim } from "./claim.ts";
import { claims } from "./claims.ts";
import { claimsReport } from "./report.ts";
import { type ReproduceEvent, type ReproduceOptions, reproduce } from "./reproduce.ts";

/** A claim and what its studies say. */
export interface TestedClaim {
  readonly claim: Claim;
  readonly studies: readonly StudiedClaim[];
  /** Path of its own page. */
  readonly report: string;
}

/** What is told while all claims are tested. */
export type ReproduceAllEvent =
  | Extract<ReproduceEvent, { kind: "study" }>
  | {
      readonly kind: "end";
      readonly reason: "done" | "interrupted";
      readonly claims: readonly TestedClaim[];
      /** Path of the page of all. */
      readonly report: string;
    };

/** Text is no data of a claim of images, nor images of one of text: that one is tested on what is built in. */
function dataFor(
  { studies }: Claim,
  { data, dataFolder, scale = "small" }: Omit<ReproduceOptions, "claim">,
): string | undefined {
  if (data === undefined) return undefined;
  return studies[scale].every((study) => study.takes(data, dataFolder)) ? data : undefined;
}

/** Every claim in a folder of its own. Errors: as `reproduce`. */
export async function* reproduceAll(
  options: Omit<ReproduceOptions, "claim">,
): AsyncGenerator<ReproduceAllEvent, void, undefined> {
  const { folder, scale = "small", command = "reproduceAll()" } = options;
  const tested: TestedClaim[] = [];
  let reason: "done" | "interrupted" = "done";
  for (const claim of claims) {
    const data = dataFor(claim, options);
    for await (const event of reproduce({ ...options, claim, data, folder: join(folder, claim.name) })) {
      if (event.kind === "study") {
        yield event;
        continue;
      }
      tested.push({ claim, studies: event.studies, report: event.report });
      reason = event.reason;
    }
    if (reason === "interrupted") break;
  }
  const report = join(folder, "report.html");
  onDisk("write", report, () => {
    makeFolder(folder);
    replaceFile(report, reportPage(claimsReport(tested, scale, command)));
  });
  yield { kind: "end", reason, claims: tested, report };
}
