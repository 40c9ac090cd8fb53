// Hand-made files of every format that images come in. Knows none of the readers.

import { crc32, deflateSync } from "node:zlib";

/** A .npy file of version 1. */
export function npy(type: string, shape: readonly number[], values: Uint8Array, order = "False"): Buffer {
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${type}', 'fortran_order': ${order}, 'shape': (${sides}), }`;
  const header = `${text.padEnd(117)}\n`;
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]);
  return Buffer.concat([start, Buffer.from(header), values]);
}

/** `<U4` values. */
export function texts(words: readonly string[]): Uint8Array {
  const bytes = Buffer.alloc(16 * words.length);
  words.forEach((word, i) => {
    for (const [j, letter] of [...word].entries())
      bytes.writeUInt32LE(letter.codePointAt(0)!, 16 * i + 4 * j);
  });
  return bytes;
}

/** A zip archive of stored files. */
export function zip(files: Readonly<Record<string, Uint8Array>>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(files)) {
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(name), content]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(at, 10);
    directory.push(
      Buffer.concat([Buffer.from("PK\x01\x02"), Buffer.from([20, 0]), common, rest, Buffer.from(name)]),
    );
    parts.push(local);
    at += local.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(list.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, list, Buffer.from("PK\x05\x06"), end]);
}

/** An IDX file of unsigned bytes. */
export function idx(shape: readonly number[], values: Uint8Array): Buffer {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head[2] = 8;
  head[3] = shape.length;
  for (const [i, side] of shape.entries()) head.writeUInt32BE(side, 4 + 4 * i);
  return Buffer.concat([head, values]);
}

export interface PngOptions {
  readonly depth?: number;
  readonly colourType?: number;
  readonly palette?: Uint8Array;
}

/** A PNG file of rows of packed bytes, without a filter. */
export function png(
  width: number,
  height: number,
  rows: readonly Uint8Array[],
  options: PngOptions = {},
): Buffer {
  const { depth = 8, colourType = 0, palette } = options;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  header[9] = colourType;
  const lines = Buffer.concat(rows.flatMap((row) => [Buffer.from([0]), row]));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    ...(palette === undefined ? [] : [chunk("PLTE", palette)]),
    chunk("IDAT", deflateSync(lines)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

export function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(data.length);
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(body));
  return Buffer.concat([head, body, tail]);
}

/** A grey PNG of one value. */
export function plainPng(side: number, value: number): Buffer {
  return png(
    side,
    side,
    Array.from({ length: side }, () => new Uint8Array(side).fill(value)),
  );
}
