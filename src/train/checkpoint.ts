// A checkpoint: a folder with weights, optimiser states and a manifest that vouches for them. Knows no loop.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { NumericArray, Store } from "../backend/machine.ts";
import { WorkError } from "../errors.ts";
import { largest } from "../inputFile.ts";
import { show } from "../strict.ts";
import { createFolder, onDisk, removeFolder, replaceFile, writeDurably } from "./files.ts";
import {
  type CheckpointFile,
  checkpointFiles,
  DamagedCheckpoint,
  encodeManifest,
  type FileDescription,
  type Manifest,
  readCheckpointFile,
  readManifest,
} from "./manifest.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "./safetensors.ts";

/** What the tensors' files do not say. */
export type CheckpointState = Omit<Manifest, "format" | "files">;

/** Which of the store's values belong to a checkpoint. */
export interface CheckpointNames {
  readonly parameters: readonly string[];
  readonly states: readonly string[];
}

const manifestPath = (folder: string, step: number): string => join(folder, String(step), "manifest.json");

/** Writes `folder`/<step>: whole, synced and in place when this returns, or not there at all. */
export function writeCheckpoint(
  folder: string,
  store: Pick<Store, "read" | "type">,
  names: CheckpointNames,
  state: CheckpointState,
): void {
  const contents: Record<CheckpointFile, readonly string[]> = {
    "model.safetensors": names.parameters,
    "optimizer.safetensors": names.states,
  };
  createFolder(join(folder, String(state.step)), (temporary) => {
    const written = checkpointFiles.map((file) => {
      const parts = encodeSafetensors(
        new Map(contents[file].map((name) => [name, storedTensor(store, name)])),
      );
      writeDurably(join(temporary, file), parts);
      return [file, describe(parts)] as const;
    });
    const described = Object.fromEntries(written) as Manifest["files"];
    const json = encodeManifest({ ...state, files: described });
    writeDurably(join(temporary, "manifest.json"), [new TextEncoder().encode(json)]);
  });
}

/** Says anew what is known of a checkpoint whose tensors stay as they are. Errors: as readCheckpoint. */
export function updateCheckpoint(folder: string, state: CheckpointState): void {
  const path = manifestPath(folder, state.step);
  replaceFile(path, encodeManifest({ ...readManifest(path), ...state }));
}

function describe(parts: readonly Uint8Array[]): FileDescription {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return { bytes: parts.reduce((total, part) => total + part.length, 0), sha256: hash.digest("hex") };
}

function storedTensor(store: Pick<Store, "read" | "type">, name: string): StoredTensor {
  const data = store.read(name);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dtype: data instanceof Float64Array ? "F64" : "F32", shape: store.type(name)!.shape, bytes };
}

/** Room for headers, manifest and what a file system adds. */
const OVERHEAD_BYTES = 1 << 16;

/** About as many bytes as a checkpoint takes on disk, never fewer. */
export function checkpointBytes(store: Store, { parameters, states }: CheckpointNames): number {
  const names = [...parameters, ...states];
  // A name with its shape and place takes a few hundred bytes of a header.
  return names.reduce((total, name) => total + store.read(name).byteLength + 512, OVERHEAD_BYTES);
}

