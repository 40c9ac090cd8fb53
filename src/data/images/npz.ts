// Images in a .npz file, a zip archive of NumPy arrays, under the names that Keras and MedMNIST give them.
// N images, H height, W width, C channels.

import { fromBufferPromise } from "yauzl";
import { RequestError } from "../../errors.ts";
import { largest } from "../../inputFile.ts";
import { reason } from "../readText.ts";
import {
  checkLabels,
  classCount,
  type ImageParts,
  type ImageSize,
  type LabelledImages,
  labelled,
  numberedClasses,
  requireImageSize,
} from "./images.ts";
import { type NpyArray, readNpy } from "./npy.ts";

const parts = ["training", "validation", "test"] as const;
type Part = (typeof parts)[number];

/** Arrays of images and of labels; each part has one of these pairs. */
const names: Readonly<Record<Part, readonly (readonly [images: string, labels: string])[]>> = {
  training: [
    ["x_train", "y_train"],
    ["train_images", "train_labels"],
    ["x", "y"],
    ["images", "labels"],
  ],
  validation: [
    ["x_val", "y_val"],
    ["val_images", "val_labels"],
  ],
  test: [
    ["x_test", "y_test"],
    ["test_images", "test_labels"],
  ],
};
const classesName = "classes";
const wanted = new Set([classesName, ...parts.flatMap((part) => names[part].flat())]);

const MOST_ENTRIES = 1000;

/**
 * Images u8 [N, H, W] or [N, H, W, C], labels [N] or [N, 1], and the names of the classes where `classes` has them.
 * Errors: RequestError for a damaged archive, arrays that are missing or do not fit each other, labels out of range.
 */
export async function readNpz(source: string, name: string, bytes: Buffer): Promise<ImageParts> {
  const arrays = await readArrays(source, bytes);
  const found = new Map<Part, { images: string; labels: string }>();
  for (const part of parts) {
    const pair = names[part].find(([images]) => arrays.has(images));
    if (pair !== undefined) found.set(part, { images: pair[0], labels: pair[1] });
  }
  const training = found.get("training");
  if (training === undefined) {
    const expected = names.training.map(([images, labels]) => `${images} and ${labels}`).join(", or ");
    throw new RequestError(`data: ${source} has no images to train on; expected arrays ${expected}`);
  }
  const given = arrays.get(classesName);
  const classes =
    given?.kind === "texts"
      ? given.values
      : numberedClasses(
          classCount(`${source}: ${training.labels}`, labelsOf(source, arrays, training.labels)),
        );
  const read = (part: Part): LabelledImages | undefined => {
    const pair = found.get(part);
    if (pair === undefined) return undefined;
    const { size, pixels } = imagesOf(source, arrays, pair.images);
    const of = `${source}: ${pair.labels}`;
    const labels = checkLabels(of, labelsOf(source, arrays, pair.labels), classes.length);
    return labelled(`${source}: ${pair.images}`, size, pixels, labels);
  };
  return {
    name,
    classes,
    training: read("training")!,
    validation: read("validation"),
    test: read("test"),
    notes: [],
  };
}

function imagesOf(source: string, arrays: Arrays, name: string): { size: ImageSize; pixels: Uint8Array } {
  const array = arrays.get(name)!;
  const { shape } = array;
  if (array.kind !== "bytes" || shape.length < 3 || shape.length > 4) {
    throw new RequestError(
      `data: ${source}: ${name} has shape [${shape}]${array.kind === "bytes" ? "" : ` of ${array.kind}`}; expected ` +
        "unsigned bytes (|u1) [images, height, width] or [images, height, width, channels]",
    );
  }
  const [count, height, width, channels = 1] = shape as [number, number, number, number?];
  const size = { height, width, channels };
  requireImageSize(`${source}: ${name}`, count, size);
  return { size, pixels: array.values };
}

function labelsOf(source: string, arrays: Arrays, name: string): ArrayLike<number> {
  const array = arrays.get(name);
  if (array === undefined)
    throw new RequestError(`data: ${source} has images but no labels ${name}; add them`);
  const { shape } = array;
  if (array.kind === "texts" || shape.length < 1 || shape.slice(1).some((side) => side !== 1)) {
    throw new RequestError(
      `data: ${source}: ${name} has shape [${shape}]; expected one whole number an image`,
    );
  }
  return array.values;
}

type Arrays = ReadonlyMap<string, NpyArray>;

async function readArrays(source: string, bytes: Buffer): Promise<Arrays> {
  const arrays = new Map<string, NpyArray>();
  const refuse = (why: string) =>
    new RequestError(`data: cannot read ${source}: ${why}; expected a .npz file, fetch it again`);
  let room: number = largest.content;
  try {
    const zip = await fromBufferPromise(bytes);
    if (zip.entryCount > MOST_ENTRIES) throw refuse(`it has ${zip.entryCount} entries`);
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName.replace(/\.npy$/, "");
      if (!wanted.has(name) || arrays.has(name)) continue;
      room -= entry.uncompressedSize;
      if (room < 0) throw refuse(`its arrays have more than ${largest.content} bytes`);
      // The reader refuses an entry that unpacks to another size than it says. The buffer grows with what has come.
      const pieces: Uint8Array[] = [];
      for await (const piece of await zip.openReadStreamPromise(entry)) pieces.push(piece as Uint8Array);
      arrays.set(name, readNpy(`${source}: ${name}`, Buffer.concat(pieces)));
    }
  } catch (error) {
    throw error instanceof RequestError ? error : refuse(reason(error));
  }
  return arrays;
}
