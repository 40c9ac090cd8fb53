// Changes of brightness and colour, in place. H height, W width, C channels.
// Operations: Cubuk et al. 2019, "AutoAugment", table 6, as PIL has them.

import type { ImageSize } from "../images.ts";

/** Every value v of channel c becomes `table(c, v)`. */
function mapValues(
  pixels: Uint8Array,
  { channels }: ImageSize,
  table: (channel: number, value: number) => number,
): void {
  const values = new Uint8Array(256 * channels);
  for (let i = 0; i < values.length; i++) values[i] = clamp(table(Math.floor(i / 256), i % 256));
  for (let i = 0; i < pixels.length; i++) pixels[i] = values[256 * (i % channels) + pixels[i]!]!;
}

/** As bytes store a number: cut off, not rounded. */
function clamp(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.floor(value);
}

/** How often each value occurs in a channel: [256]. */
function histogram(pixels: Uint8Array, { channels }: ImageSize, channel: number): Uint32Array {
  const counts = new Uint32Array(256);
  for (let i = channel; i < pixels.length; i += channels) counts[pixels[i]!]!++;
  return counts;
}

/** Each channel is stretched to reach from 0 to 255. */
export function autoContrast(pixels: Uint8Array, size: ImageSize): void {
  const ranges = Array.from({ length: size.channels }, (_, channel) => {
    const counts = histogram(pixels, size, channel);
    return [counts.findIndex((count) => count > 0), counts.findLastIndex((count) => count > 0)] as const;
  });
  mapValues(pixels, size, (channel, value) => {
    const [low, high] = ranges[channel]!;
    return high > low ? ((value - low) * 255) / (high - low) : value;
  });
}

/** Each channel gets about as many pixels of each value. */
export function equalize(pixels: Uint8Array, size: ImageSize): void {
  const tables = Array.from({ length: size.channels }, (_, channel) =>
    equalizing(histogram(pixels, size, channel)),
  );
  mapValues(pixels, size, (channel, value) => tables[channel]![value]!);
}

function equalizing(counts: Uint32Array): number[] {
  const last = counts.findLast((count) => count > 0)!;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const step = Math.floor((total - last) / 255);
  if (step === 0) return Array.from(counts, (_, value) => value);
  let below = Math.floor(step / 2);
  return Array.from(counts, (count) => {
    const value = Math.floor(below / step);
    below += count;
    return value;
  });
}

/** Values of at least `threshold` are inverted. */
export function solarize(pixels: Uint8Array, size: ImageSize, threshold: number): void {
  mapValues(pixels, size, (_, value) => (value < threshold ? value : 255 - value));
}

/** The upper `bits` of every value are kept. */
export function posterize(pixels: Uint8Array, size: ImageSize, bits: number): void {
  const step = 2 ** Math.max(0, 8 - bits);
  mapValues(pixels, size, (_, value) => value - (value % step));
}

/** 0: black; 1: unchanged. */
export function brightness(pixels: Uint8Array, size: ImageSize, factor: number): void {
  mapValues(pixels, size, (_, value) => factor * value);
}

/** 0: all of the mean grey; 1: unchanged. */
export function contrast(pixels: Uint8Array, size: ImageSize, factor: number): void {
  let total = 0;
  const count = pixels.length / size.channels;
  for (let i = 0; i < count; i++) total += greyAt(pixels, size, i);
  const mean = Math.floor(total / count + 0.5);
  mapValues(pixels, size, (_, value) => mean + factor * (value - mean));
}

/** 0: grey; 1: unchanged. A grey image stays as it is. */
export function saturate(pixels: Uint8Array, size: ImageSize, factor: number): void {
  if (size.channels === 1) return;
  for (let i = 0; i < pixels.length / 3; i++) {
    const grey = greyAt(pixels, size, i);
    for (let at = 3 * i; at < 3 * i + 3; at++) pixels[at] = clamp(grey + factor * (pixels[at]! - grey));
  }
}

/** ITU-R 601-2, as a whole number. */
function greyAt(pixels: Uint8Array, { channels }: ImageSize, pixel: number): number {
  const at = pixel * channels;
  if (channels === 1) return pixels[at]!;
  return Math.floor(0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]! + 1e-6);
}

/** 0: smoothed by [1 1 1; 1 5 1; 1 1 1] / 13; 1: unchanged. The outermost pixels stay as they are. */
export function sharpen(pixels: Uint8Array, { height, width, channels }: ImageSize, factor: number): void {
  const from = pixels.slice();
  const row = width * channels;
  for (let y = 1; y < height - 1; y++) {
    for (let i = channels; i < row - channels; i++) {
      const at = y * row + i;
      let sum = 4 * from[at]!;
      for (let line = at - row; line <= at + row; line += row) {
        sum += from[line - channels]! + from[line]! + from[line + channels]!;
      }
      const smooth = Math.floor(sum / 13);
      pixels[at] = clamp(smooth + factor * (from[at]! - smooth));
    }
  }
}