/** Steps of the checkpoints in `folder`, ascending. Half-written ones have other names and are not seen. */
export function listCheckpoints(folder: string): number[] {
  if (!existsSync(folder)) return [];
  return onDisk("read", folder, () => readdirSync(folder))
    .filter((name) => /^(0|[1-9]\d{0,14})$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * Keeps the newest `keep` checkpoints, and for each of them the best one before it, so that whichever is needed can
 * still say what the best weights are; removes the others.
 */
export function keepCheckpoints(folder: string, keep: number): void {
  const steps = listCheckpoints(folder);
  const kept = new Set(steps.slice(-keep));
  for (const step of [...kept]) kept.add(bestBefore(folder, step) ?? step);
  for (const step of steps) if (!kept.has(step)) removeFolder(join(folder, String(step)));
}

/** Older ones may be damaged, which is no concern as long as newer ones are there. */
function bestBefore(folder: string, step: number): number | undefined {
  try {
    return readManifest(manifestPath(folder, step)).best?.step;
  } catch (error) {
    if (error instanceof WorkError) return undefined;
    throw error;
  }
}

/** Moves a checkpoint that cannot be used out of the way; returns where it is now. */
export function setAside(folder: string, step: number): string {
  const path = join(folder, String(step));
  let aside = `${path}.refused`;
  for (let number = 2; existsSync(aside); number++) aside = `${path}.refused-${number}`;
  onDisk("move", path, () => renameSync(path, aside));
  return aside;
}

export interface Checkpoint {
  readonly manifest: Manifest;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/**
 * Reads and checks `folder`/<step>: manifest, sizes, SHA-256 and layout, before anything is used; without `optimizer`
 * the weights alone. Errors: DamagedCheckpoint that names the file.
 */
export function readCheckpoint(folder: string, step: number, options = { optimizer: true }): Checkpoint {
  const path = join(folder, String(step));
  const manifest = readManifest(manifestPath(folder, step));
  if (manifest.step !== step) {
    throw new DamagedCheckpoint(manifestPath(folder, step), `it is of step ${manifest.step}`);
  }
  const wanted = options.optimizer ? checkpointFiles : checkpointFiles.slice(0, 1);
  return {
    manifest,
    tensors: new Map(wanted.flatMap((file) => [...readTensors(join(path, file), manifest.files[file])])),
  };
}

function readTensors(path: string, expected: FileDescription): Map<string, StoredTensor> {
  const bytes = readCheckpointFile(path, largest.content);
  if (bytes.length !== expected.bytes) {
    throw new DamagedCheckpoint(path, `it has ${bytes.length} bytes and the manifest says ${expected.bytes}`);
  }
  if (describe([bytes]).sha256 !== expected.sha256) {
    throw new DamagedCheckpoint(path, "its SHA-256 is not the one in the manifest");
  }
  try {
    return decodeSafetensors(bytes);
  } catch (error) {
    if (error instanceof RangeError) throw new DamagedCheckpoint(path, error.message);
    throw error;
  }
}

/**
 * Puts a checkpoint's tensors into the store. Errors: DamagedCheckpoint where they are not exactly those of `names`, each
 * of its shape; the store is as before then.
 */
export function restoreTensors(
  { tensors }: Checkpoint,
  store: Store,
  names: readonly string[],
  path: string,
): void {
  const known = new Set(names);
  for (const name of tensors.keys()) {
    if (!known.has(name)) {
      throw new DamagedCheckpoint(path, `tensor ${show(name)} is none of this architecture and optimiser`);
    }
  }
  const values = names.map((name) => {
    const tensor = tensors.get(name);
    const { shape } = store.type(name)!;
    if (tensor === undefined || tensor.shape.join() !== shape.join()) {
      const found = tensor === undefined ? "missing" : `[${tensor.shape}]`;
      throw new DamagedCheckpoint(path, `tensor "${name}" is ${found}; expected [${shape}]`);
    }
    return numbers(name, tensor, path);
  });
  names.forEach((name, i) => {
    store.write(name, values[i]!());
  });
}

/** The numbers of a tensor. Errors: DamagedCheckpoint for an element type that none of ours has. */
export function tensorValues(name: string, tensor: StoredTensor, path: string): NumericArray {
  return numbers(name, tensor, path)();
}

/** Checks now, and where it has to copy does so later: only one tensor at a time is in memory twice. */
function numbers(name: string, { dtype, bytes }: StoredTensor, path: string): () => NumericArray {
  // Ours start on a multiple of their element's size; those of other writers need not.
  const aligned = (width: number) => (bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes));
  switch (dtype) {
    case "F32":
      return () => {
        const own = aligned(4);
        return new Float32Array(own.buffer, own.byteOffset, own.length / 4);
      };
    case "F64":
      return () => {
        const own = aligned(8);
        return new Float64Array(own.buffer, own.byteOffset, own.length / 8);
      };
    default:
      throw new DamagedCheckpoint(path, `tensor "${name}" is ${dtype}; expected F32 or F64`);
  }
}
