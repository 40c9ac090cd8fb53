// All claims tested, one after the other, and one page of all. Knows no command.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { RequestError } from "../errors.ts";
import { makeFolder } from "../folders.ts";
import { reportPage } from "../report/page.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import type { Claim, StudiedClaim } from "./claim.ts";
import { claims as allClaims } from "./claims.ts";
import { claimsReport, type StudiedText } from "./overview.ts";
import {
  type PreparedClaim,
  prepareClaim,
  type ReproduceEvent,
  type ReproduceOptions,
  testClaim,
} from "./reproduce.ts";

/** A claim and what its studies say. */
export interface TestedClaim extends StudiedText {
  readonly claim: Claim;
  /** Path of its own page; null where the claim was refused. */
  readonly report: string | null;
  /** Why it was refused; null where it was not. */
  readonly refusal: string | null;
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

export interface ReproduceAllOptions extends Omit<ReproduceOptions, "claim"> {
  /** Default: all there are. */
  readonly claims?: readonly Claim[] | undefined;
}

/**
 * Every claim in a folder of its own, all prepared before the first is run. One that is refused is told of on the page in its place;
 * the page is written after each claim.
 * Errors: RequestError, before anything is trained, where every claim is refused that the data are for; WorkError as `runStudy`.
 */
export async function* reproduceAll(
  options: ReproduceAllOptions,
): AsyncGenerator<ReproduceAllEvent, void, undefined> {
  const { folder, scale = "small", command = "reproduceAll()" } = options;
  const asked = await prepareAll(options);
  const tested: TestedClaim[] = [];
  let isInterrupted = false;
  const report = join(folder, "report.html");
  for (const { claim, prepared } of asked) {
    const isOver = isInterrupted;
    if (prepared instanceof RequestError) {
      tested.push({ claim, studies: [refused(prepared)], report: null, refusal: prepared.message });
    } else {
      // What is there of the others is told of, and none is begun.
      if (isOver && !existsSync(prepared.folder)) continue;
      for await (const event of testClaim(prepared)) {
        if (event.kind === "study") {
          if (!isOver) yield event;
          continue;
        }
        tested.push({ claim, studies: event.studies, report: event.report, refusal: null });
        isInterrupted ||= event.reason === "interrupted";
      }
    }
    // Whatever comes of the next claim.
    onDisk("write", report, () => {
      makeFolder(folder);
      replaceFile(report, reportPage(claimsReport(tested, scale, command)));
    });
  }
  yield { kind: "end", reason: isInterrupted ? "interrupted" : "done", claims: tested, report };
}

/** A claim on the data that it can take, or why it cannot be tested. */
interface Asked {
  readonly claim: Claim;
  readonly data: string | undefined;
  readonly prepared: PreparedClaim | RequestError;
}

async function prepareAll({ claims = allClaims, ...options }: ReproduceAllOptions): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (const claim of claims) {
    const data = dataFor(claim, options);
    const own = { ...options, claim, data, folder: join(options.folder, claim.name) };
    asked.push({ claim, data, prepared: await prepareClaim(own).catch(refusalOf) });
  }
  // A request that none of those it is about can follow is wrong, though others have what is built in.
  const about = asked.filter(({ data }) => data === options.data);
  const refusals = about.flatMap(({ prepared }) => (prepared instanceof RequestError ? [prepared] : []));
  if (refusals.length > 0 && refusals.length === about.length) throw refusals[0]!;
  return asked;
}

function refusalOf(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  throw error;
}

/** Text is no data of a claim of images, nor images of one of text: that one is tested on what is built in. */
function dataFor(
  { studies }: Claim,
  { data, dataFolder, scale = "small" }: Omit<ReproduceAllOptions, "claims">,
): string | undefined {
  if (data === undefined) return undefined;
  return studies[scale].every((study) => study.takes(data, dataFolder)) ? data : undefined;
}

/** In the place of its studies. */
function refused({ message }: RequestError): StudiedClaim {
  return {
    ...{ label: "not tested", finished: false, runs: 0 },
    verdict: { judgement: "not decidable at this scale", expectations: [] },
    notes: [`Not tested: ${message}.`],
    ...{ lines: [], verdicts: [], sections: [], result: { refused: message } },
  };
}
