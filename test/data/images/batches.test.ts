import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defineAugmentation } from "../../../src/data/images/augment/settings.ts";
import {
  createImageSampler,
  type ImageSamplerOptions,
  imageEvaluationBatches,
} from "../../../src/data/images/batches.ts";
import { imageLength, type LabelledImages } from "../../../src/data/images/images.ts";
import {
  defaultPatchSide,
  definePatches,
  normalisationOf,
  writePatches,
} from "../../../src/data/images/patches.ts";
import { drawShapes, shapeNames } from "../../../src/data/images/shapes.ts";
import { splitImages } from "../../../src/data/images/split.ts";

/** Every pixel of image i is i, its label i mod 3. */
function numbered(count: number, side = 4): LabelledImages {
  const pixels = Uint8Array.from({ length: count * side * side }, (_, i) => Math.floor(i / (side * side)));
  const labels = Uint16Array.from({ length: count }, (_, i) => i % 3);
  return { count, height: side, width: side, channels: 1, pixels, labels };
}

const plain = { mean: [0], deviation: [1] };
const optionsOf = (images: LabelledImages, more: Partial<ImageSamplerOptions> = {}): ImageSamplerOptions => ({
  ...{ images, classes: 3, patches: definePatches(images, 2), normalisation: plain, batch: 4, seed: 1 },
  ...{ order: "epochs", augmentation: defineAugmentation(), ...more },
});
const copied = ({ inputs, targets }: { inputs: Float32Array; targets: Int32Array | Float32Array }) => ({
  inputs: [...inputs],
  targets: [...targets],
});

