// One array of NumPy's .npy format. Knows nothing of images.
// Format: numpy.lib.format, versions 1 to 3: magic, version, length of the header, a Python dictionary, the values.

import { RequestError } from "../../errors.ts";
import { sizeOf } from "../../tensor/tensor.ts";

/** Integers, or texts of a fixed length. */
export type NpyArray =
  | { readonly kind: "bytes"; readonly shape: readonly number[]; readonly values: Uint8Array }
  | { readonly kind: "integers"; readonly shape: readonly number[]; readonly values: Float64Array }
  | { readonly kind: "texts"; readonly shape: readonly number[]; readonly values: readonly string[] };

/** An array's first bytes, with its header in them. */
export const NPY_HEADER_BYTES = 2 ** 16;
const LONGEST_TEXT = 1024;

interface Header {
  readonly type: string;
  readonly shape: readonly number[];
  /** Where the values begin. */
  readonly start: number;
}

/**
 * Reads an array; unsigned bytes are not copied. Errors: RequestError for what is no .npy file, for other values than
 * integers and texts, for Fortran order, and where the bytes are not as many as the shape says.
 */
export function readNpy(source: string, bytes: Uint8Array): NpyArray {
  const { type, shape, start } = readHeader(source, bytes);
  const count = sizeOf(shape);
  const found = /^([<>|=])([bBiuU])(\d{1,4})$/.exec(type);
  const size = found === null ? 0 : Number(found[3]) * (found[2] === "U" ? 4 : 1);
  const isText = found?.[2] === "U";
  if (found === null || (isText ? size / 4 > LONGEST_TEXT : ![1, 2, 4, 8].includes(size))) {
    throw new RequestError(
      `data: ${source} has values of type ${JSON.stringify(type.slice(0, 40))}; expected integers, such as |u1`,
    );
  }
  if (bytes.length - start !== count * size) {
    throw new RequestError(
      `data: ${source} has ${bytes.length - start} bytes of values; its shape [${shape}] needs ${count * size}: the file ` +
        "is damaged, fetch it again",
    );
  }
  const isLittle = found[1] !== ">";
  if (isText)
    return { kind: "texts", shape, values: readTexts(bytes.subarray(start), count, size, isLittle) };
  if (size === 1 && found[2] !== "i") return { kind: "bytes", shape, values: bytes.subarray(start) };
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, count * size);
  const values = Float64Array.from({ length: count }, (_, i) =>
    integerAt(view, i * size, size, found[2] !== "i", isLittle),
  );
  return { kind: "integers", shape, values };
}

function readHeader(source: string, bytes: Uint8Array): Header {
  const refuse = (why: string) => new RequestError(`data: ${source} is no array of NumPy (.npy): ${why}`);
  const isMagic =
    bytes.length >= 12 && bytes[0] === 0x93 && Buffer.from(bytes.subarray(1, 6)).toString() === "NUMPY";
  if (!isMagic) throw refuse("it does not begin as one");
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw refuse(`its version is ${version}; expected 1 to 3`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = (version === 1 ? 10 : 12) + length;
  if (length > NPY_HEADER_BYTES || start > bytes.length) throw refuse("its header is longer than the file");
  const header = Buffer.from(bytes.subarray(start - length, start)).toString("utf8");
  const type = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const isFortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const sides = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(header)?.[1];
  if (type === undefined || isFortran === undefined || sides === undefined) {
    throw refuse("its header lacks the type, the order or the shape of its values");
  }
  const shape = sides
    .split(",")
    .filter((side) => side.trim() !== "")
    .map((side) => Number.parseInt(side, 10));
  if (shape.length > 8 || !Number.isSafeInteger(sizeOf(shape))) throw refuse(`its shape is [${shape}]`);
  if (isFortran === "True" && shape.length > 1) {
    throw refuse("its values are in Fortran order; save it in C order (numpy.ascontiguousarray)");
  }
  return { type, shape, start };
}

function integerAt(view: DataView, at: number, size: number, isUnsigned: boolean, isLittle: boolean): number {
  switch (size) {
    case 1:
      return isUnsigned ? view.getUint8(at) : view.getInt8(at);
    case 2:
      return isUnsigned ? view.getUint16(at, isLittle) : view.getInt16(at, isLittle);
    case 4:
      return isUnsigned ? view.getUint32(at, isLittle) : view.getInt32(at, isLittle);
    default:
      return Number(isUnsigned ? view.getBigUint64(at, isLittle) : view.getBigInt64(at, isLittle));
  }
}

/** Code points of 4 bytes each; zeros fill up the end. */
function readTexts(bytes: Uint8Array, count: number, size: number, isLittle: boolean): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: count }, (_, i) => {
    let text = "";
    for (let at = i * size; at < (i + 1) * size; at += 4) {
      const point = view.getUint32(at, isLittle);
      if (point !== 0) text += point <= 0x10ffff ? String.fromCodePoint(point) : "\ufffd";
    }
    return text;
  });
}
