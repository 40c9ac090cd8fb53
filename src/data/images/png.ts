// One PNG file to pixels. Knows no folder.
//
// The decoder unpacks whatever it is given, so it is given only the chunks that make the picture, and these only once they
// are known to unpack to as many bytes as the size in the header needs.

import { inflateSync } from "node:zlib";
import { decode } from "fast-png";
import { type Picture, requirePictureSize } from "./picture.ts";

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const used = new Set(["IHDR", "PLTE", "IDAT", "IEND"]);
/** Values a pixel, by colour type. */
const samples: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const PALETTE = 3;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  readonly samples: number;
  readonly isInterlaced: boolean;
}

export function isPng(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && signature.equals(bytes.subarray(0, 8));
}

/** Transparency is left out; of 16 bits the upper 8 are kept. @throws Error with the reason where it cannot be read */
export function decodePng(bytes: Buffer): Picture {
  const chunks = chunksOf(bytes);
  const header = readHeader(chunks);
  const packed = Buffer.concat(chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data));
  const needed = unpackedBytes(header);
  const unpacked = inflateSync(packed, { maxOutputLength: needed });
  if (unpacked.length !== needed)
    throw new Error(`it has ${unpacked.length} bytes of pixels and needs ${needed}`);
  const image = decode(Buffer.concat([signature, ...chunks.map(({ whole }) => whole)]), { checkCrc: true });
  const { width, height, colourType } = header;
  const values = unpackBits(image.data, header);
  const channels = colourType === 0 || colourType === 4 ? 1 : 3;
  const pixels = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    const at = i * header.samples;
    if (colourType !== PALETTE) {
      for (let c = 0; c < channels; c++) pixels[i * channels + c] = values[at + c]!;
      continue;
    }
    const colour = image.palette?.[values[at]!];
    if (colour === undefined) throw new Error(`its palette has no colour ${values[at]}`);
    for (let c = 0; c < 3; c++) pixels[i * 3 + c] = colour[c]!;
  }
  return { width, height, channels, pixels };
}

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
  /** With length, type and checksum. */
  readonly whole: Buffer;
}

function chunksOf(bytes: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 12 + bytes.readUInt32BE(at);
    const type = bytes.toString("latin1", at + 4, at + 8);
    if (end > bytes.length) break;
    if (used.has(type)) {
      chunks.push({ type, data: bytes.subarray(at + 8, end - 4), whole: bytes.subarray(at, end) });
    }
    if (type === "IEND") return chunks;
    at = end;
  }
  throw new Error("it is cut short");
}

function readHeader([first]: readonly Chunk[]): Header {
  if (first?.type !== "IHDR" || first.data.length !== 13) throw new Error("it has no header");
  const { data } = first;
  const [width, height] = [data.readUInt32BE(0), data.readUInt32BE(4)];
  const [depth, colourType, interlace] = [data[8]!, data[9]!, data[12]!];
  requirePictureSize(width, height);
  const each = samples[colourType];
  if (each === undefined || ![1, 2, 4, 8, 16].includes(depth) || interlace > 1) {
    throw new Error(`its header is wrong: colour type ${colourType}, ${depth} bits, interlace ${interlace}`);
  }
  if (depth < 8 && (each > 1 || interlace === 1)) {
    throw new Error(`it has ${depth} bits a value${interlace === 1 ? ", interlaced" : ""}; save it with 8`);
  }
  return { width, height, depth, colourType, samples: each, isInterlaced: interlace === 1 };
}

/** First row and column of each pass of an interlaced image, and the steps from there (PNG specification, 8.2). */
const passes = [
  [0, 0, 8, 8],
  [0, 4, 8, 8],
  [4, 0, 8, 4],
  [0, 2, 4, 4],
  [2, 0, 4, 2],
  [0, 1, 2, 2],
  [1, 0, 2, 1],
] as const;

/** Rows of values, each with a filter in front. */
function unpackedBytes({ width, height, depth, samples: each, isInterlaced }: Header): number {
  const rows = (columns: number, count: number) =>
    columns === 0 ? 0 : count * (1 + Math.ceil((columns * each * depth) / 8));
  if (!isInterlaced) return rows(width, height);
  return passes.reduce(
    (total, [row, column, down, right]) =>
      total +
      rows(Math.max(0, Math.ceil((width - column) / right)), Math.max(0, Math.ceil((height - row) / down))),
    0,
  );
}

/** One value an entry, 0 to 255; of a palette, its index. */
function unpackBits(
  data: ArrayLike<number>,
  { width, height, depth, colourType, samples: each }: Header,
): ArrayLike<number> {
  if (depth === 8) return data;
  if (depth === 16) return Uint8Array.from(data, (value) => value >> 8);
  const values = new Uint8Array(width * height * each);
  const stride = Math.ceil((width * depth) / 8);
  const most = 2 ** depth - 1;
  const scale = colourType === PALETTE ? 1 : 255 / most;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = data[y * stride + (bit >> 3)]!;
      values[y * width + x] = ((byte >> (8 - depth - (bit & 7))) & most) * scale;
    }
  }
  return values;
}