describe("patches", () => {
  test("each pixel is where the patch's row, column and channel say", () => {
    const size = fc.record({
      side: fc.integer({ min: 1, max: 3 }),
      down: fc.integer({ min: 1, max: 3 }),
      across: fc.integer({ min: 1, max: 3 }),
      channels: fc.constantFrom(1, 3),
    });
    fc.assert(
      fc.property(size, ({ side, down, across, channels }) => {
        const image = { height: side * down, width: side * across, channels };
        const pixels = Uint8Array.from({ length: imageLength(image) }, (_, i) => i);
        const patches = definePatches(image, side);
        expect(patches).toMatchObject({ count: down * across, inputs: side * side * channels });
        const mean = [1, 2, 3].slice(0, channels);
        const got = new Float32Array(pixels.length);
        writePatches(pixels, image, patches, { mean, deviation: [2, 4, 8].slice(0, channels) }, got);
        const expected: number[] = [];
        for (let py = 0; py < down; py++)
          for (let px = 0; px < across; px++)
            for (let y = 0; y < side; y++)
              for (let x = 0; x < side; x++)
                for (let c = 0; c < channels; c++) {
                  const at = ((py * side + y) * image.width + px * side + x) * channels + c;
                  expected.push((pixels[at]! - mean[c]!) / 2 ** (c + 1));
                }
        expect([...got]).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  test("a side that does not fit is refused with those that do; the default leaves 7 or more", () => {
    expect(() => definePatches({ height: 28, width: 28, channels: 1 }, 5)).toThrow(
      /expected one of 1, 2, 4, 7, 14, 28/,
    );
    const sides = [28, 32, 224, 5].map((side) =>
      defaultPatchSide({ height: side, width: side, channels: 1 }),
    );
    expect(sides).toEqual([4, 4, 32, 1]);
  });

  test("normalised training images have mean 0 and deviation 1 in each channel", () => {
    const images = drawShapes(5, 20);
    const { mean, deviation } = normalisationOf(images);
    for (let c = 0; c < 3; c++) {
      const values = [...images.pixels]
        .filter((_, i) => i % 3 === c)
        .map((value) => (value - mean[c]!) / deviation[c]!);
      const average = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
      expect(average).toBeCloseTo(0, 6);
      expect(variance).toBeCloseTo(1, 6);
    }
    expect(normalisationOf(numbered(1)).deviation[0]).toBeGreaterThan(0);
  });
});

describe("createImageSampler", () => {
  test("an epoch has every image once, with its label, whatever the batch", () => {
    const sampled = createImageSampler(optionsOf(numbered(12), { batch: 4 }));
    const epochs = [0, 1].map((epoch) =>
      [0, 1, 2].flatMap((step) => {
        const { inputs, targets } = sampled(3 * epoch + step);
        return [0, 1, 2, 3].map((row) => {
          const image = inputs[16 * row]!;
          expect(targets[row]).toBe(image % 3);
          return image;
        });
      }),
    );
    for (const epoch of epochs) expect([...epoch].sort((a, b) => a - b)).toEqual([...Array(12).keys()]);
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  test("a step's batch depends on nothing but options and step, all changes included", () => {
    const augmentation = defineAugmentation({
      ...{ crop: 1, flip: true, operations: 2, magnitude: 12, mixup: 0.5, labelSmoothing: 0.1 },
    });
    const images = drawShapes(1, 12);
    const options = optionsOf(images, {
      ...{ augmentation, classes: shapeNames.length, patches: definePatches(images, 8) },
      normalisation: normalisationOf(images),
    });
    const first = createImageSampler(options);
    const inOrder = [0, 1, 2, 3].map((step) => copied(first(step)));
    const second = createImageSampler(options);
    for (const step of [3, 0, 2, 1]) expect(copied(second(step))).toEqual(inOrder[step]);
    expect(copied(createImageSampler({ ...options, seed: 2 })(0))).not.toEqual(inOrder[0]);
    for (const { targets } of inOrder) {
      for (let row = 0; row < 4; row++) {
        const shares = targets.slice(10 * row, 10 * row + 10);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
      }
    }
  });

  test("with mixup the label is mixed as the pixels are", () => {
    const augmentation = defineAugmentation({ mixup: 1 });
    const { inputs, targets } = createImageSampler(optionsOf(numbered(12), { augmentation }))(0);
    const { inputs: before } = createImageSampler(optionsOf(numbered(12)))(0);
    for (let row = 0; row < 4; row++) {
      const [own, other] = [before[16 * row]!, before[(16 * (row + 1)) % 64]!];
      const weight = (inputs[16 * row]! - other) / (own - other);
      const expected = [0, 0, 0];
      expected[own % 3]! += weight;
      expected[other % 3]! += 1 - weight;
      for (const [label, share] of expected.entries()) expect(targets[3 * row + label]).toBeCloseTo(share, 4);
    }
  });
});

test("evaluation has every image once, in order; the rest of the last batch does not count", () => {
  const images = numbered(7);
  const batches = [...imageEvaluationBatches(images, definePatches(images, 4), plain, 3)].map((batch) => ({
    ...copied(batch),
    scored: batch.scored,
  }));
  // Batches share their memory, so what is left of them is the last one.
  expect(batches.map(({ scored }) => scored)).toEqual([3, 3, 1]);
  expect(batches[2]!.targets).toEqual([0, -1, -1]);
  expect(batches[2]!.inputs).toEqual([...Array(16).fill(6), ...Array(32).fill(0)]);
});

describe("splitImages", () => {
  const parts = { name: "n", classes: ["a", "b", "c"], training: numbered(40), notes: [] };

  test("missing parts are drawn from the training images, and no image is in two parts", () => {
    const { training, validation, test: rest } = splitImages(parts);
    expect([training.count, validation.count, rest.count]).toEqual([32, 4, 4]);
    const first = ({ pixels }: LabelledImages) => [...pixels].filter((_, i) => i % 16 === 0);
    const all = [training, validation, rest].flatMap(first);
    expect(all.sort((a, b) => a - b)).toEqual([...Array(40).keys()]);
    for (const part of [training, validation, rest]) {
      expect([...part.labels]).toEqual(first(part).map((image) => image % 3));
    }
  });

  test("a published test part stays whole; what cannot be split is refused", () => {
    const rest = numbered(5);
    expect(splitImages({ ...parts, test: rest }).test).toBe(rest);
    expect(() => splitImages({ ...parts, test: numbered(5, 6) })).toThrow(
      /test images of 6 x 6, grey and training/,
    );
    expect(() => splitImages(parts, 0.5)).toThrow(/more than 0 and less than 0.5/);
    expect(() => splitImages({ ...parts, training: numbered(2) })).toThrow(/expected at least 3/);
    expect(() => splitImages({ ...parts, classes: ["a"] })).toThrow(/1 class/);
    expect(() => splitImages({ ...parts, validation: rest, test: rest }, 0.1)).toThrow(/comes split/);
  });
});

describe("drawShapes", () => {
  test("the same seed draws the same bits, another seed others; shapes take turns", () => {
    const images = drawShapes(1, 12);
    expect(drawShapes(1, 12)).toEqual(images);
    expect(drawShapes(2, 12).pixels).not.toEqual(images.pixels);
    expect([...images.labels]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    // The first images do not depend on how many there are.
    expect(drawShapes(1, 3).pixels).toEqual(images.pixels.subarray(0, 3 * 32 * 32 * 3));
  });

  test("a shape stands out from what is behind it and leaves the border free", () => {
    const { pixels } = drawShapes(7, 100);
    for (let image = 0; image < 100; image++) {
      const brightness = Array.from({ length: 1024 }, (_, i) => {
        const at = 3 * (1024 * image + i);
        return 0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]!;
      });
      const border = brightness.filter((_, i) => i < 32 || i >= 992);
      const mean = border.reduce((sum, value) => sum + value, 0) / border.length;
      expect(Math.max(...border.map((value) => Math.abs(value - mean)))).toBeLessThan(26);
      expect(Math.max(...brightness.map((value) => Math.abs(value - mean)))).toBeGreaterThan(40);
    }
  });
});
