// The manifest of a checkpoint: what it holds, of which run and step, with hashes of everything. Knows no tensors.
import { createHash } from "node:crypto";
import { z } from "zod";
import { WorkError } from "../errors.ts";
import { largest, readInputFile } from "../inputFile.ts";
import { parseJson } from "../json.ts";
import { firstIssue, show } from "../strict.ts";
import { refusal } from "./files.ts";
import { growthProgressSchema } from "./growthEvents.ts";

/** What a checkpoint's folder holds beside the manifest. */
export const checkpointFiles = ["model.safetensors", "optimizer.safetensors"] as const;
export type CheckpointFile = (typeof checkpointFiles)[number];

const FORMAT = "scantling checkpoint 2";

const bestSchema = z.strictObject({ step: z.int().min(0), loss: z.number() });
const fileSchema = z.strictObject({ bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) });
const stateSchema = z.strictObject({
  format: z.literal(FORMAT),
  /** Hash of the configuration of the run. */
  configuration: z.string(),
  /** Updates done. */
  step: z.int().min(0),
  /** Whether the evaluation and the sample that are due after this step have been made. */
  complete: z.boolean(),
  /** The evaluation with the lowest loss so far. */
  best: bestSchema.nullable(),
  /** Absent in checkpoints of earlier versions. */
  growth: growthProgressSchema.optional(),
  /** Where it was made: elsewhere results may differ in the last bits. */
  backend: z.string(),
  identity: z.string(),
  files: z.strictObject({ "model.safetensors": fileSchema, "optimizer.safetensors": fileSchema }),
});
const manifestSchema = stateSchema.extend({
  /** SHA-256 of all the rest, as JSON without spaces. */
  sha256: z.string(),
});

export type FileDescription = z.infer<typeof fileSchema>;
export type Manifest = Omit<z.infer<typeof manifestSchema>, "sha256">;
export type CheckpointState = Omit<Manifest, "format" | "files">;

/** The content of a manifest's file. */
export function encodeManifest(content: Omit<Manifest, "format">): string {
  const manifest = { format: FORMAT, ...content } as const;
  return `${JSON.stringify({ ...manifest, sha256: checksum(manifest) }, null, 2)}\n`;
}

/** Parsing puts keys into the schema's order, so equal manifests have equal JSON. */
function checksum(manifest: Manifest): string {
  return createHash("sha256")
    .update(JSON.stringify(stateSchema.parse(manifest)))
    .digest("hex");
}

/** A checkpoint that is not what it should be. */
export class DamagedCheckpoint extends WorkError {
  constructor(
    readonly path: string,
    readonly why: string,
  ) {
    super(
      `${path} is damaged: ${why}; restore it, or let train --resume go on from an earlier checkpoint of the run`,
    );
  }
}

/** Errors: DamagedCheckpoint for whatever the file system refuses. */
export function readCheckpointFile(path: string, most: number): Uint8Array {
  try {
    return readInputFile(path, most);
  } catch (error) {
    const why = refusal(error);
    if (why === undefined) throw error;
    throw new DamagedCheckpoint(path, why);
  }
}

/** Errors: DamagedCheckpoint for a file that is not exactly what was once written. */
export function readManifest(path: string): Manifest {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(
    readCheckpointFile(path, largest.manifest),
  );
  let json: unknown;
  try {
    json = parseJson(text);
  } catch (error) {
    throw new DamagedCheckpoint(path, (error as SyntaxError).message);
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const format = typeof json === "object" && json !== null && "format" in json ? json.format : undefined;
    if (typeof format === "string" && format !== FORMAT) {
      throw new DamagedCheckpoint(path, `its format is ${show(format)}; this version reads "${FORMAT}"`);
    }
    throw new DamagedCheckpoint(path, firstIssue(parsed.error));
  }
  const { sha256, ...manifest } = parsed.data;
  if (checksum(manifest) !== sha256)
    throw new DamagedCheckpoint(path, "its SHA-256 is not that of its content");
  return manifest;
}
