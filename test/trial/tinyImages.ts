// A set of tiny images as files: which half is bright.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom } from "../../src/data/random.ts";
import { idx } from "../data/images/files.ts";

const SIDE = 8;

/** 8 x 8 pixels in grey, two classes; validation images come out of the training images. */
export function writeTinyImages(folder: string, training: number, test: number): void {
  mkdirSync(folder, { recursive: true });
  const random = createRandom(1, 0);
  const write = (part: string, count: number, first: number) => {
    const labels = Uint8Array.from({ length: count }, (_, i) => i % 2);
    const pixels = Uint8Array.from({ length: count * SIDE ** 2 }, (_, at) => {
      const [image, column] = [Math.floor(at / SIDE ** 2), at % SIDE];
      const isBright = column < SIDE / 2 === (labels[image] === 0);
      return random.integer(first + at, 120) + (isBright ? 60 : 0);
    });
    writeFileSync(join(folder, `${part}-images-idx3-ubyte`), idx([count, SIDE, SIDE], pixels));
    writeFileSync(join(folder, `${part}-labels-idx1-ubyte`), idx([count], labels));
  };
  write("train", training, 0);
  write("t10k", test, 1e6);
}
