// The folder of one run: its configuration, its log, its checkpoints. Knows where they lie, not what they mean.

import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Architecture, defineArchitecture } from "../architecture/architecture.ts";
import type { TokenizerDescription } from "../data/tokenizer.ts";
import { RequestError, WorkError } from "../errors.ts";
import { makeFolder } from "../folders.ts";
import { onDisk, replaceFile, writeAll } from "./files.ts";
import { defineTraining, type TrainingSettings } from "./settings.ts";

export interface RunConfiguration {
  readonly architecture: Architecture;
  readonly training: TrainingSettings;
  readonly data: {
    /** As it was asked for; null: the built-in language. */
    readonly data: string | null;
    readonly tokenizer: string | null;
    readonly validationFraction: number | null;
    readonly name: string;
    readonly trainingTokens: number;
    readonly validationTokens: number;
    /** SHA-256 over all tokens. */
    readonly sha256: string;
  };
  readonly tokenizer: TokenizerDescription;
}

/** Everything in a run's folder that belongs to the run. */
const ours = ["config.json", "log.jsonl", "checkpoints", "report.html"] as const;

export const configurationPath = (folder: string): string => join(folder, "config.json");
export const logPath = (folder: string): string => join(folder, "log.jsonl");
export const checkpointsPath = (folder: string): string => join(folder, "checkpoints");

/** SHA-256 of the configuration; the same for equal configurations. */
export function configurationHash({ architecture, training, data, tokenizer }: RunConfiguration): string {
  const json = JSON.stringify({ architecture, training, data, tokenizer }, sortKeys);
  return createHash("sha256").update(json).digest("hex");
}

// The order of keys says nothing, and reading a configuration back may change it.
function sortKeys(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Errors: RequestError where the folder holds a run already and `force` is not given. */
export function requireFreeFolder(folder: string, force: boolean): void {
  const found = ours.find((name) => existsSync(join(folder, name)));
  if (found === undefined || force) return;
  throw new RequestError(
    `${folder} already holds a run (${found}); expected a new folder: choose another, continue it with --resume, or ` +
      "replace it with --force",
  );
}

/** Makes the folder, empty of any run, and writes the configuration into it. */
export function createRunFolder(folder: string, configuration: RunConfiguration): void {
  onDisk("write to", folder, () => {
    makeFolder(folder);
    for (const name of ours) rmSync(join(folder, name), { recursive: true, force: true });
  });
  const content = { format: "scantling run 1", hash: configurationHash(configuration), ...configuration };
  replaceFile(configurationPath(folder), `${JSON.stringify(content, null, 2)}\n`);
}

const schema = z.strictObject({
  format: z.literal("scantling run 1"),
  hash: z.string(),
  architecture: z.unknown(),
  training: z.unknown(),
  data: z.strictObject({
    data: z.string().nullable(),
    tokenizer: z.string().nullable(),
    validationFraction: z.number().nullable(),
    name: z.string(),
    trainingTokens: z.int(),
    validationTokens: z.int(),
    sha256: z.string(),
  }),
  tokenizer: z.custom<TokenizerDescription>((value) => typeof value === "object" && value !== null),
});

/** Errors: RequestError where there is no run, WorkError where its configuration is damaged. */
export function readConfiguration(folder: string): RunConfiguration {
  const path = configurationPath(folder);
  if (!existsSync(path)) {
    throw new RequestError(`${folder} holds no run: ${path} does not exist; name the folder of a run`);
  }
  const text = onDisk("read", path, () => readFileSync(path, "utf8"));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new WorkError(`${path} is damaged: it is not JSON; restore it or start the run again`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const { path: at, message } = parsed.error.issues[0]!;
    throw new WorkError(`${path} is damaged: ${at.join(".")}: ${message}; restore it or start the run again`);
  }
  const { data, tokenizer } = parsed.data;
  const architecture = defineArchitecture(parsed.data.architecture);
  const configuration = { architecture, training: defineTraining(parsed.data.training), data, tokenizer };
  if (configurationHash(configuration) !== parsed.data.hash) {
    throw new WorkError(
      `${path} was changed: its hash is not that of its content; restore it or start a run with the new settings`,
    );
  }
  return configuration;
}

/** An append-only list of JSON records, one a line. */
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
  let length = onDisk("write", path, () => cutTornLine(file));
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

/** Cuts what follows the last newline of a file; returns its length after that. */
function cutTornLine(file: number): number {
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
  if (length < size) ftruncateSync(file, length);
  return length;
}

/** A record of the log; `kind` says which. */
export type LogRecord = Readonly<Record<string, unknown> & { kind: string }>;

/** The log's records in order; of a step that a resumed run did again only the last record of each kind. */
export function readLog(folder: string): LogRecord[] {
  const path = logPath(folder);
  if (!existsSync(path))
    throw new RequestError(`${folder} holds no run: ${path} does not exist; name the folder of a run`);
  const lines = onDisk("read", path, () => readFileSync(path, "utf8")).split("\n");
  const records = new Map<string, LogRecord>();
  lines.slice(0, -1).forEach((line, i) => {
    let record: LogRecord;
    try {
      record = JSON.parse(line) as LogRecord;
    } catch {
      throw new WorkError(`${path} is damaged: line ${i + 1} is not JSON; restore it or remove that line`);
    }
    const key = typeof record.step === "number" ? `${record.kind} ${record.step}` : `line ${i}`;
    records.delete(key);
    records.set(key, record);
  });
  return [...records.values()];
}
