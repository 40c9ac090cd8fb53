// Reads one file or address into checked bytes. Knows nothing of folders, data sets or tokens.

import { isUtf8 } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { RequestError } from "../errors.ts";
import { InputFileError, largest, readInputFile } from "../inputFile.ts";
import type { Document } from "./document.ts";

/** `binary` accepts any bytes; otherwise the bytes must be UTF-8 text. */
export interface ReadOptions {
  binary: boolean;
}

/** Reads a file, unpacked where it is gzip. RequestError where it cannot be read or is not text. */
export async function readFileDocument(path: string, options: ReadOptions): Promise<Document> {
  let bytes: Uint8Array;
  try {
    bytes = readInputFile(path, largest.content);
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
    bytes = await bodyOf(response);
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

async function bodyOf(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > largest.content) throw new InputFileError(`it has more than ${largest.content} bytes`);
  }
  return Buffer.concat(chunks);
}

/** No text packs as well as this, but a file that is made to fill the memory does. */
const WIDEST_UNPACKING = 100;
const SMALLEST_BOUND = 2 ** 26;

function unpacked(name: string, raw: Uint8Array): Uint8Array {
  const most = Math.min(largest.content, Math.max(SMALLEST_BOUND, WIDEST_UNPACKING * raw.length));
  try {
    return gunzipSync(raw, { maxOutputLength: most });
  } catch (error) {
    const tooLong = error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
    throw new RequestError(
      `data: cannot unpack ${name}: ` +
        (tooLong
          ? `${raw.length} bytes become more than ${most}; unpack the file yourself`
          : `${reason(error)}; the gzip file is damaged, fetch it again`),
    );
  }
}

function checked(name: string, raw: Uint8Array, options: ReadOptions): Document {
  const bytes = raw[0] === 0x1f && raw[1] === 0x8b ? unpacked(name, raw) : raw;
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
