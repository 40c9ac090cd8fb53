// Finds text by FILE, DIR, GLOB, URL or NAME. Knows nothing of tokens; what it cannot find it says in one line.

import { type Dirent, type Stats, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { glob, isDynamicPattern } from "tinyglobby";
import { RequestError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { Document, TextData } from "./document.ts";
import { damagedSet, missingSet } from "./named/missing.ts";
import type { NamedDataset } from "./named/namedDataset.ts";
import { fileSha256 } from "./named/sink.ts";
import { findDataset } from "./named/state.ts";
import { namedDataset, namedDatasets } from "./named/table.ts";
import type { StoredFile } from "./named/unpack.ts";
import { fetchDocument, type ReadOptions, readFileDocument, reason } from "./readText.ts";
import { characterStart } from "./split.ts";

/** A folder of data sets, or several that are looked into in this order. */
export type DataFolders = string | readonly string[];

export interface TextRequest {
  /** FILE (also .gz), DIR, GLOB, http(s) URL, or the NAME of a folder in `dataFolder`; tried in this order. */
  data: string;
  /** The folder of data sets, or several; undefined where the user has none. */
  dataFolder?: DataFolders | undefined;
  /** Accept any bytes instead of UTF-8 text alone; default false. */
  binary?: boolean;
}

/**
 * Loads text. A folder, by path or by name, is read so: `input.txt` alone if there is one; else `train.txt`, with
 * `val*.txt` beside it as a ready-made validation split; else every .txt file in it and below, sorted by path. Each
 * may be packed (`.txt.gz`). Errors: RequestError for anything missing, unreadable, empty or not text.
 */
export async function loadText(request: TextRequest): Promise<TextData> {
  const { data, dataFolder } = request;
  const options: ReadOptions = { binary: request.binary ?? false };
  if (data.trim() === "") {
    throw new RequestError(
      "data: expected FILE, DIR, GLOB, URL or NAME, got an empty string; name some text",
    );
  }
  return requireContent(await find());

  async function find(): Promise<TextData> {
    if (/^https?:\/\//.test(data)) return whole(data, [await fetchDocument(data, options)]);
    const entry = status(data);
    if (entry?.isDirectory()) return readFolder(data, basename(data), options);
    if (entry) return whole(basename(data), [await readFileDocument(data, options)]);
    if (isDynamicPattern(data)) return readGlob(data, options);
    const looksLikeName = !/[/\\.]/.test(data);
    const folders = foldersOf(dataFolder);
    if (looksLikeName && folders.length > 0) return readNamed(data, folders, options);
    throw new RequestError(
      `data: ${data} does not exist; expected a file, folder, glob${looksLikeName ? "," : " or"} http(s) address` +
        (looksLikeName
          ? " or a data set's name, for which SCANTLING_DATA must name the folder of data sets"
          : "; check the path"),
    );
  }
}

function foldersOf(dataFolder: DataFolders | undefined): readonly string[] {
  return typeof dataFolder === "string" ? [dataFolder] : (dataFolder ?? []);
}

/** A data set by its name: a folder of the user's own, or one of the table wherever it is. */
async function readNamed(name: string, folders: readonly string[], options: ReadOptions): Promise<TextData> {
  const known = namedDataset(name);
  if (known?.kind === "images") {
    throw new RequestError(
      `data: ${name} is a set of images; expected text, scantling data lists what there is`,
    );
  }
  if (known === undefined) {
    const folder = folders.map((each) => join(each, name)).find((each) => status(each)?.isDirectory());
    if (folder === undefined) throw await unknownName(name, folders);
    return readFolder(folder, name, options);
  }
  const { folder, state } = findDataset(known, folders);
  switch (state.kind) {
    case "fetched":
      await requireUnchanged(name, folder, state.files);
      return splitAsPublished(known, await readFolder(folder, name, options), options);
    case "present":
    case "other":
      return splitAsPublished(known, await readFolder(folder, name, options), options);
    case "damaged":
      throw damagedSet(name, folder, state.why);
    case "partial":
    case "absent":
      throw missingSet(known, folders);
  }
}

/** Errors: RequestError where a file is no longer the one that was fetched. */
async function requireUnchanged(name: string, folder: string, files: readonly StoredFile[]): Promise<void> {
  for (const { file, sha256 } of files) {
    if ((await fileSha256(join(folder, file))) === sha256) continue;
    throw damagedSet(name, folder, `the SHA-256 of ${file} is not what it was when it was fetched`);
  }
}

/** Cuts the one document of a set where everybody cuts it; the test part at its end is left out. */
function splitAsPublished({ split }: NamedDataset, data: TextData, { binary }: ReadOptions): TextData {
  if (split === undefined || data.kind !== "whole" || data.documents.length !== 1) return data;
  const { name, bytes } = data.documents[0]!;
  const { training, validation, test } = split;
  if (bytes.length !== training + validation + test) return data;
  // Text must not be cut inside a character; bytes are cut as published.
  const [first, second] = [training, training + validation].map((at) =>
    binary ? at : characterStart(bytes, at),
  );
  return {
    kind: "split",
    name: data.name,
    training: [{ name, bytes: bytes.subarray(0, first) }],
    validation: [{ name, bytes: bytes.subarray(first, second) }],
  };
}

function status(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new RequestError(`data: cannot read ${path}: ${reason(error)}; expected a readable file or folder`);
  }
}

function whole(name: string, documents: Document[]): TextData {
  return { kind: "whole", name, documents };
}

async function readFolder(folder: string, name: string, options: ReadOptions): Promise<TextData> {
  const read = (files: readonly string[]): Promise<Document[]> =>
    Promise.all(files.map((file) => readFileDocument(join(folder, file), options)));
  const entries = await list(folder);
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  const input = files.filter((file) => /^input\.txt(\.gz)?$/.test(file)).sort();
  if (input.length > 0) return whole(name, await read(input.slice(0, 1)));
  const training = files.filter((file) => /^train\.txt(\.gz)?$/.test(file)).sort();
  const validation = files.filter((file) => /^val.*\.txt(\.gz)?$/.test(file)).sort();
  if (training.length > 0) {
    const documents = await read(training.slice(0, 1));
    if (validation.length === 0) return whole(name, documents);
    return { kind: "split", name, training: documents, validation: await read(validation) };
  }
  const found = await glob(["**/*.txt", "**/*.txt.gz"], { cwd: folder });
  if (found.length === 0) {
    throw new RequestError(
      `data: the folder ${folder} holds no .txt or .txt.gz file; name another folder, or a glob for other files`,
    );
  }
  return whole(name, await read(found.sort()));
}

async function readGlob(pattern: string, options: ReadOptions): Promise<TextData> {
  const found = await glob(pattern, { expandDirectories: false });
  if (found.length === 0) {
    throw new RequestError(
      `data: no file matches ${pattern}; expected a glob that matches at least one file, quote it for the shell`,
    );
  }
  return whole(pattern, await Promise.all(found.sort().map((file) => readFileDocument(file, options))));
}

/** Drops empty documents; RequestError where nothing is left. */
function requireContent(data: TextData): TextData {
  const filled = (documents: Document[]): Document[] => {
    const kept = documents.filter((document) => document.bytes.length > 0);
    if (kept.length > 0) return kept;
    const names = documents.map((document) => document.name).join(", ");
    throw new RequestError(`data: ${names} is empty; expected some text, name another file`);
  };
  if (data.kind === "whole") return { ...data, documents: filled(data.documents) };
  return { ...data, training: filled(data.training), validation: filled(data.validation) };
}

async function unknownName(name: string, folders: readonly string[]): Promise<RequestError> {
  const own: string[] = [];
  for (const dataFolder of folders) {
    for (const folder of await subfolders(dataFolder)) {
      const files = await list(join(dataFolder, folder));
      if (files.some((file) => /\.txt(\.gz)?$/.test(file.name))) own.push(folder);
    }
  }
  const published = namedDatasets.filter(({ kind }) => kind === "text").map((dataset) => dataset.name);
  const names = [...new Set([...own, ...published])].sort();
  const guess = nearest(name, names);
  const places = folders.map((folder) => (status(folder) ? folder : `${folder}, which does not exist`));
  return new RequestError(
    `data: no file, folder or data set is called ${name} (looked in ${places.join(" and ")}); expected one of ` +
      names.join(", ") +
      (guess === null ? "" : `; did you mean ${guess}?`),
  );
}

/** Names of the folders in a folder; none where it does not exist. */
async function subfolders(folder: string): Promise<string[]> {
  if (status(folder) === undefined) return [];
  return (await list(folder)).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

async function list(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    throw new RequestError(`data: cannot read the folder ${folder}; check that it exists and may be read`);
  }
}
