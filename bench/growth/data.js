// The novels as this study uses them: training text, and two halves of the held-out text dealt out in turn, one to choose rates
// by and one that every figure is of. Knows no network.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { dataFolders } from "../../dist/index.js";

/** Names of the data sets that are made. */
export const NOVELS = "growth-novels";
export const SELECTION = "growth-selection";

const BLOCK = 1024;

/**
 * Writes both into `folder`, where they are not there yet.
 * @param count blocks of each half
 * @returns what identifies them; undefined where there are no novels
 */
export function prepareData(folder, count) {
  const source = dataFolders(process.env)
    .map((one) => path.join(one, "gutenberg_novels"))
    .find((one) => existsSync(path.join(one, "train.txt.gz")));
  if (source === undefined) return undefined;
  const read = (name) => gunzipSync(readFileSync(path.join(source, name)));
  const [train, held] = [read("train.txt.gz"), read("val_same_books.txt.gz")];
  const whole = Math.floor(held.length / BLOCK);
  if (whole < 2 * count)
    throw new Error(`${source}: the held-out text has ${held.length} characters, too few`);
  const blocks = Array.from({ length: 2 * count }, (_, i) => {
    const start = BLOCK * Math.floor((i * whole) / (2 * count));
    return held.subarray(start, start + BLOCK);
  });
  const half = (odd) => Buffer.concat(blocks.filter((_, i) => i % 2 === odd));
  const files = {
    [`${NOVELS}/train.txt`]: train,
    [`${NOVELS}/val.txt`]: half(0),
    [`${SELECTION}/text.txt`]: half(1),
  };
  const hash = createHash("sha256");
  for (const [name, content] of Object.entries(files)) {
    hash.update(content);
    const file = path.join(folder, name);
    if (existsSync(file) && readFileSync(file).equals(content)) continue;
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return { sha256: hash.digest("hex"), heldOutCharacters: BLOCK * count };
}
