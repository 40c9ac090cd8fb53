// One file from any of its addresses, resumed, checked and only then put in its place. Knows no archives.

import { renameSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { WorkError } from "../../errors.ts";
import { reason } from "../readText.ts";
import type { Download } from "./namedDataset.ts";
import { claimPartial, type Partial } from "./partial.ts";
import { type DownloadProgress, type FileFailure, type FileOutcome, requestFile } from "./request.ts";
import { fileSha256 } from "./sink.ts";

/** How patient a download is. */
export interface Patience {
  /** Milliseconds without a byte after which a connection is given up; default 60,000. */
  readonly stall: number;
  /** Milliseconds before the first repetition, doubled each time up to 16 times as much; default 500. */
  readonly pause: number;
  /** Fruitless tries in a row, for each address, after which it fails; default 4. */
  readonly tries: number;
}

export const defaultPatience: Patience = { stall: 60_000, pause: 500, tries: 4 };

/** A try has failed; the next follows after `seconds`, or from another address. */
export interface DownloadTrouble {
  readonly kind: "trouble";
  readonly file: string;
  readonly url: string;
  readonly reason: string;
  readonly seconds: number;
}

/** What a download tells while it goes. */
export type DownloadEvent = DownloadProgress | DownloadTrouble;

export interface DownloadRequest {
  /** Where the file goes. */
  readonly folder: string;
  readonly download: Pick<Download, "file" | "urls" | "bytes" | "sha256">;
  readonly patience: Patience;
  readonly signal?: AbortSignal | undefined;
}

/** What counts as getting on: a server that gives less before it breaks off is as good as none. */
const WORTHWHILE = 2 ** 16;

/**
 * Fetches a file; true when it is in its place, false when the signal came first. What has come is kept for the next
 * call, except bytes that turn out to be wrong.
 * Errors: WorkError where no address gives the file (each with its reason) or the disk refuses.
 */
export async function* downloadFile(request: DownloadRequest): AsyncGenerator<DownloadEvent, boolean> {
  const { folder, download, signal } = request;
  const partial = claimPartial(folder, download.file);
  let placed = false;
  try {
    if (!(yield* fill(partial, request))) return false;
    signal?.throwIfAborted();
    const path = join(folder, download.file);
    try {
      renameSync(partial.path, path);
    } catch (error) {
      throw new WorkError(`data: cannot write ${path}: ${reason(error)}`);
    }
    placed = true;
    return true;
  } catch (error) {
    if (signal?.aborted) return false;
    throw error;
  } finally {
    if (placed) partial.remove();
    else partial.release();
  }
}

/** Completes the partial file until its checksum is right. False: aborted. */
async function* fill(partial: Partial, request: DownloadRequest): AsyncGenerator<DownloadEvent, boolean> {
  const { download, patience, signal } = request;
  const { file, urls, bytes, sha256 } = download;
  const open = new Map(urls.map((url) => [url, "not asked yet"]));
  const refusals: string[] = [];
  let fruitless = 0;
  let turn = 0;
  while (open.size > 0 && fruitless < patience.tries * open.size) {
    const url = [...open.keys()][turn % open.size]!;
    const before = partial.size();
    // A killed process may have left all of it.
    let outcome: FileOutcome =
      before === bytes
        ? { kind: "complete" }
        : yield* requestFile({ file, url, bytes, partial, stall: patience.stall, signal });
    if (outcome.kind === "aborted") return false;
    if (outcome.kind === "complete") {
      const found = await fileSha256(partial.path, signal);
      if (found === sha256) return true;
      partial.clear();
      outcome = wrongBytes(found, sha256, before);
    }
    if (outcome.kind === "refused") {
      open.delete(url);
      refusals.push(`${url}: ${outcome.reason}`);
      yield { kind: "trouble", file, url, reason: outcome.reason, seconds: 0 };
      continue;
    }
    open.set(url, outcome.reason);
    if (partial.size() - before >= WORTHWHILE) fruitless = 0;
    else {
      fruitless++;
      turn++;
    }
    const again = fruitless < patience.tries * open.size;
    const doubled = (patience.pause * 2 ** Math.min(4, Math.max(0, fruitless - 1))) / 1000;
    const seconds = again ? (outcome.wait ?? doubled) : 0;
    yield { kind: "trouble", file, url, reason: outcome.reason, seconds };
    if (seconds > 0) await sleep(1000 * seconds, undefined, { signal });
  }
  const reasons = [...refusals, ...[...open].map(([url, why]) => `${url}: ${why}`)].join("; ");
  const kept = partial.size();
  throw new WorkError(
    `data: cannot fetch ${file}: ${reasons}; ` +
      (kept > 0
        ? `the first ${kept} bytes are kept, give the command again to go on`
        : "check the network and try again, or bring the file from elsewhere"),
  );
}

/** Bytes put together in several goes may be of different files; those of one answer are what the address has. */
function wrongBytes(found: string, expected: string, before: number): FileFailure {
  const why = `its file is not the published one, the SHA-256 is ${found}; expected ${expected}`;
  return before === 0
    ? { kind: "refused", reason: why }
    : { kind: "interrupted", reason: `${why}; starting anew`, wait: null };
}
