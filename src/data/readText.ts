// Reads one file or address into checked bytes. Knows nothing of folders, data sets or tokens.

import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { RequestError } from "../errors.ts";
import type { Document } from "./document.ts";

/** `binary` accepts any bytes; otherwise the bytes must be UTF-8 text. */
export interface ReadOptions {
  binary: boolean;
}

/** Reads a file, unpacked where it is gzip. RequestError where it cannot be read or is not text. */
export async function readFileDocument(path: string, options: ReadOptions): Promise<Document> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new RequestError(`data: cannot read ${path}: ${reason(error)}; expected a readable text file`);
  }
  return checked(path, bytes, options);
}

/** Fetches an http or https address, unpacked where it is gzip; gives up after `timeout` milliseconds. */
export async function fetchDocument(
  address: string,
  options: ReadOptions,
  timeout = 120_000,
): Promise<Document> {
  const remedy = "check the address and the network, or download the file and give its path";
  let response: Response;
  let bytes: Uint8Array;
  try {
    response = await fetch(address, { signal: AbortSignal.timeout(timeout) });
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new RequestError(`data: cannot fetch ${address}: ${reason(error)}; ${remedy}`);
  }
  if (!response.ok) {
    throw new RequestError(
      `data: cannot fetch ${address}: the server answered ${response.status} ${response.statusText}; ${remedy}`,
    );
  }
  return checked(address, bytes, options);
}

function checked(name: string, raw: Uint8Array, options: ReadOptions): Document {
  let bytes = raw;
  if (raw[0] === 0x1f && raw[1] === 0x8b) {
    try {
      bytes = gunzipSync(raw);
    } catch (error) {
      throw new RequestError(
        `data: cannot unpack ${name}: ${reason(error)}; the gzip file is damaged, fetch it again`,
      );
    }
  }
  if (options.binary) return { name, bytes };
  const fault = textFault(bytes);
  if (fault !== null) {
    throw new RequestError(
      `data: ${name} is not text: ${fault}; expected UTF-8, convert the file or use the byte tokenizer`,
    );
  }
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return { name, bytes: hasMark ? bytes.subarray(3) : bytes };
}

function textFault(bytes: Uint8Array): string | null {
  const zero = bytes.indexOf(0);
  if (zero >= 0) return `it has a NUL byte at offset ${zero}`;
  return isUtf8(bytes) ? null : "it has bytes that are not valid UTF-8";
}

/** The shortest true account of a failed read: the cause where there is one, else the message. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "no answer in time";
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
  return KNOWN[code] ?? (cause.message.split("\n")[0] || code || error.message);
}

const KNOWN: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a directory",
  ELOOP: "its symbolic links run in a circle",
  ENAMETOOLONG: "the name is too long",
  ENOTFOUND: "the host is unknown or this machine is offline",
  EAI_AGAIN: "the host is unknown or this machine is offline",
  ECONNREFUSED: "the connection was refused",
};
