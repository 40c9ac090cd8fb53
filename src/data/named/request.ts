// One request for the rest of a file: what came, and if not all came, why. Knows nothing of retries or checksums.

import { WorkError } from "../../errors.ts";
import { reason } from "../readText.ts";
import type { Partial } from "./partial.ts";
import { openSink, type Sink } from "./sink.ts";

export interface FileRequest {
  /** For the news. */
  readonly file: string;
  readonly url: string;
  /** The file's exact size; a byte more is not accepted. */
  readonly bytes: number;
  readonly partial: Partial;
  /** Milliseconds without a byte after which an answer is given up. */
  readonly stall: number;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes have come. */
export interface DownloadProgress {
  readonly kind: "progress";
  readonly file: string;
  /** Bytes there so far. */
  readonly received: number;
  readonly bytes: number;
}

/** `refused`: no use to ask there again. `interrupted`: it may go on, after `wait` seconds if the server says so. */
export type FileFailure =
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "interrupted"; readonly reason: string; readonly wait: number | null };

export type FileOutcome = FileFailure | { readonly kind: "complete" } | { readonly kind: "aborted" };

/** Bytes between two pieces of news. */
const NEWS = 2 ** 20;
const LONGEST_WAIT = 60;
/** Answers that a server gives when it is the moment that is wrong. */
const PASSING = new Set([408, 425, 429]);

/** Appends to the partial file what the address gives. */
export async function* requestFile(request: FileRequest): AsyncGenerator<DownloadProgress, FileOutcome> {
  const { url, signal, stall } = request;
  const stalled = new AbortController();
  const either = signal === undefined ? stalled.signal : AbortSignal.any([signal, stalled.signal]);
  let timer: NodeJS.Timeout | undefined;
  const watch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => stalled.abort(), stall);
  };
  const rest = (): void => clearTimeout(timer);
  try {
    watch();
    const response = await fetch(url, { headers: headersOf(request), signal: either });
    const begun = begin(request, response);
    if (typeof begun !== "number") {
      await response.body?.cancel();
      return begun;
    }
    return yield* receive(request, response, begun, { watch, rest });
  } catch (error) {
    if (error instanceof WorkError) throw error;
    if (signal?.aborted) return { kind: "aborted" };
    const why = stalled.signal.aborted ? `nothing came for ${stall / 1000} s` : reason(error);
    return interrupted(why);
  } finally {
    rest();
    stalled.abort();
  }
}

function headersOf({ url, partial }: FileRequest): Record<string, string> {
  const have = partial.size();
  // Offsets are of the file's own bytes, so nothing may be packed on the way.
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (have === 0) return headers;
  const source = partial.source();
  const unchanged = source?.url === url && source.etag !== null ? { "if-range": source.etag } : {};
  return { ...headers, range: `bytes=${have}-`, ...unchanged };
}

/** Where in the file the answer begins, or why it is of no use. */
function begin({ url, bytes, partial }: FileRequest, response: Response): number | FileOutcome {
  const { status, headers } = response;
  if (status === 416) {
    partial.clear();
    return interrupted("it has nothing from there on; starting anew");
  }
  if (status !== 200 && status !== 206) return unwilling(response);
  const packed = headers.get("content-encoding");
  if (packed !== null && packed !== "identity") return refused(`it answers packed (${packed})`);
  const tag = headers.get("etag");
  // A weak tag does not vouch for bytes.
  const source = { url, etag: tag !== null && !tag.startsWith("W/") ? tag : null };
  if (status === 200) {
    const length = headers.get("content-length");
    if (length !== null && Number(length) !== bytes) return otherSize(Number(length), bytes);
    partial.clear();
    partial.setSource(source);
    return 0;
  }
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  const have = partial.size();
  if (range === null || Number(range[1]) !== have) {
    partial.clear();
    return interrupted("it answers with another part than was asked for; starting anew");
  }
  if (range[2] !== "*" && Number(range[2]) !== bytes) return otherSize(Number(range[2]), bytes);
  partial.setSource(source);
  return have;
}

function unwilling({ status, statusText, headers }: Response): FileOutcome {
  const answer = `the server answered ${status} ${statusText}`.trim();
  if (status < 500 && !PASSING.has(status)) return refused(answer);
  const wait = Number(headers.get("retry-after") ?? Number.NaN);
  return { ...interrupted(answer), wait: wait >= 0 ? Math.min(wait, LONGEST_WAIT) : null };
}

async function* receive(
  { file, bytes, partial }: FileRequest,
  response: Response,
  from: number,
  { watch, rest }: { watch: () => void; rest: () => void },
): AsyncGenerator<DownloadProgress, FileOutcome> {
  const sink: Sink = openSink(partial.path, from);
  try {
    let told = from;
    for await (const piece of response.body ?? []) {
      rest();
      if (sink.bytes + piece.length > bytes) {
        sink.close();
        partial.clear();
        return refused(`it sends more than the ${bytes} bytes that the file has`);
      }
      sink.write(piece);
      if (sink.bytes - told >= NEWS) {
        told = sink.bytes;
        yield { kind: "progress", file, received: told, bytes };
      }
      watch();
    }
    if (sink.bytes < bytes) return interrupted(`it ended after ${sink.bytes} of ${bytes} bytes`);
    sink.finish();
    yield { kind: "progress", file, received: bytes, bytes };
    return { kind: "complete" };
  } finally {
    sink.close();
  }
}

function refused(why: string): FileOutcome {
  return { kind: "refused", reason: why };
}

function interrupted(why: string): FileOutcome & { kind: "interrupted" } {
  return { kind: "interrupted", reason: why, wait: null };
}

function otherSize(there: number, bytes: number): FileOutcome {
  return refused(`its file has ${there} bytes; expected ${bytes}`);
}
