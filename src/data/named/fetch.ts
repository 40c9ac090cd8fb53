// Brings a named data set here: space, download, checksum, unpacking, and a record of what lies there. Knows no training.

import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RequestError, WorkError } from "../../errors.ts";
import { freeBytes } from "../../folders.ts";
import { reason } from "../readText.ts";
import { type DownloadEvent, defaultPatience, downloadFile, type Patience } from "./download.ts";
import { writableFolder } from "./folders.ts";
import { type Download, exactBytes, type NamedDataset } from "./namedDataset.ts";
import { keptBytes } from "./partial.ts";
import { fileSha256 } from "./sink.ts";
import { datasetState, describeFetched, recordName } from "./state.ts";
import { requireNamed } from "./table.ts";
import { type StoredFile, unpack } from "./unpack.ts";

/** Which data set to fetch, and where it goes. */
export interface FetchOptions {
  /** One of the table, by its name, or any other. */
  readonly dataset: string | NamedDataset;
  /** Folders of data sets, e.g. of `dataFolders`; the first that can be written is used. */
  readonly folders: readonly string[];
  /** An address under which the files lie by their names, asked instead of the published ones. */
  readonly from?: string | undefined;
  /** Replace files that are in the way or were fetched before. */
  readonly force?: boolean | undefined;
  /** Abort: what has come is kept, and the next call goes on from there. */
  readonly signal?: AbortSignal | undefined;
  readonly patience?: Partial<Patience> | undefined;
  /** Bytes free where a folder lies, null where nobody knows; default: what the system says. */
  readonly freeBytes?: ((folder: string) => number | null) | undefined;
}

/** What `fetchDataset` yields, told apart by `kind`. */
export type FetchEvent =
  | { readonly kind: "start"; readonly folder: string; readonly bytes: number }
  | DownloadEvent
  | { readonly kind: "unpack"; readonly file: string }
  | FetchEnd;

/** The data set is there, or the fetch was aborted. */
export interface FetchEnd {
  readonly kind: "end";
  /** `present`: nothing had to be fetched; every checksum was computed again. */
  readonly reason: "done" | "present" | "aborted";
  readonly folder: string;
  /** As they lie there now; empty where aborted. */
  readonly files: readonly StoredFile[];
}

/**
 * Fetches a data set into its folder, or checks the one that is there. An archive that was put there by hand is used
 * instead of fetching it. Several processes may do this at once: each file appears whole, checked, by one rename.
 * Errors: RequestError where no folder can be written or other files are in the way; WorkError for too little space, for
 * addresses that do not give the file, for wrong bytes (never used, never kept) and damaged archives.
 */
export async function* fetchDataset(options: FetchOptions): AsyncGenerator<FetchEvent, void, undefined> {
  const { folders, signal, force = false } = options;
  requireAddress(options.from);
  const dataset = typeof options.dataset === "string" ? requireNamed(options.dataset) : options.dataset;
  const end = (reason_: FetchEnd["reason"], folder: string, files: readonly StoredFile[]): FetchEnd => ({
    kind: "end",
    reason: reason_,
    folder,
    files,
  });
  let folder = "";
  try {
    if (!force) {
      for (const place of folders.map((each) => join(each, dataset.name))) {
        const files = await verified(dataset, place, signal);
        if (files !== undefined) return yield end("present", place, files);
      }
    }
    folder = writableFolder(folders, dataset.name);
    requireSpace(dataset, folder, options.freeBytes ?? freeBytes);
    yield { kind: "start", folder, bytes: missingBytes(dataset, folder) };
    const files: StoredFile[] = [];
    const spent: string[] = [];
    for (const download of dataset.downloads) {
      const stored = yield* bring(download, folder, { ...options, dataset }, spent);
      if (stored === undefined) return yield end("aborted", folder, []);
      files.push(...stored);
    }
    placeRecord(folder, dataset.name, files);
    for (const archive of spent) rmSync(archive, { force: true });
    yield end("done", folder, files);
  } catch (error) {
    if (!signal?.aborted) throw error;
    yield end("aborted", folder, []);
  }
}

