// Finds images by the name of a set, a file or a folder, and reads them. What it cannot find it says in one line.

import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { RequestError } from "../../errors.ts";
import { damagedSet, missingSet } from "../named/missing.ts";
import { fileSha256 } from "../named/sink.ts";
import { findDataset } from "../named/state.ts";
import { namedDataset } from "../named/table.ts";
import type { DataFolders } from "../text.ts";
import { isImageFolder } from "./classFolders.ts";
import type { ImageParts } from "./images.ts";
import { idxFile, readCifar10, readCifar100, readFile, readMnist } from "./published.ts";
import { drawnShapes } from "./shapes.ts";
import { type ImageDataset, splitImages } from "./split.ts";

/** Which images, and how much of them is kept for validation. */
export interface ImageRequest {
  /** A .npz FILE, a FOLDER, the NAME of a set, or "shapes": the built-in drawings. */
  readonly data: string;
  /** The folder of data sets, or several that are looked into in this order. */
  readonly dataFolder?: DataFolders | undefined;
  /** Share of the images for each part that is not apart already, default 0.1. */
  readonly validationFraction?: number | undefined;
  /** Leave out images of a folder that cannot be used, and say how many; default false. */
  readonly skipBad?: boolean | undefined;
}

/** Where images lie, and how they are stored there. */
type Place =
  | { readonly kind: "shapes" }
  | {
      readonly kind: "npz" | "idx" | "cifar-10" | "cifar-100" | "classes";
      readonly path: string;
      readonly name: string;
    };

/** Other names of published sets. */
const aliases: Readonly<Record<string, string>> = { cifar10: "cifar-10", cifar100: "cifar-100" };

/** Whether `data` means images rather than text, as far as names and listings tell. Reads no image. */
export function meansImages({ data, dataFolder }: Pick<ImageRequest, "data" | "dataFolder">): boolean {
  const known = namedDataset(aliases[data] ?? data)?.kind;
  return known === "images" || findPlace(data, foldersOf(dataFolder)) !== undefined;
}

/**
 * Reads and splits images. A folder holds one .npz file, the files of MNIST (IDX, also packed) or of CIFAR-10 or -100
 * (binary), or folders of PNG and JPEG files by class. Errors: RequestError for whatever is missing, damaged, of mixed size
 * or labelled out of range.
 */
export async function loadImages(request: ImageRequest): Promise<ImageDataset> {
  const { data, dataFolder, validationFraction, skipBad = false } = request;
  const folders = foldersOf(dataFolder);
  const place = findPlace(data, folders);
  if (place === undefined) throw notFound(data, folders);
  await requireUnchanged(data, folders);
  return splitImages(await readPlace(place, skipBad), validationFraction);
}

async function readPlace(place: Place, skipBad: boolean): Promise<ImageParts> {
  if (place.kind === "shapes") return drawnShapes();
  const { path, name } = place;
  // The packages that decode files are loaded when there is one.
  switch (place.kind) {
    case "npz":
      return (await import("./npz.ts")).readNpz(path, name, readFile(path));
    case "idx":
      return readMnist(path, name);
    case "cifar-10":
      return readCifar10(path, name);
    case "cifar-100":
      return readCifar100(path, name);
    case "classes":
      return (await import("./folder.ts")).readImageFolder(path, name, { skipBad });
  }
}

function findPlace(data: string, folders: readonly string[]): Place | undefined {
  if (data === "shapes") return { kind: "shapes" };
  const own = placeAt(data);
  if (own !== undefined) return own;
  if (existsSync(data) || /[/\\]/.test(data)) return undefined;
  const names = [
    data,
    ...(aliases[data] === undefined ? [] : [aliases[data]]),
    ...(data === "cifar10" ? ["cifar10_subset"] : []),
  ];
  for (const name of names) {
    for (const folder of folders) {
      const found = placeAt(join(folder, name));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function placeAt(path: string): Place | undefined {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return undefined;
  const name = basename(path).replace(/\.npz$/, "");
  if (!status.isDirectory()) return path.endsWith(".npz") ? { kind: "npz", path, name } : undefined;
  const files = listed(path);
  const archives = files.filter((file) => file.endsWith(".npz"));
  if (archives.length === 1) return { kind: "npz", path: join(path, archives[0]!), name };
  if (idxFile(files, "train-images", 3) !== undefined) return { kind: "idx", path, name };
  if (files.includes("data_batch_1.bin")) return { kind: "cifar-10", path, name };
  if (files.includes("train.bin") && files.includes("test.bin")) return { kind: "cifar-100", path, name };
  return isImageFolder(path) ? { kind: "classes", path, name } : undefined;
}

function foldersOf(dataFolder: DataFolders | undefined): readonly string[] {
  return typeof dataFolder === "string" ? [dataFolder] : (dataFolder ?? []);
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function notFound(data: string, folders: readonly string[]): RequestError {
  const known = namedDataset(aliases[data] ?? data);
  if (known?.kind === "images" && folders.length > 0) return missingSet(known, folders);
  return new RequestError(
    `data: ${data} has no images; expected shapes, the name of a set in the folder of data sets, a .npz file, or a folder ` +
      "with such a file, with IDX or CIFAR files, or with folders of PNG or JPEG files by class",
  );
}

/** Errors: RequestError where a set that was fetched is no longer what it was. */
async function requireUnchanged(data: string, folders: readonly string[]): Promise<void> {
  const known = namedDataset(aliases[data] ?? data);
  if (known === undefined || folders.length === 0 || existsSync(data)) return;
  const { folder, state } = findDataset(known, folders);
  if (state.kind === "damaged") throw damagedSet(known.name, folder, state.why);
  if (state.kind !== "fetched") return;
  for (const { file, sha256 } of state.files) {
    if ((await fileSha256(join(folder, file))) === sha256) continue;
    throw damagedSet(known.name, folder, `the SHA-256 of ${file} is not what it was when it was fetched`);
  }
}
