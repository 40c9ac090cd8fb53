// What lies where in a folder of images: parts, classes, files. Reads no image.

import { readdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { RequestError } from "../../errors.ts";
import { reason } from "../readText.ts";

const endings = new Set([".png", ".jpg", ".jpeg"]);
/** Names of the folders of each part; what has none of the first is all for training. */
const partNames = {
  training: ["train", "training"],
  validation: ["val", "valid", "validation"],
  test: ["test"],
} as const;

/** Whether a folder looks like one of images: its classes, or those of its training part, have some. */
export function isImageFolder(folder: string): boolean {
  return classesIn(partFolder(folder, "training") ?? folder).length > 0;
}

/** Of one part of the images; undefined where there is no such folder. */
export function partFolder(folder: string, part: keyof typeof partNames): string | undefined {
  return partNames[part].map((name) => join(folder, name)).find(isFolder);
}

/** Names of the folders with PNG or JPEG files, sorted. */
export function classesIn(folder: string): string[] {
  return listed(folder)
    .filter((name) => !name.startsWith(".") && isFolder(join(folder, name)))
    .filter((name) => filesIn(join(folder, name)).length > 0)
    .sort();
}

/** Names of the PNG and JPEG files, sorted. */
export function filesIn(folder: string): string[] {
  return listed(folder)
    .filter((name) => !name.startsWith(".") && endings.has(extname(name).toLowerCase()))
    .sort();
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw new RequestError(
      `data: cannot read the folder ${folder}: ${reason(error)}; check that it may be read`,
    );
  }
}