function requireAddress(from: string | undefined): void {
  if (from === undefined || (/^https?:\/\//.test(from) && URL.canParse(from))) return;
  throw new RequestError(`data: ${from} is no address; expected one that begins with http:// or https://`);
}

/** The files of a data set that is there and right; undefined where it must be fetched. */
async function verified(
  dataset: NamedDataset,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<readonly StoredFile[] | undefined> {
  const state = datasetState(dataset, folder);
  if (state.kind === "fetched") {
    for (const { file, sha256 } of state.files) {
      if ((await fileSha256(join(folder, file), signal)) !== sha256) return undefined;
    }
    return state.files;
  }
  if (state.kind !== "present") return undefined;
  const files: StoredFile[] = [];
  for (const expected of dataset.downloads.flatMap(finalFiles)) {
    const path = join(folder, expected.file);
    if (expected.sha256 === undefined || (await fileSha256(path, signal)) !== expected.sha256) {
      throw inTheWay(path, expected.sha256);
    }
    files.push({ file: expected.file, bytes: statSync(path).size, sha256: expected.sha256 });
  }
  return files;
}

/** The files that a download leaves, each with its SHA-256 where that is known beforehand. */
function finalFiles({ file, sha256, unpack: packed }: Download): { file: string; sha256?: string }[] {
  return packed === undefined ? [{ file, sha256 }] : [...packed.files];
}

function inTheWay(path: string, expected: string | undefined): RequestError {
  const why = expected === undefined ? "nothing vouches for it" : `its SHA-256 is not ${expected}`;
  return new RequestError(
    `data: ${path} is there and ${why}; use it by its path, move it away, fetch elsewhere with --out, or replace it ` +
      "with --force",
  );
}

async function isRight(
  path: string,
  { bytes, sha256 }: Pick<Download, "bytes" | "sha256">,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const status = statSync(path, { throwIfNoEntry: false });
  return status?.size === bytes && (await fileSha256(path, signal)) === sha256;
}

/**
 * One file of the table, ready to be used; undefined when the signal came first. Archives that were fetched and are of no
 * more use are added to `spent`.
 */
async function* bring(
  download: Download,
  folder: string,
  { dataset, from, force = false, signal, patience }: FetchOptions & { readonly dataset: NamedDataset },
  spent: string[],
): AsyncGenerator<FetchEvent, readonly StoredFile[] | undefined> {
  const path = join(folder, download.file);
  const { file, bytes, sha256, unpack: packed } = download;
  if (!(await isRight(path, download, signal))) {
    // What was fetched before may be replaced without asking.
    const isFetched = ["fetched", "damaged"].includes(datasetState(dataset, folder).kind);
    if (existsSync(path) && !force && !isFetched) throw inTheWay(path, sha256);
    const urls = from === undefined ? download.urls : [`${from.replace(/\/+$/, "")}/${file}`];
    const whole = { ...defaultPatience, ...patience };
    if (
      !(yield* downloadFile({ folder, download: { file, urls, bytes, sha256 }, patience: whole, signal }))
    ) {
      return undefined;
    }
    if (packed !== undefined) spent.push(path);
  }
  if (packed === undefined) return [{ file, bytes, sha256 }];
  yield { kind: "unpack", file };
  try {
    return await unpackInto(path, packed, folder, signal);
  } catch (error) {
    // Another process may have done all of it meanwhile, and removed the archive.
    const state = datasetState(dataset, folder);
    if (existsSync(path) || state.kind !== "fetched") throw error;
    return packed.files.map((each) => state.files.find((stored) => stored.file === each.file)!);
  }
}

/** Unpacks aside and moves every file into its place. */
async function unpackInto(
  archive: string,
  packed: NonNullable<Download["unpack"]>,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<StoredFile[]> {
  const aside = onDisk(folder, () => mkdtempSync(join(folder, ".unpacking-")));
  try {
    const stored = await unpack(archive, packed, aside, signal);
    for (const { file } of stored) onDisk(folder, () => renameSync(join(aside, file), join(folder, file)));
    return stored;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function placeRecord(folder: string, name: string, files: readonly StoredFile[]): void {
  onDisk(folder, () => {
    const aside = mkdtempSync(join(folder, ".unpacking-"));
    try {
      writeFileSync(join(aside, recordName), describeFetched(name, files));
      renameSync(join(aside, recordName), join(folder, recordName));
    } finally {
      rmSync(aside, { recursive: true, force: true });
    }
  });
}

function onDisk<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new WorkError(`data: cannot write to ${folder}: ${reason(error)}`);
  }
}

/** Bytes still to come over the network. */
function missingBytes({ downloads }: NamedDataset, folder: string): number {
  return downloads.reduce((total, { file, bytes }) => {
    const there = statSync(join(folder, file), { throwIfNoEntry: false })?.size === bytes;
    return there ? total : total + bytes - Math.min(bytes, keptBytes(folder, file));
  }, 0);
}

function requireSpace(
  dataset: NamedDataset,
  folder: string,
  freeBytesOf: (folder: string) => number | null,
): void {
  const unpacked = dataset.downloads.flatMap(({ unpack: packed }) => packed?.files ?? []);
  const needed = missingBytes(dataset, folder) + unpacked.reduce((total, { atMost }) => total + atMost, 0);
  const free = freeBytesOf(folder);
  if (free === null || needed <= free) return;
  throw new WorkError(
    `data: ${dataset.name} needs up to ${exactBytes(needed)} in ${folder}, where ${exactBytes(free)} are free; free some ` +
      "space, or choose another folder with --out",
  );
}
