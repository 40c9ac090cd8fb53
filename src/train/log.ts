// The log of a run: one JSON record a line, only ever added to. Knows no meaning of a record but its kind and step.
import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync } from "node:fs";
import { RequestError } from "../errors.ts";
import { largest, readInputFile } from "../inputFile.ts";
import { parseJson } from "../json.ts";
import { onDisk, syncFolder, writeAll } from "./files.ts";
import { logPath } from "./runFolder.ts";

export interface RunLog {
  write(record: Readonly<Record<string, unknown>>): void;
  /** Waits until the disk has everything written so far. */
  sync(): void;
  close(): void;
}

/** Opens the log at its end; a last line that an interrupted write left torn is cut off. */
export function openLog(folder: string): RunLog {
  const path = logPath(folder);
  const file = onDisk("write", path, () => openSync(path, "a+"));
  let length: number;
  try {
    length = onDisk("write", path, () => {
      syncFolder(folder);
      return endWithLine(file);
    });
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return {
    write(record) {
      const bytes = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
      onDisk("write", path, () => {
        try {
          writeAll(file, bytes);
          length += bytes.length;
        } catch (error) {
          // Only regular files can be cut; the first error is the one to report.
          try {
            ftruncateSync(file, length);
          } catch {}
          throw error;
        }
      });
    },
    sync: () => onDisk("write", path, () => fsyncSync(file)),
    close: () => closeSync(file),
  };
}

/** Ends what follows the last newline of a file, a whole record, with another one, or cuts it; returns the length then. */
function endWithLine(file: number): number {
  const { size } = fstatSync(file);
  const block = Buffer.alloc(1 << 16);
  let length = 0;
  for (let end = size; end > 0 && length === 0; ) {
    const start = Math.max(0, end - block.length);
    const read = readSync(file, block, 0, end - start, start);
    const newline = block.subarray(0, read).lastIndexOf(0x0a);
    if (newline >= 0) length = start + newline + 1;
    end = start;
  }
  if (length === size) return length;
  // A record has a few hundred bytes; what is longer than a block is none.
  const tail = block.subarray(0, readSync(file, block, 0, Math.min(block.length, size - length), length));
  if (size - length < block.length && parseRecord(tail) !== undefined) {
    writeAll(file, Uint8Array.of(0x0a));
    return size + 1;
  }
  ftruncateSync(file, length);
  return length;
}

/** A record of the log; `kind` says which. */
export type LogRecord = Readonly<Record<string, unknown> & { kind: string }>;

/** Kinds that tell of a process, not of a step: all of them are kept. */
const ofProcess = new Set(["start", "resume", "damaged", "end"]);

/**
 * The log's records in order, as if the run had never stopped: where it was resumed after a step, what an earlier
 * process did beyond that step is left out, and of each kind a step has only its last record. Lines that are no records
 * are left out, too; a record of kind `unreadable` tells how many, but for a last line that was cut short.
 * Errors: RequestError where there is no log, WorkError where it cannot be read.
 */
export function readLog(folder: string): LogRecord[] {
  const path = logPath(folder);
  if (!existsSync(path))
    throw new RequestError(`${folder} holds no run: ${path} does not exist; name the folder of a run`);
  const content = onDisk("read", path, () => readInputFile(path, largest.content));
  let records = new Map<string, LogRecord>();
  const unreadable: number[] = [];
  let line = 0;
  for (let start = 0; start < content.length; ) {
    const newline = content.indexOf(0x0a, start);
    const end = newline < 0 ? content.length : newline;
    const record = parseRecord(content.subarray(start, end));
    start = end + 1;
    line++;
    if (record === undefined) {
      if (newline >= 0) unreadable.push(line);
      continue;
    }
    const { kind, step } = record;
    if (kind === "start" || kind === "resume") records = upTo(records, typeof step === "number" ? step : 0);
    const key = typeof step === "number" && !ofProcess.has(kind) ? `${kind} ${step}` : `line ${line}`;
    records.delete(key);
    records.set(key, record);
  }
  return [...records.values(), ...unreadableRecord(unreadable)];
}

function upTo(records: Map<string, LogRecord>, last: number): Map<string, LogRecord> {
  return new Map(
    [...records].filter(
      ([, { kind, step }]) => ofProcess.has(kind) || !(typeof step === "number" && step > last),
    ),
  );
}

function unreadableRecord(lines: readonly number[]): LogRecord[] {
  if (lines.length === 0) return [];
  const which = `line ${lines[0]}${lines.length === 1 ? "" : ` and ${lines.length - 1} more`}`;
  return [
    { kind: "unreadable", lines: lines.length, notes: [`log.jsonl: ${which} cannot be read; left out`] },
  ];
}

const text = new TextDecoder("utf-8", { fatal: true });

function parseRecord(line: Uint8Array): LogRecord | undefined {
  try {
    const value: unknown = parseJson(text.decode(line));
    return typeof value === "object" && value !== null && "kind" in value && typeof value.kind === "string"
      ? (value as LogRecord)
      : undefined;
  } catch {
    return undefined;
  }
}
