// The IDX format of MNIST: two zeros, a type, the number of dimensions, their sizes, the values. Knows one file at a time.
// Format: LeCun, Cortes, Burges, "The MNIST database of handwritten digits".

import { RequestError } from "../../errors.ts";
import { sizeOf } from "../../tensor/tensor.ts";

const UNSIGNED_BYTE = 0x08;
const MOST_DIMENSIONS = 4;

export interface IdxArray {
  readonly shape: readonly number[];
  /** Not copied. */
  readonly values: Uint8Array;
}

/** Errors: RequestError for what is no IDX file of unsigned bytes, and where the bytes are not as many as it says. */
export function readIdx(source: string, bytes: Uint8Array): IdxArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isIdx = bytes.length >= 4 && view.getUint16(0) === 0 && bytes[2] === UNSIGNED_BYTE;
  const dimensions = isIdx ? bytes[3]! : 0;
  const start = 4 + 4 * dimensions;
  if (dimensions < 1 || dimensions > MOST_DIMENSIONS || start > bytes.length) {
    throw new RequestError(
      `data: ${source} is no IDX file of unsigned bytes; expected it to begin with 00 00 08 and 1 to ${MOST_DIMENSIONS} ` +
        "dimensions",
    );
  }
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  if (bytes.length - start !== sizeOf(shape)) {
    throw new RequestError(
      `data: ${source} has ${bytes.length - start} bytes of values; its sizes [${shape}] need ${sizeOf(shape)}: the file ` +
        "is damaged, fetch it again",
    );
  }
  return { shape, values: bytes.subarray(start) };
}
