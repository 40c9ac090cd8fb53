// An image moved, sheared or turned, by the nearest pixel. H height, W width, C channels.

import type { ImageSize } from "../images.ts";

/** The pixel at (x, y) comes from (a x + b y + c, d x + e y + f). */
export type AffineMap = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

export const shearX = (share: number): AffineMap => [1, share, 0, 0, 1, 0];
export const shearY = (share: number): AffineMap => [1, 0, 0, share, 1, 0];
export const translate = (right: number, down: number): AffineMap => [1, 0, right, 0, 1, down];

/** About the middle, by an angle in radians. */
export function rotate(angle: number, { height, width }: ImageSize): AffineMap {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [(width - 1) / 2, (height - 1) / 2];
  return [cosine, -sine, x - cosine * x + sine * y, sine, cosine, y - sine * x - cosine * y];
}

/** In place; what comes in from beyond the edge has the colour `fill` [C]. */
export function applyAffine(
  pixels: Uint8Array,
  { height, width, channels }: ImageSize,
  [a, b, c, d, e, f]: AffineMap,
  fill: ArrayLike<number>,
): void {
  const from = pixels.slice();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const column = Math.round(a * x + b * y + c);
      const row = Math.round(d * x + e * y + f);
      const isInside = row >= 0 && row < height && column >= 0 && column < width;
      const at = (y * width + x) * channels;
      const source = (row * width + column) * channels;
      for (let k = 0; k < channels; k++) pixels[at + k] = isInside ? from[source + k]! : fill[k]!;
    }
  }
}
