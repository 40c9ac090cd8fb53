// A checkpoint: a folder with weights, optimiser states and a manifest that vouches for them. Knows no loop.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { NumericArray, Store } from "../backend/machine.ts";
import { WorkError } from "../errors.ts";
import { onDisk, replaceFolder, writeDurably } from "./files.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "./safetensors.ts";

const files = ["model.safetensors", "optimizer.safetensors"] as const;
type CheckpointFile = (typeof files)[number];

const bestSchema = z.strictObject({ step: z.int().min(0), loss: z.number() });
const fileSchema = z.strictObject({ bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) });
const manifestSchema = z.strictObject({
  format: z.literal("scantling checkpoint 1"),
  /** Hash of the configuration of the run. */
  configuration: z.string(),
  /** Updates done. */
  step: z.int().min(0),
  /** The evaluation with the lowest loss so far. */
  best: bestSchema.nullable(),
  /** Where it was made: results elsewhere may differ in the last bits. */
  backend: z.string(),
  files: z.strictObject({ "model.safetensors": fileSchema, "optimizer.safetensors": fileSchema }),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type CheckpointState = Omit<Manifest, "format" | "files">;

/** Which of the store's values belong to a checkpoint. */
export interface CheckpointNames {
  readonly parameters: readonly string[];
  readonly states: readonly string[];
}

/** Writes `folder`/<step>: whole, synced and in place when this returns, or not there at all. */
export function writeCheckpoint(
  folder: string,
  store: Store,
  names: CheckpointNames,
  state: CheckpointState,
): void {
  const contents: Record<CheckpointFile, readonly string[]> = {
    "model.safetensors": names.parameters,
    "optimizer.safetensors": names.states,
  };
  replaceFolder(join(folder, String(state.step)), (temporary) => {
    const written = files.map((file) => {
      const parts = encodeSafetensors(
        new Map(contents[file].map((name) => [name, storedTensor(store, name)])),
      );
      writeDurably(join(temporary, file), parts);
      return [file, describe(parts)] as const;
    });
    const manifest = { format: "scantling checkpoint 1", ...state, files: Object.fromEntries(written) };
    const json = `${JSON.stringify(manifest, null, 2)}\n`;
    writeDurably(join(temporary, "manifest.json"), [new TextEncoder().encode(json)]);
  });
}

function describe(parts: readonly Uint8Array[]): z.infer<typeof fileSchema> {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return { bytes: parts.reduce((total, part) => total + part.length, 0), sha256: hash.digest("hex") };
}

function storedTensor(store: Store, name: string): StoredTensor {
  const data = store.read(name);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dtype: data instanceof Float64Array ? "F64" : "F32", shape: store.type(name)!.shape, bytes };
}

/** Steps of the checkpoints in `folder`, ascending. Half-written ones have other names and are not seen. */
export function listCheckpoints(folder: string): number[] {
  if (!existsSync(folder)) return [];
  return onDisk("read", folder, () => readdirSync(folder))
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Removes every checkpoint but those of `steps`, and what an interrupted write has left. */
export function keepCheckpoints(folder: string, steps: readonly number[]): void {
  for (const name of onDisk("read", folder, () => readdirSync(folder))) {
    const isOurs = /^\d+$/.test(name) || /^\.partial-\d+$/.test(name);
    if (!isOurs || steps.includes(Number(name))) continue;
    onDisk("remove", join(folder, name), () => rmSync(join(folder, name), { recursive: true, force: true }));
  }
}

export interface Checkpoint {
  readonly manifest: Manifest;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/**
 * Reads and checks `folder`/<step>: manifest, sizes, SHA-256 and layout, before anything is used; without `optimizer`
 * the weights alone. Errors: WorkError that names the damaged file.
 */
export function readCheckpoint(folder: string, step: number, options = { optimizer: true }): Checkpoint {
  const path = join(folder, String(step));
  const manifest = readManifest(join(path, "manifest.json"));
  if (manifest.step !== step) throw damaged(join(path, "manifest.json"), `it is of step ${manifest.step}`);
  const wanted = options.optimizer ? files : files.slice(0, 1);
  return {
    manifest,
    tensors: new Map(wanted.flatMap((file) => [...readTensors(join(path, file), manifest.files[file])])),
  };
}

function readManifest(path: string): Manifest {
  const text = onDisk("read", path, () => readFileSync(path, "utf8"));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw damaged(path, "it is not JSON");
  }
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path: at, message } = parsed.error.issues[0]!;
  throw damaged(path, `${at.join(".") || "manifest"}: ${message}`);
}

function readTensors(path: string, expected: z.infer<typeof fileSchema>): Map<string, StoredTensor> {
  const bytes = onDisk("read", path, () => readFileSync(path));
  if (bytes.length !== expected.bytes) {
    throw damaged(path, `it has ${bytes.length} bytes and the manifest says ${expected.bytes}`);
  }
  if (describe([bytes]).sha256 !== expected.sha256) {
    throw damaged(path, "its SHA-256 is not the one in the manifest");
  }
  try {
    return decodeSafetensors(bytes);
  } catch (error) {
    if (error instanceof RangeError) throw damaged(path, error.message);
    throw error;
  }
}

function damaged(path: string, why: string): WorkError {
  return new WorkError(
    `${path} is damaged: ${why}; restore it, or remove its folder to use an earlier checkpoint`,
  );
}

/** Puts a checkpoint's tensors into the store. Errors: WorkError where one is missing or has another shape. */
export function restoreTensors(
  { tensors }: Checkpoint,
  store: Store,
  names: readonly string[],
  path: string,
): void {
  for (const name of names) {
    const tensor = tensors.get(name);
    const { shape } = store.type(name)!;
    if (tensor === undefined || tensor.shape.join() !== shape.join()) {
      throw damaged(
        path,
        `tensor "${name}" is ${tensor ? `[${tensor.shape}]` : "missing"}; expected [${shape}]`,
      );
    }
    const values = numbers(tensor);
    if (values === undefined) throw damaged(path, `tensor "${name}" is ${tensor.dtype}; expected F32 or F64`);
    store.write(name, values);
  }
}

function numbers({ dtype, bytes }: StoredTensor): NumericArray | undefined {
  // A copy, because a view of the file need not start on a multiple of its element's size.
  const own = new Uint8Array(bytes).buffer;
  if (dtype === "F32") return new Float32Array(own);
  return dtype === "F64" ? new Float64Array(own) : undefined;
}
