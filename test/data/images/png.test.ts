import { deflateSync } from "node:zlib";
import { encode } from "fast-png";
import { encode as encodeJpeg } from "jpeg-js";
import { describe, expect, test } from "vitest";
import { decodeJpeg } from "../../../src/data/images/jpeg.ts";
import { decodePng } from "../../../src/data/images/png.ts";
import { chunk, plainPng, png } from "./files.ts";

describe("decodePng", () => {
  test("grey of 1, 2 and 4 bits is spread over 0 to 255", () => {
    const bits = png(3, 2, [Uint8Array.of(0b10100000), Uint8Array.of(0b01000000)], { depth: 1 });
    expect([...decodePng(bits).pixels]).toEqual([255, 0, 255, 0, 255, 0]);
    const pairs = png(3, 1, [Uint8Array.of(0b00011100)], { depth: 2 });
    expect([...decodePng(pairs).pixels]).toEqual([0, 85, 255]);
    const nibbles = png(2, 1, [Uint8Array.of(0x3f)], { depth: 4 });
    expect([...decodePng(nibbles).pixels]).toEqual([51, 255]);
  });

  test("palettes, 16 bits, and transparency that is left out", () => {
    const palette = Uint8Array.of(1, 2, 3, 40, 50, 60);
    const indexed = png(2, 1, [Uint8Array.of(0b01000000)], { depth: 1, colourType: 3, palette });
    expect([...decodePng(indexed).pixels]).toEqual([1, 2, 3, 40, 50, 60]);
    const deep = png(1, 1, [Uint8Array.of(0x12, 0x34)], { depth: 16 });
    expect([...decodePng(deep).pixels]).toEqual([0x12]);
    const alpha = png(1, 2, [Uint8Array.of(9, 8, 7, 0), Uint8Array.of(6, 5, 4, 255)], { colourType: 6 });
    expect(decodePng(alpha)).toMatchObject({ channels: 3, height: 2, width: 1 });
    expect([...decodePng(alpha).pixels]).toEqual([9, 8, 7, 6, 5, 4]);
  });

  test("what another encoder has filtered comes back", () => {
    const data = Uint8Array.from({ length: 5 * 7 * 3 }, (_, i) => (i * i * 37) % 256);
    const bytes = Buffer.from(encode({ width: 5, height: 7, channels: 3, data }));
    expect([...decodePng(bytes).pixels]).toEqual([...data]);
  });

  test("a small header over much data, and other lies, are refused without unpacking them", () => {
    const honest = plainPng(2, 0);
    const header = honest.subarray(0, 33);
    const end = chunk("IEND", Buffer.alloc(0));
    const bomb = Buffer.concat([header, chunk("IDAT", deflateSync(Buffer.alloc(2 ** 24))), end]);
    expect(() => decodePng(bomb)).toThrow();
    const short = Buffer.concat([header, chunk("IDAT", deflateSync(Buffer.alloc(3))), end]);
    expect(() => decodePng(short)).toThrow(/3 bytes of pixels and needs 6/);
    const huge = Buffer.from(honest);
    huge.writeUInt32BE(2 ** 31, 16);
    expect(() => decodePng(huge)).toThrow(/expected sides of 1 to 4096/);
    const flipped = Buffer.from(honest);
    flipped[45]! ^= 0xff;
    expect(() => decodePng(flipped)).toThrow();
    expect(() => decodePng(honest.subarray(0, honest.length - 13))).toThrow(/cut short/);
  });

  test("any byte that is changed gives a picture or an error, never a hang", () => {
    const good = plainPng(3, 100);
    for (let at = 8; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at]! ^= 0x5a;
      try {
        const { pixels, width, height, channels } = decodePng(bad);
        expect(pixels.length).toBe(width * height * channels);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }
  });
});

describe("decodeJpeg", () => {
  const data = Buffer.alloc(4 * 16 * 8, 128);
  const good = encodeJpeg({ width: 16, height: 8, data }, 90).data;

  test("gives rows of pixels", () => {
    expect(decodeJpeg(good)).toMatchObject({ width: 16, height: 8, channels: 3 });
    expect(decodeJpeg(good).pixels.every((value) => Math.abs(value - 128) < 4)).toBe(true);
  });

  test("refuses what is cut short and sizes that no image has", () => {
    expect(() => decodeJpeg(good.subarray(0, good.length - 40))).toThrow(/cut short/);
    expect(() => decodeJpeg(good.subarray(0, 30))).toThrow();
    const frame = good.indexOf(Buffer.from([0xff, 0xc0]));
    const huge = Buffer.from(good);
    huge.writeUInt16BE(60_000, frame + 5);
    expect(() => decodeJpeg(huge)).toThrow(/expected sides/);
  });
});
