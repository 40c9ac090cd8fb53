// What of a named data set is in a folder. Knows no network and changes nothing.
//
// A fetched set has `fetched.json` beside its files: their sizes and SHA-256 after they were verified and unpacked. Files
// that were put there by hand have none and are taken as they are.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { largest, readInputFile } from "../../inputFile.ts";
import { parseJson } from "../../json.ts";
import { filesOf, type NamedDataset } from "./namedDataset.ts";
import { keptBytes } from "./partial.ts";
import type { StoredFile } from "./unpack.ts";

export const recordName = "fetched.json";

const recordSchema = z.strictObject({
  format: z.literal("scantling data 1"),
  name: z.string(),
  files: z.array(
    z.strictObject({ file: z.string(), bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
});

/** The content of `fetched.json`. */
export function describeFetched(name: string, files: readonly StoredFile[]): string {
  return `${JSON.stringify({ format: "scantling data 1", name, files }, null, 2)}\n`;
}

/** What is there of a data set. */
export type DatasetState =
  /** Fetched, and every file has the size it was verified with. */
  | { readonly kind: "fetched"; readonly files: readonly StoredFile[] }
  /** All its files are there, put there by somebody. */
  | { readonly kind: "present" }
  /** Fetched once, but no longer what it was. */
  | { readonly kind: "damaged"; readonly why: string }
  /** Some bytes have come. */
  | { readonly kind: "partial"; readonly bytes: number }
  /** Other files are there under its name. */
  | { readonly kind: "other" }
  | { readonly kind: "absent" };

/** @param folder of this data set */
export function datasetState(dataset: NamedDataset, folder: string): DatasetState {
  const record = readRecord(folder);
  if (record !== undefined) {
    const wrong = filesOf(dataset)
      .map((file) => [file, record.find((stored) => stored.file === file)?.bytes] as const)
      .find(([file, bytes]) => sizeOf(join(folder, file)) !== bytes);
    if (wrong === undefined) return { kind: "fetched", files: record };
    const [file, bytes] = wrong;
    const there = sizeOf(join(folder, file));
    return {
      kind: "damaged",
      why: `${file} ${there === undefined ? "is missing" : `has ${there} bytes; expected ${bytes}`}`,
    };
  }
  if (filesOf(dataset).every((file) => sizeOf(join(folder, file)) !== undefined)) return { kind: "present" };
  const bytes = dataset.downloads.reduce(
    (total, { file }) => total + Math.max(keptBytes(folder, file), sizeOf(join(folder, file)) ?? 0),
    0,
  );
  if (bytes > 0) return { kind: "partial", bytes };
  return { kind: listed(folder).some((name) => !name.startsWith(".")) ? "other" : "absent" };
}

/** What `fetched.json` says; undefined where there is none, or it says nothing that can be used. */
function readRecord(folder: string): readonly StoredFile[] | undefined {
  try {
    return recordSchema.parse(
      parseJson(readInputFile(join(folder, recordName), largest.manifest).toString("utf8")),
    ).files;
  } catch {
    return undefined;
  }
}

/** Bytes of a file; undefined where there is none. */
function sizeOf(path: string): number | undefined {
  try {
    const status = statSync(path);
    return status.isFile() ? status.size : undefined;
  } catch {
    return undefined;
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A data set in one of several folders. */
export interface FoundDataset {
  /** Of the data set; where nothing is, the first that would be looked into. */
  readonly folder: string;
  readonly state: DatasetState;
}

const ranks: Readonly<Record<DatasetState["kind"], number>> = {
  fetched: 0,
  present: 0,
  damaged: 1,
  other: 2,
  partial: 3,
  absent: 4,
};

/** The first folder of `folders` that has the data set; else the one that has most to say of it. */
export function findDataset(dataset: NamedDataset, folders: readonly string[]): FoundDataset {
  return folders
    .map((each) => join(each, dataset.name))
    .map((folder) => ({ folder, state: datasetState(dataset, folder) }))
    .sort((a, b) => ranks[a.state.kind] - ranks[b.state.kind])[0]!;
}

/** Folders of text that have no published name: what the user has put beside the data sets. */
export function ownDatasets(
  folders: readonly string[],
  published: readonly NamedDataset[],
): { name: string; path: string }[] {
  const names = new Set(published.map(({ name }) => name));
  return folders.flatMap((folder) =>
    listed(folder)
      .filter(
        (name) => !names.has(name) && listed(join(folder, name)).some((file) => /\.txt(\.gz)?$/.test(file)),
      )
      .sort()
      .map((name) => ({ name, path: join(folder, name) })),
  );
}
