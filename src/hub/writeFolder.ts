// A public folder written to disk, tensor by tensor, whole or not at all. Knows no layout.
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { RequestError } from "../errors.ts";
import { isFolder } from "../folders.ts";
import { largest, readInputFile } from "../inputFile.ts";
import { type Shape, sizeOf } from "../tensor/tensor.ts";
import { fillFolder, requireSpace, writeAll, writeDurably } from "../train/files.ts";
import { encodeHeader } from "../train/safetensors.ts";
import { CONFIG, INDEX, isPublicFolder, WEIGHTS } from "./folder.ts";
import { asBytes, bytesOf, type NumberType, type Stored } from "./numbers.ts";

/** A tensor to be written. */
export interface NewTensor {
  readonly name: string;
  readonly dtype: NumberType;
  readonly shape: Shape;
  /** Its numbers, row-major, in parts that may all be the same memory. */
  numbers(): Iterable<Stored>;
}

export interface NewFolder {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: readonly NewTensor[];
  /** Files that go along: names, and where each is. */
  readonly files?: ReadonlyMap<string, string>;
  /** More files, by their names. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Looks at what was written before it appears; what it throws leaves nothing behind. */
  check?(folder: string): void;
}

export interface WriteOptions {
  /** Replace a public folder in its place. */
  readonly force?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of a file at most, unless one tensor has more; default 5e9, as others write them. */
  readonly fileBytes?: number | undefined;
}

const FILE_BYTES = 5e9;

/** Errors: RequestError where something is in the way; an existing public folder may be replaced. */
export function requireFreePlace(path: string, force: boolean): void {
  if (!existsSync(path) || (isFolder(path) && readdirSync(path).length === 0)) return;
  if (isFolder(path) && force && isPublicFolder(path)) return;
  const remedy = force ? "choose another" : "choose another, or replace a public folder with --force";
  throw new RequestError(`${path} already holds something; expected a new folder: ${remedy}`);
}

/** @returns bytes of all tensors. Errors: RequestError as above; WorkError for what the disk refuses; what `signal` was aborted with. */
export async function writePublicFolder(
  path: string,
  content: NewFolder,
  options: WriteOptions = {},
): Promise<number> {
  const { force = false, signal, fileBytes = FILE_BYTES } = options;
  requireFreePlace(path, force);
  const files = divided(content.tensors, fileBytes);
  const total = content.tensors.reduce((sum, tensor) => sum + sizeInBytes(tensor), 0);
  requireSpace(path, total, "the folder");
  await fillFolder(path, async (folder) => {
    const names = files.map((_, i) => fileName(i, files.length));
    for (const [i, tensors] of files.entries()) await writeFile(join(folder, names[i]!), tensors, signal);
    if (files.length > 1) {
      const map = files.flatMap((tensors, i) => tensors.map(({ name }) => [name, names[i]!] as const));
      writeJson(join(folder, INDEX), {
        metadata: { total_size: total },
        weight_map: Object.fromEntries(map),
      });
    }
    writeJson(join(folder, CONFIG), content.config);
    for (const [name, from] of content.files ?? []) {
      writeDurably(join(folder, name), [readInputFile(from, largest.settings)]);
    }
    for (const [name, text] of Object.entries(content.texts ?? {})) {
      writeDurably(join(folder, name), [new TextEncoder().encode(text)]);
    }
    content.check?.(folder);
  });
  return total;
}

function sizeInBytes({ dtype, shape }: NewTensor): number {
  return bytesOf[dtype] * sizeOf(shape);
}

function divided(tensors: readonly NewTensor[], most: number): NewTensor[][] {
  const files: NewTensor[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const size = sizeInBytes(tensor);
    if (bytes > 0 && bytes + size > most) {
      files.push([]);
      bytes = 0;
    }
    files.at(-1)!.push(tensor);
    bytes += size;
  }
  return files;
}

function fileName(i: number, count: number): string {
  const number = (value: number) => String(value).padStart(5, "0");
  return count === 1 ? WEIGHTS : `model-${number(i + 1)}-of-${number(count)}.safetensors`;
}

function writeJson(path: string, value: unknown): void {
  writeDurably(path, [new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)]);
}

async function writeFile(
  path: string,
  tensors: readonly NewTensor[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const { head, order } = encodeHeader(byName, { format: "pt" });
  const file = openSync(path, "w");
  try {
    writeAll(file, head);
    for (const name of order) {
      for (const numbers of byName.get(name)!.numbers()) writeAll(file, asBytes(numbers));
      // Signals are seen between tensors.
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Small files of a folder that a network of another size keeps: tokenizers, and settings of how to use it. */
export function filesBeside(folder: string): Map<string, string> {
  const kept = readdirSync(folder).filter((name) => {
    if (name === CONFIG || name === INDEX || !/\.(json|txt|model|jinja)$/.test(name)) return false;
    const status = statSync(join(folder, name), { throwIfNoEntry: false });
    return status?.isFile() && status.size <= largest.settings && !name.endsWith(".bin.index.json");
  });
  return new Map(kept.map((name) => [name, join(folder, name)]));
}
