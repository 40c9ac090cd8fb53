// Folders with the files of MNIST and its relatives (IDX) or of CIFAR-10 and CIFAR-100 (binary). Knows not where they lie.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { RequestError } from "../../errors.ts";
import { largest, readInputFile } from "../../inputFile.ts";
import { reason } from "../readText.ts";
import { readCifar } from "./cifar.ts";
import { readIdx } from "./idx.ts";
import {
  checkLabels,
  classCount,
  type ImageParts,
  type LabelledImages,
  labelled,
  numberedClasses,
  requireImageSize,
} from "./images.ts";

export function readFile(path: string): Buffer {
  try {
    return readInputFile(path, largest.content);
  } catch (error) {
    throw new RequestError(`data: cannot read ${path}: ${reason(error)}; expected a readable file`);
  }
}

/** No relative of MNIST has as much, and none packs as well. */
const MOST_UNPACKED = 2 ** 30;
const WIDEST_UNPACKING = 100;
const SMALLEST_BOUND = 2 ** 22;

/** A file, unpacked where it is gzip. */
function readUnpacked(path: string): Buffer {
  const bytes = readFile(path);
  const most = Math.min(MOST_UNPACKED, Math.max(SMALLEST_BOUND, WIDEST_UNPACKING * bytes.length));
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: most });
  } catch (error) {
    const isLong = error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
    const why = isLong ? `it unpacks to more than ${most} bytes` : "the gzip file is damaged";
    throw new RequestError(`data: cannot unpack ${path}: ${why}; fetch it again`);
  }
}

/** `train-images-idx3-ubyte`, `train-images.idx3-ubyte`, either packed. */
export function idxFile(files: readonly string[], stem: string, dimensions: number): string | undefined {
  const names = ["-", "."].map((mark) => `${stem}${mark}idx${dimensions}-ubyte`);
  return names.flatMap((name) => [name, `${name}.gz`]).find((name) => files.includes(name));
}

export function readMnist(folder: string, name: string): ImageParts {
  const files = readdirSync(folder);
  const read = (stem: string, dimensions: number) => {
    const file = idxFile(files, stem, dimensions);
    if (file === undefined) {
      throw new RequestError(
        `data: ${folder} lacks ${stem}-idx${dimensions}-ubyte (or .gz); expected all four files`,
      );
    }
    const path = join(folder, file);
    return { path, ...readIdx(path, readUnpacked(path)) };
  };
  const part = (stem: string, classes?: number): { images: LabelledImages; classes: number } => {
    const pictures = read(`${stem}-images`, 3);
    const marks = read(`${stem}-labels`, 1);
    const [count, height, width] = pictures.shape as [number, number, number];
    if (pictures.shape.length !== 3 || marks.shape.length !== 1) {
      throw new RequestError(
        `data: ${pictures.path} has sizes [${pictures.shape}] and its labels [${marks.shape}]; expected [images, height, ` +
          "width] and [images]",
      );
    }
    const size = { height, width, channels: 1 };
    requireImageSize(pictures.path, count, size);
    const known = classes ?? classCount(marks.path, marks.values);
    const labels = checkLabels(marks.path, marks.values, known);
    return { images: labelled(pictures.path, size, pictures.values, labels), classes: known };
  };
  const training = part("train");
  const hasTest = idxFile(files, "t10k-images", 3) !== undefined;
  return {
    name,
    classes: numberedClasses(training.classes),
    training: training.images,
    test: hasTest ? part("t10k", training.classes).images : undefined,
    notes: [],
  };
}

export function readCifar10(folder: string, name: string): ImageParts {
  const files = readdirSync(folder)
    .filter((file) => /^data_batch_\d\.bin$/.test(file))
    .sort();
  const read = (of: readonly string[]) =>
    readCifar(
      of.map((file) => ({ name: join(folder, file), bytes: readFile(join(folder, file)) })),
      { labelBytes: 1, classes: 10 },
    );
  return {
    name,
    classes: classNames(join(folder, "batches.meta.txt"), 10),
    training: read(files),
    test: existsSync(join(folder, "test_batch.bin")) ? read(["test_batch.bin"]) : undefined,
    notes: [],
  };
}

export function readCifar100(folder: string, name: string): ImageParts {
  const read = (file: string) =>
    readCifar([{ name: join(folder, file), bytes: readFile(join(folder, file)) }], {
      labelBytes: 2,
      classes: 100,
    });
  return {
    name,
    classes: classNames(join(folder, "fine_label_names.txt"), 100),
    training: read("train.bin"),
    test: read("test.bin"),
    notes: [],
  };
}

/** One name a line; numbers where there is no such file. */
function classNames(path: string, count: number): string[] {
  if (!existsSync(path)) return numberedClasses(count);
  const names = readInputFile(path, largest.manifest)
    .toString("utf8")
    .split(/\r?\n/)
    .filter((line) => line !== "");
  if (names.length === count) return names;
  throw new RequestError(`data: ${path} has ${names.length} names; expected ${count}, one a line`);
}
