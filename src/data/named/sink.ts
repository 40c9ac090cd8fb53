// A file that is written piece by piece, measured and hashed on the way. Knows nothing of where the pieces come from.

import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { WorkError } from "../../errors.ts";
import { reason } from "../readText.ts";

export interface Sink {
  readonly bytes: number;
  /** Errors: WorkError where the disk refuses. */
  write(piece: Uint8Array): void;
  /** Waits until the disk has it; gives the SHA-256 of what was written through this sink. */
  finish(): string;
  /** Closes the file in any case; harmless after `finish`. */
  close(): void;
}

/** Opens a new file, or goes on after the first `from` bytes of an old one. */
export function openSink(path: string, from = 0): Sink {
  let file: number | undefined = attempt(path, () => openSync(path, from === 0 ? "w" : "r+"));
  const hash = createHash("sha256");
  let bytes = from;
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  return {
    get bytes() {
      return bytes;
    },
    write(piece) {
      for (let done = 0; done < piece.length; ) {
        const written = attempt(path, () => writeSync(file!, piece, done, piece.length - done, bytes));
        done += written;
        bytes += written;
      }
      hash.update(piece);
    },
    finish() {
      attempt(path, () => fsyncSync(file!));
      close();
      return hash.digest("hex");
    },
    close,
  };
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new WorkError(`data: cannot write ${path}: ${reason(error)}`);
  }
}

/** SHA-256 of a file, read in pieces. Errors: WorkError where it cannot be read; the signal's where it is aborted. */
export async function fileSha256(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const piece = Buffer.allocUnsafe(1 << 20);
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) {
      hash.update(piece.subarray(0, read));
      // Lets an interrupt in.
      await setImmediate();
      signal?.throwIfAborted();
    }
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new WorkError(`data: cannot read ${path}: ${reason(error)}`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
  return hash.digest("hex");
}
