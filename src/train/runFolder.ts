// The folder of one run: its configuration, and where its log and checkpoints lie. Knows not what they mean.

import { createHash } from "node:crypto";
import { existsSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { type Architecture, defineArchitecture } from "../architecture/architecture.ts";
import type { TokenizerDescription } from "../data/tokenizer.ts";
import { RequestError, WorkError } from "../errors.ts";
import { makeFolder } from "../folders.ts";
import { largest, readInputFile } from "../inputFile.ts";
import { parseJson } from "../json.ts";
import { firstIssue, show } from "../strict.ts";
import { onDisk, replaceFile, syncFolder } from "./files.ts";
import { type ImageSettings, imageSettingsSchema } from "./imageSettings.ts";
import { defineTraining, type TrainingSettings } from "./settings.ts";

/** The text of a run in its configuration. */
export interface TextSettings {
  /** As it was asked for; null: the built-in language. */
  readonly data: string | null;
  readonly tokenizer: string | null;
  readonly validationFraction: number | null;
  readonly name: string;
  readonly trainingTokens: number;
  readonly validationTokens: number;
  /** SHA-256 over all tokens. */
  readonly sha256: string;
}

const textSettingsSchema = z.strictObject({
  data: z.string().nullable(),
  tokenizer: z.string().nullable(),
  validationFraction: z.number().nullable(),
  name: z.string(),
  trainingTokens: z.int(),
  validationTokens: z.int(),
  sha256: z.string(),
});

/** What a run is asked to do, complete. */
export interface RunSettings {
  readonly architecture: Architecture;
  readonly training: TrainingSettings;
  readonly data: TextSettings | ImageSettings;
  /** Null where the data are images. */
  readonly tokenizer: TokenizerDescription | null;
}

/** Whether a run's data are images; else they are text. */
export function isImages(data: RunSettings["data"]): data is ImageSettings {
  return "kind" in data;
}

/** Everything a run was made with, as its config.json has it. */
export interface RunConfiguration extends RunSettings {
  /** SHA-256 of all the rest; the same for equal settings. */
  readonly hash: string;
  /** Hashes it had before a resume changed what may be changed; checkpoints from then are the run's, too. */
  readonly earlier: readonly string[];
}

/** Everything in a run's folder that belongs to the run. */
const ours = ["config.json", "log.jsonl", "checkpoints", "report.html", "tensorboard"] as const;

export const configurationPath = (folder: string): string => join(folder, "config.json");
export const logPath = (folder: string): string => join(folder, "log.jsonl");
export const checkpointsPath = (folder: string): string => join(folder, "checkpoints");

/** The configuration of a new run, or with `earlier` of one that was changed. */
export function defineConfiguration(
  { architecture, training, data, tokenizer }: RunSettings,
  earlier: readonly string[] = [],
): RunConfiguration {
  const settings = { architecture, training, data, tokenizer };
  return { ...settings, hash: contentHash(contentOf(settings, earlier)), earlier };
}

/** Whether something that bears the hash of a configuration was made by this run. */
export function isOfRun({ hash, earlier }: RunConfiguration, of: string): boolean {
  return of === hash || earlier.includes(of);
}

function contentOf(settings: RunSettings, earlier: readonly string[]): Readonly<Record<string, unknown>> {
  return { ...settings, ...(earlier.length === 0 ? {} : { earlier }) };
}

// The order of keys says nothing. What is hashed is what stands in the file: a later version may know more settings.
function contentHash(content: Readonly<Record<string, unknown>>): string {
  return createHash("sha256").update(JSON.stringify(content, sortKeys)).digest("hex");
}

function sortKeys(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Errors: RequestError where the folder is none, or holds a run already and `force` is not given. */
export function requireFreeFolder(folder: string, force: boolean): void {
  if (existsSync(folder) && !statSync(folder).isDirectory()) {
    throw new RequestError(`${folder} is a file; expected a new folder: choose another`);
  }
  const found = ours.find((name) => existsSync(join(folder, name)));
  if (found === undefined || force) return;
  throw new RequestError(
    `${folder} already holds a run (${found}); expected a new folder: choose another, continue it with --resume, or ` +
      "replace it with --force",
  );
}

/** Empties the folder of any run and writes the configuration into it. */
export function createRun(folder: string, configuration: RunConfiguration): void {
  onDisk("write to", folder, () => {
    for (const name of ours) rmSync(join(folder, name), { recursive: true, force: true });
    makeFolder(checkpointsPath(folder));
    syncFolder(dirname(folder));
  });
  writeConfiguration(folder, configuration);
}

const FORMAT = "scantling run 1";

export function writeConfiguration(folder: string, configuration: RunConfiguration): void {
  const { hash, earlier, ...settings } = configuration;
  const content = { format: FORMAT, hash, ...contentOf(settings, earlier) };
  replaceFile(configurationPath(folder), `${JSON.stringify(content, null, 2)}\n`);
}

const schema = z.strictObject({
  format: z.literal(FORMAT),
  hash: z.string(),
  earlier: z.array(z.string()).default([]),
  architecture: z.unknown(),
  training: z.unknown(),
  data: z.union([imageSettingsSchema, textSettingsSchema]),
  tokenizer: z.custom<TokenizerDescription | null>((value) => typeof value === "object"),
});

/** Errors: RequestError where there is no run, WorkError where its configuration is damaged or of another version. */
export function readConfiguration(folder: string): RunConfiguration {
  const path = configurationPath(folder);
  if (!existsSync(path)) {
    throw new RequestError(`${folder} holds no run: ${path} does not exist; name the folder of a run`);
  }
  const text = onDisk("read", path, () => readInputFile(path, largest.settings)).toString("utf8");
  const json = parse(path, text);
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const { format } = json as { format?: unknown };
    if (typeof format === "string" && format !== FORMAT) {
      throw new WorkError(
        `${path} has the format ${show(format)}; this version of scantling reads "${FORMAT}": use the one that wrote it`,
      );
    }
    throw damaged(path, firstIssue(parsed.error));
  }
  const { format: _, hash, ...content } = json as Record<string, unknown>;
  if (contentHash(content) !== hash) {
    throw new WorkError(
      `${path} was changed: its hash is not that of its content; restore it or start a run with the new settings`,
    );
  }
  const { data, tokenizer, earlier } = parsed.data;
  if ((tokenizer === null) !== isImages(data))
    throw damaged(path, "it has a tokenizer for images, or none for text");
  const architecture = knownArchitecture(path, parsed.data.architecture);
  const training = defineTraining(parsed.data.training);
  return { architecture, training, data, tokenizer, hash: parsed.data.hash, earlier };
}

/** A run can have been trained with primitives that are the user's own. */
function knownArchitecture(path: string, given: unknown): Architecture {
  try {
    return defineArchitecture(given);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new RequestError(
      `${path}: ${error.message}; a run with primitives of your own needs its scantling.config.ts`,
    );
  }
}

function parse(path: string, text: string): object {
  let json: unknown;
  try {
    json = parseJson(text);
  } catch (error) {
    throw damaged(path, (error as SyntaxError).message);
  }
  if (typeof json === "object" && json !== null) return json;
  throw damaged(path, "it is not an object");
}

function damaged(path: string, why: string): WorkError {
  return new WorkError(`${path} is damaged: ${why}; restore it or start the run again`);
}
