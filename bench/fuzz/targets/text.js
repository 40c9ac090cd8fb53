// Text data: invalid UTF-8, byte order marks, NULs, damaged and bloated gzip, folders of them.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { mutateBytes } from "../mutate.js";

export const description = "text files and folders (loadDataset)";

const pieces = [
  ...["To be, or not to be.\n", "ünïcödé ☃ 😀", "\r\n", "\0", "\ufeff", "a".repeat(1000), "\u2028", "\ufffd"],
  ...[
    Buffer.from([0xff, 0xfe]),
    Buffer.from([0xc0, 0x80]),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.from([0xf4, 0x90, 0x80, 0x80]),
  ],
];

/** @param {import("../random.js").Random} random */
function content(random) {
  const ordinary = random.chance(0.5) ? pieces.slice(0, 3) : pieces;
  let bytes = Buffer.concat(
    Array.from({ length: random.integer(20) }, () => Buffer.from(random.pick(ordinary))),
  );
  if (random.chance(0.2)) bytes = gzipSync(random.chance(0.05) ? Buffer.alloc(4_000_000, 97) : bytes);
  return random.chance(0.3) ? mutateBytes(random, bytes) : bytes;
}

/** @typedef {{ files: [string, Uint8Array][], fraction: number | undefined, tokenizer: string }} Input */

/** @param {import("../random.js").Random} random @returns {Input} */
export function generate(random) {
  const names = [
    "input.txt",
    "train.txt",
    "val.txt",
    "a.txt",
    "b.txt",
    "c.txt.gz",
    "train.txt.gz",
    "validation.txt",
  ];
  const count = random.pick([0, 1, 1, 1, 2, 5]);
  return {
    files: Array.from({ length: count }, () => [random.pick(names), content(random)]),
    fraction: random.pick([undefined, undefined, 0.5, 0, 1, -1, 1e-9, Number.NaN, 0.999]),
    tokenizer: random.pick(["characters", "bytes"]),
  };
}

/** @param {(path: string) => Promise<any>} load a module of the library @param {string} folder */
export async function prepare(load, folder) {
  const { loadDataset } = await load("data/dataset");
  return (/** @type {Input} */ input) => check(input, folder, loadDataset);
}

/** @param {Input} input @param {string} folder @param {(request: object) => Promise<any>} loadDataset */
async function check({ files, fraction, tokenizer }, folder, loadDataset) {
  const place = join(folder, "texts");
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  for (const [name, bytes] of files) writeFileSync(join(place, name), bytes);
  const only = files.length === 1 ? join(place, /** @type {[string, Uint8Array]} */ (files[0])[0]) : place;
  const dataset = await loadDataset({ data: only, tokenizer, validationFraction: fraction });
  for (const tokens of [dataset.training, dataset.validation]) {
    if (tokens.length === 0) throw new Error("a side without tokens");
    if (tokens.some((/** @type {number} */ id) => id >= dataset.tokenizer.vocabulary))
      throw new Error("an id beyond the vocabulary");
  }
}
