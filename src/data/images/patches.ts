// Images as sequences of patches, normalised. B batch, N patches, P side of a patch, H height, W width, C channels.

import { RequestError } from "../../errors.ts";
import { describeSize, type ImageSize, type LabelledImages } from "./images.ts";

/** Of the training images, over all pixels: what is subtracted, and what divides. */
export interface Normalisation {
  /** [C], 0 to 255. */
  readonly mean: readonly number[];
  /** [C], at least a small number. */
  readonly deviation: readonly number[];
}

/** A channel that is the same everywhere is not divided by nothing. */
const LEAST_DEVIATION = 1e-3;

/** Mean and standard deviation of each channel. */
export function normalisationOf({ pixels, channels }: LabelledImages): Normalisation {
  // Sums of whole numbers, so that neither order nor number of images matters to a bit.
  const sums = new Array<number>(channels).fill(0);
  const squares = new Array<number>(channels).fill(0);
  for (let i = 0; i < pixels.length; i++) {
    const value = pixels[i]!;
    sums[i % channels]! += value;
    squares[i % channels]! += value * value;
  }
  const count = pixels.length / channels;
  const mean = sums.map((sum) => sum / count);
  const deviation = squares.map((sum, channel) =>
    Math.max(LEAST_DEVIATION, Math.sqrt(Math.max(0, sum / count - mean[channel]! ** 2))),
  );
  return { mean, deviation };
}

/** How an image is cut. */
export interface Patching {
  /** P. */
  readonly side: number;
  /** N. */
  readonly count: number;
  /** P * P * C: numbers of a patch. */
  readonly inputs: number;
}

/** Errors: RequestError where the side of an image is no multiple of a patch's. */
export function definePatches(size: ImageSize, side: number): Patching {
  const { height, width, channels } = size;
  if (!Number.isSafeInteger(side) || side < 1 || height % side !== 0 || width % side !== 0) {
    const fitting = Array.from({ length: Math.min(height, width) }, (_, i) => i + 1).filter(
      (each) => height % each === 0 && width % each === 0,
    );
    throw new RequestError(
      `data: images of ${describeSize(size)} cannot be cut into patches of ${side}; expected one of ${fitting.join(", ")}`,
    );
  }
  return { side, count: (height / side) * (width / side), inputs: side * side * channels };
}

/** The largest patch that cuts the shorter side into at least 7, which leaves enough places for attention to be of use. */
export function defaultPatchSide(size: ImageSize): number {
  const { height, width } = size;
  const shorter = Math.min(height, width);
  for (let side = Math.floor(shorter / 7); side > 1; side--) {
    if (height % side === 0 && width % side === 0) return side;
  }
  return 1;
}

/**
 * One image [H, W, C] as normalised patches [N, P * P * C], rows of patches from the top, each patch by rows.
 * `to` has room for exactly these.
 */
export function writePatches(
  pixels: Uint8Array,
  { height, width, channels }: ImageSize,
  { side, inputs }: Patching,
  { mean, deviation }: Normalisation,
  to: Float32Array,
): void {
  const across = width / side;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const patch = Math.floor(y / side) * across + Math.floor(x / side);
      const into = patch * inputs + ((y % side) * side + (x % side)) * channels;
      const at = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) to[into + c] = (pixels[at + c]! - mean[c]!) / deviation[c]!;
    }
  }
}
