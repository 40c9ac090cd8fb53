// Images with labels as plain arrays, and what every reader checks of them. Knows no file.
// Legend: N images, H height, W width, C channels.

import { RequestError } from "../../errors.ts";
import { largest } from "../../inputFile.ts";

/** The size of one image. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
  /** 1 (grey) or 3 (red, green, blue). */
  readonly channels: number;
}

/** Images of one size, each with its class. */
export interface LabelledImages extends ImageSize {
  readonly count: number;
  /** [N, H, W, C], 0 to 255. */
  readonly pixels: Uint8Array;
  /** [N], 0 to the number of classes - 1. */
  readonly labels: Uint16Array;
}

/** Images as a file or folder has them; parts that are not there are cut from the training images. */
export interface ImageParts {
  readonly name: string;
  /** One name a class, in the order of the labels. */
  readonly classes: readonly string[];
  readonly training: LabelledImages;
  readonly validation?: LabelledImages | undefined;
  readonly test?: LabelledImages | undefined;
  /** What the user should know, one line each. */
  readonly notes: readonly string[];
}

/** Labels are stored in 16 bits. */
export const MOST_CLASSES = 2 ** 16;
const LARGEST_SIDE = 4096;

/** Values of one image. */
export function imageLength({ height, width, channels }: ImageSize): number {
  return height * width * channels;
}

/** `28 x 28, grey`: as sizes stand in messages. */
export function describeSize({ height, width, channels }: ImageSize): string {
  return `${height} x ${width}, ${channels === 1 ? "grey" : channels === 3 ? "colour" : `${channels} channels`}`;
}

/** Errors: RequestError, before anything is allocated, for sizes that no image has and more bytes than can be held. */
export function requireImageSize(source: string, count: number, size: ImageSize): void {
  const { height, width, channels } = size;
  const isSide = (side: number) => Number.isSafeInteger(side) && side >= 1 && side <= LARGEST_SIDE;
  if (!isSide(height) || !isSide(width) || (channels !== 1 && channels !== 3)) {
    throw new RequestError(
      `data: ${source} has images of ${describeSize(size)}; expected sides of 1 to ${LARGEST_SIDE} and 1 or 3 channels`,
    );
  }
  if (count < 1) throw new RequestError(`data: ${source} has no images; expected at least one`);
  if (!(count * imageLength(size) <= largest.content)) {
    throw new RequestError(
      `data: ${source} has ${count} images of ${describeSize(size)}; expected at most ${largest.content} bytes in all`,
    );
  }
}

/** Labels held to their classes. Errors: RequestError that names the first label out of range. */
export function checkLabels(source: string, labels: ArrayLike<number>, classes: number): Uint16Array {
  const checked = new Uint16Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!(Number.isInteger(label) && label >= 0 && label < classes)) {
      throw new RequestError(
        `data: ${source}: label ${i} is ${label}; expected a class from 0 to ${classes - 1}, as many as the training ` +
          "images have",
      );
    }
    checked[i] = label;
  }
  return checked;
}

/** How many classes labels speak of: the highest and one. Errors: RequestError for labels that are none. */
export function classCount(source: string, labels: ArrayLike<number>): number {
  let highest = -1;
  for (let i = 0; i < labels.length; i++) highest = Math.max(highest, labels[i]!);
  if (highest < MOST_CLASSES) return highest + 1;
  throw new RequestError(
    `data: ${source}: a label is ${highest}; expected classes from 0 to at most ${MOST_CLASSES - 1}`,
  );
}

/** Names of classes that have none: 0, 1, 2 … */
export function numberedClasses(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index));
}

/** Images and their labels together. Errors: RequestError where there is not one label an image. */
export function labelled(
  source: string,
  size: ImageSize,
  pixels: Uint8Array,
  labels: Uint16Array,
): LabelledImages {
  const count = pixels.length / imageLength(size);
  if (count !== labels.length) {
    throw new RequestError(
      `data: ${source} has ${count} images and ${labels.length} labels; expected as many labels as images`,
    );
  }
  const { height, width, channels } = size;
  return { count, height, width, channels, pixels, labels };
}

/** The images at `indices`, in that order. */
export function selectImages(images: LabelledImages, indices: ArrayLike<number>): LabelledImages {
  const length = imageLength(images);
  const count = indices.length;
  const pixels = new Uint8Array(count * length);
  const labels = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    const from = indices[i]!;
    pixels.set(images.pixels.subarray(from * length, (from + 1) * length), i * length);
    labels[i] = images.labels[from]!;
  }
  return { ...images, count, pixels, labels };
}

export function hasSize(images: ImageSize, { height, width, channels }: ImageSize): boolean {
  return images.height === height && images.width === width && images.channels === channels;
}
