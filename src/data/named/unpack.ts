// Takes named files out of an archive. Knows no network.
//
// An archive is never asked where a file should go: only entries named in advance are read, they are written under names
// given in advance, and no further than their greatest size. So it can reach no other path and fill no disk. The packages
// that read archives are loaded when there is one.

import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { WorkError } from "../../errors.ts";
import type { Download, PackedFile } from "./namedDataset.ts";
import { openSink } from "./sink.ts";

/** A file that has been written, as it must be found again. */
export interface StoredFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** An archive with more entries is not one of ours. */
const MOST_ENTRIES = 10_000;

/**
 * Writes the wanted files into `folder`. Errors: WorkError that names the archive where it is damaged, lacks a file or
 * holds more than it may; the signal's reason where it is aborted.
 */
export async function unpack(
  archive: string,
  { kind, files }: NonNullable<Download["unpack"]>,
  folder: string,
  signal?: AbortSignal,
): Promise<StoredFile[]> {
  const stored = new Map<string, StoredFile>();
  /** Begins to write an entry; undefined for one that nobody wants. */
  const open = (entry: string): Writing | undefined => {
    const wanted = files.find((packed) => packed.entry === entry.replace(/^(\.\/)+/, ""));
    if (wanted === undefined) return undefined;
    if (stored.has(wanted.file)) throw new Error(`it has ${entry} twice`);
    return beginWriting(wanted, join(folder, wanted.file), (file) => stored.set(wanted.file, file));
  };
  try {
    switch (kind) {
      case "zip":
        await readZip(archive, open, signal);
        break;
      case "tar.gz": {
        const most = files.reduce((total, { atMost }) => total + atMost, 0) + MOST_ENTRIES * 1024;
        await readTar(archive, open, most, signal);
        break;
      }
    }
    const missing = files.find(({ file }) => !stored.has(file));
    if (missing !== undefined) throw new Error(`it lacks ${missing.entry}`);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof WorkError) throw error;
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new WorkError(`data: cannot unpack ${archive}: ${why}; remove it and fetch it again`);
  }
  return files.map(({ file }) => stored.get(file)!);
}

interface Writing {
  write(piece: Uint8Array): void;
  /** The entry has ended well. */
  end(): void;
  close(): void;
}

function beginWriting(
  { entry, file, atMost }: PackedFile,
  path: string,
  done: (file: StoredFile) => void,
): Writing {
  const sink = openSink(path);
  return {
    write(piece) {
      if (sink.bytes + piece.length > atMost) throw new Error(`${entry} has more than ${atMost} bytes`);
      sink.write(piece);
    },
    end: () => done({ file, bytes: sink.bytes, sha256: sink.finish() }),
    close: sink.close,
  };
}

type Open = (entry: string) => Writing | undefined;

async function readZip(archive: string, open: Open, signal?: AbortSignal): Promise<void> {
  const { openPromise } = await import("yauzl");
  const zip = await openPromise(archive);
  try {
    if (zip.entryCount > MOST_ENTRIES) throw new Error(`it has ${zip.entryCount} entries`);
    for await (const entry of zip.eachEntry()) {
      const writing = open(entry.fileName);
      if (writing === undefined) continue;
      try {
        for await (const piece of await zip.openReadStreamPromise(entry)) {
          signal?.throwIfAborted();
          writing.write(piece as Uint8Array);
        }
        writing.end();
      } finally {
        writing.close();
      }
    }
  } finally {
    zip.close();
  }
}

async function readTar(archive: string, open: Open, most: number, signal?: AbortSignal): Promise<void> {
  let fault: unknown;
  let current: Writing | undefined;
  // The parser tells of entries by callbacks, in which an error would be lost.
  const attempt = (work: () => void): void => {
    if (fault !== undefined) return;
    try {
      work();
    } catch (error) {
      fault = error;
    }
  };
  const { Parser } = await import("tar");
  const parser = new Parser({
    strict: true,
    onReadEntry(entry) {
      let writing: Writing | undefined;
      attempt(() => {
        writing = entry.type === "File" || entry.type === "OldFile" ? open(entry.path) : undefined;
      });
      current = writing;
      entry.on("data", (piece) => attempt(() => writing?.write(piece)));
      entry.on("end", () => attempt(() => writing?.end()));
    },
  });
  parser.on("error", (error: Error) => {
    fault ??= error;
  });
  let seen = 0;
  try {
    await pipeline(
      createReadStream(archive),
      createGunzip(),
      async (unpacked: AsyncIterable<Buffer>) => {
        for await (const piece of unpacked) {
          seen += piece.length;
          if (seen > most) fault ??= new Error(`it unpacks to more than ${most} bytes`);
          if (fault === undefined) parser.write(piece);
          if (fault !== undefined) throw fault;
        }
        parser.end();
        if (fault !== undefined) throw fault;
      },
      { signal },
    );
  } catch (error) {
    // The pipeline may report that it was ended instead of why.
    throw fault ?? error;
  } finally {
    current?.close();
  }
}
