import { describe, expect, test } from "vitest";
import { readNpy } from "../../../src/data/images/npy.ts";
import { readNpz } from "../../../src/data/images/npz.ts";
import { RequestError } from "../../../src/errors.ts";
import { npy, texts, zip } from "./files.ts";

const pixels = Uint8Array.from({ length: 3 * 2 * 2 }, (_, i) => 20 * i);
const labels = Uint8Array.from([0, 1, 1]);
const good = {
  "x_train.npy": npy("|u1", [3, 2, 2], pixels),
  "y_train.npy": npy("|u1", [3], labels),
};
const read = (files: Readonly<Record<string, Uint8Array>>) => readNpz("a.npz", "a", zip(files));
const refusal = async (files: Readonly<Record<string, Uint8Array>>): Promise<string> => {
  const error = await read(files).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RequestError);
  expect((error as Error).message).not.toContain("\n");
  return (error as Error).message;
};

describe("readNpz", () => {
  test("reads images and labels under Keras's names, grey without a channel axis", async () => {
    const { training, classes, test: rest } = await read(good);
    expect(training).toMatchObject({ count: 3, height: 2, width: 2, channels: 1 });
    expect([...training.pixels]).toEqual([...pixels]);
    expect([...training.labels]).toEqual([0, 1, 1]);
    expect(classes).toEqual(["0", "1"]);
    expect(rest).toBeUndefined();
  });

  test("reads MedMNIST's names, three parts, colour, labels [N, 1] of 64 bits, names of classes", async () => {
    const colour = new Uint8Array(2 * 1 * 1 * 3).fill(7);
    const wide = new Uint8Array(new BigInt64Array([1n, 0n]).buffer);
    const parts = ["train", "val", "test"].flatMap((part) => [
      [`${part}_images.npy`, npy("|u1", [2, 1, 1, 3], colour)] as const,
      [`${part}_labels.npy`, npy("<i8", [2, 1], wide)] as const,
    ]);
    const found = await read({
      ...Object.fromEntries(parts),
      "classes.npy": npy("<U4", [2], texts(["cat", "dog"])),
    });
    expect(found.classes).toEqual(["cat", "dog"]);
    for (const part of [found.training, found.validation!, found.test!]) {
      expect(part.channels).toBe(3);
      expect([...part.labels]).toEqual([1, 0]);
    }
  });

  test("names what is wrong in one line", async () => {
    expect(await refusal({ "z.npy": npy("|u1", [3], labels) })).toContain("has no images to train on");
    expect(await refusal({ "x_train.npy": good["x_train.npy"] })).toContain("no labels y_train");
    expect(await refusal({ ...good, "y_train.npy": npy("|u1", [2], labels.subarray(1)) })).toContain(
      "3 images and 2 labels",
    );
    expect(await refusal({ ...good, "classes.npy": npy("<U4", [1], texts(["one"])) })).toContain(
      "label 1 is 1; expected a class from 0 to 0",
    );
    const negative = new Uint8Array(new Int8Array([0, -1, 1]).buffer);
    expect(await refusal({ ...good, "y_train.npy": npy("|i1", [3], negative) })).toContain("label 1 is -1");
    expect(await refusal({ ...good, "x_train.npy": npy("<f4", [3], new Uint8Array(12)) })).toContain("<f4");
    expect(await refusal({ ...good, "x_train.npy": npy("|u1", [12], pixels) })).toContain("shape [12]");
    await expect(readNpz("a.npz", "a", Buffer.from("no archive"))).rejects.toThrow(/cannot read a\.npz/);
  });

  test("a test label that no training image has is out of range", async () => {
    const files = {
      ...good,
      "x_test.npy": npy("|u1", [1, 2, 2], pixels.subarray(0, 4)),
      "y_test.npy": npy("|u1", [1], Uint8Array.from([2])),
    };
    expect(await refusal(files)).toContain("y_test: label 0 is 2; expected a class from 0 to 1");
  });
});

describe("readNpy", () => {
  test("refuses a shape that asks for more than there is, before anything is allocated", () => {
    expect(() => readNpy("a", npy("|i4", [2 ** 40, 2 ** 10], labels))).toThrow(/needs 4503599627370496/);
    expect(() => readNpy("a", npy("|u1", [2 ** 40, 2 ** 40], labels))).toThrow(/its shape/);
    expect(() => readNpy("a", npy("|u1", [3, 1], labels, "True"))).toThrow(/Fortran/);
    expect(() => readNpy("a", Buffer.from("hello, world, hello"))).toThrow(/does not begin as one/);
    expect(() => readNpy("a", good["x_train.npy"].subarray(0, 60))).toThrow(/longer than the file/);
  });
});
