// One JPEG file to pixels. Knows no folder.

import { decode } from "jpeg-js";
import { type Picture, requirePictureSize } from "./picture.ts";

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes.length >= 3 && bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/** @throws Error with the reason where it cannot be read */
export function decodeJpeg(bytes: Buffer): Picture {
  const { width, height, components } = readFrame(bytes);
  requirePictureSize(width, height);
  // Decoding fills in what is missing at the end of a file that was cut short.
  if (bytes.lastIndexOf(Buffer.from([0xff, 0xd9])) < 0) throw new Error("it is cut short");
  const image = decode(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    tolerantDecoding: false,
    maxResolutionInMP: 17,
    maxMemoryUsageInMB: 512,
  });
  if (image.width !== width || image.height !== height) throw new Error("it gives two sizes");
  if (components !== 1) return { width, height, channels: 3, pixels: image.data };
  const pixels = Uint8Array.from({ length: width * height }, (_, i) => image.data[3 * i]!);
  return { width, height, channels: 1, pixels };
}

/** What the first frame header says (ITU T.81, B.2.2). */
function readFrame(bytes: Buffer): { width: number; height: number; components: number } {
  for (let at = 2; at + 10 <= bytes.length; ) {
    const marker = bytes[at + 1]!;
    if (bytes[at] !== 0xff) break;
    // Markers may be filled up with more of these.
    if (marker === 0xff) {
      at++;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) {
      return {
        height: bytes.readUInt16BE(at + 5),
        width: bytes.readUInt16BE(at + 7),
        components: bytes[at + 9]!,
      };
    }
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  throw new Error("it has no frame");
}
