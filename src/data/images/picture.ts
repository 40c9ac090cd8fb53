// A decoded picture of any size, before it is one of a set. Knows no format.

/** H height, W width, C channels. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 1 or 3. */
  readonly channels: number;
  /** [H, W, C] */
  readonly pixels: Uint8Array;
}

const LARGEST_SIDE = 4096;

/** @throws Error for a picture larger than any that is trained on */
export function requirePictureSize(width: number, height: number): void {
  if (width >= 1 && height >= 1 && width <= LARGEST_SIDE && height <= LARGEST_SIDE) return;
  throw new Error(`it is ${height} x ${width}; expected sides of 1 to ${LARGEST_SIDE}`);
}
