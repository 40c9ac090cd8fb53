// Reads a file somebody else may have made, whole and only if it is a file of a sane size. Knows no format.

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

const MEBIBYTE = 2 ** 20;
/** Systems read less than 2 GiB at a time. */
const ONE_READ = 2 ** 30;

/** Largest size, in bytes, of each kind of file that is read whole. */
export const largest = {
  /** Architectures, configurations (with a tokenizer inside) and tokenizers. */
  settings: 256 * MEBIBYTE,
  manifest: MEBIBYTE,
  /** Logs, texts and weights: 4 GiB, the largest buffer of Node 20. */
  content: 2 ** 32,
} as const;

/** Why a path was not read, in a few words. */
export class InputFileError extends Error {
  override readonly name = "InputFileError";
  readonly code = "EINPUT";
}

/**
 * The content of a regular file, symbolic links followed. Errors: InputFileError for a folder, a pipe, a device or more
 * than `most` bytes, all without waiting or reading; else the system's own error.
 */
export function readInputFile(path: string, most: number): Buffer {
  // Without waiting for whoever might write into a pipe.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const status = fstatSync(file);
    if (status.isDirectory()) throw new InputFileError("it is a folder");
    if (!status.isFile()) throw new InputFileError("it is a pipe or a device, not a file");
    if (status.size > most) {
      throw new InputFileError(`it has ${status.size} bytes; expected at most ${most}`);
    }
    return content(file, status.size);
  } finally {
    closeSync(file);
  }
}

/** The first `size` bytes, or all where the file was cut meanwhile. */
function content(file: number, size: number): Buffer {
  // A buffer of its own, so that whoever keeps a part of it keeps nothing else.
  const bytes = Buffer.allocUnsafeSlow(size);
  let length = 0;
  while (length < size) {
    const read = readSync(file, bytes, length, Math.min(size - length, ONE_READ), length);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}
