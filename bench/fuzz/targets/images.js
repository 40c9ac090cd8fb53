// Images: .npz, IDX and CIFAR files, PNG and JPEG, damaged and lying about their sizes.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { encode } from "jpeg-js";
import { mutateBytes } from "../mutate.js";

export const description = "images (loadImages of npz, IDX, CIFAR, PNG, JPEG)";
export const seconds = 12;
export const mebibytes = 768;

/** Images of 4 by 4 of two classes in turn. */
const count = 24;
const pixels = Buffer.from(Array.from({ length: count * 16 }, (_, i) => (i * 37) % 256));
const labels = Buffer.from(Array.from({ length: count }, (_, i) => i % 2));

/** @param {readonly number[]} sizes @param {Buffer} content */
function idx(sizes, content) {
  const head = Buffer.alloc(4 + 4 * sizes.length);
  head.writeUInt32BE(0x800 + sizes.length, 0);
  for (const [i, size] of sizes.entries()) head.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([head, content]);
}

/** @param {string} shape @param {Buffer} content */
function npy(shape, content) {
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
  return Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00", "latin1"),
    Buffer.from([118, 0]),
    Buffer.from(`${text}\n`),
    content,
  ]);
}

/** A zip file without compression. @param {Readonly<Record<string, Buffer>>} files */
function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, Buffer.from(name), content]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, tail, Buffer.from(name));
    parts.push(local);
    offset += local.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(parts.length, 4);
  end.writeUInt16LE(parts.length, 6);
  end.writeUInt32LE(listed.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, listed, Buffer.from("PK\x05\x06", "latin1"), end]);
}

/** Whole chunks of a PNG, so that what is changed inside gets as far as the decoder. @param {number} interlace @param {Buffer} rows */
function png(interlace, rows) {
  const chunk = (/** @type {string} */ type, /** @type {Buffer} */ content) => {
    const body = Buffer.concat([Buffer.from(type), content]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(content.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.from([0, 0, 0, 4, 0, 0, 0, 4, 8, 0, 0, 0, interlace]);
  const start = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Buffer.concat([
    start,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const rows = Buffer.concat(Array.from({ length: 4 }, (_, i) => Buffer.from([0, i, 60, 120, 180])));
const jpeg = encode({ width: 4, height: 4, data: Buffer.alloc(64, 90) }, 80).data;
const cifar = Buffer.alloc(2 * 3073, 7);

/** Every format: its files, by path. @type {Readonly<Record<string, () => Record<string, Buffer>>>} */
const formats = {
  npz: () => ({
    "set.npz": zip({
      "x_train.npy": npy(`(${count}, 4, 4)`, pixels),
      "y_train.npy": npy(`(${count},)`, labels),
    }),
  }),
  idx: () => ({
    "train-images-idx3-ubyte": idx([count, 4, 4], pixels),
    "train-labels-idx1-ubyte": idx([count], labels),
    "t10k-images-idx3-ubyte": idx([count, 4, 4], pixels),
    "t10k-labels-idx1-ubyte": idx([count], labels),
  }),
  cifar10: () => ({
    ...Object.fromEntries([1, 2, 3, 4, 5].map((part) => [`data_batch_${part}.bin`, cifar])),
    "test_batch.bin": cifar,
  }),
  cifar100: () => ({ "train.bin": Buffer.alloc(3 * 3074, 3), "test.bin": Buffer.alloc(3074, 3) }),
  png: () => ({
    "a/1.png": png(0, rows),
    "a/2.png": png(0, rows),
    "b/1.png": png(0, rows),
    "b/2.png": png(0, rows),
  }),
  jpeg: () => ({ "a/1.jpg": jpeg, "a/2.jpg": jpeg, "b/1.jpg": jpeg, "b/2.jpg": jpeg }),
};

/** @typedef {{ files: Record<string, Buffer>, skipBad: boolean }} Input */

/** @param {import("../random.js").Random} random @returns {Input} */
export function generate(random) {
  const files = formats[random.pick(Object.keys(formats))]();
  const name = random.pick(Object.keys(files));
  const inside = Buffer.from(mutateBytes(random, rows));
  const isPng = name.endsWith(".png") && random.chance(0.4);
  files[name] = isPng ? png(random.integer(2), inside) : Buffer.from(mutateBytes(random, files[name]));
  return { files, skipBad: random.chance(0.5) };
}

/** @param {(path: string) => Promise<any>} load a module of the library @param {string} folder */
export async function prepare(load, folder) {
  const { loadImages } = await load("data/images/load");
  const data = join(folder, "images");
  return async (/** @type {Input} */ { files, skipBad }) => {
    rmSync(data, { recursive: true, force: true });
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(join(data, name, ".."), { recursive: true });
      writeFileSync(join(data, name), content);
    }
    const { training, classes } = await loadImages({ data, skipBad });
    const { count, height, width, channels } = training;
    if (training.pixels.length !== count * height * width * channels) throw new Error("pixels are missing");
    if (training.labels.some((/** @type {number} */ label) => label >= classes.length))
      throw new Error("a label is no class");
  };
}
