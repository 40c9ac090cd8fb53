// Images as training, validation and test images that have nothing in common. Knows no file.
//
// What comes split stays so. Parts that are missing are drawn from the training images with one seed for all runs, so that
// runs with other seeds can be compared and no test image is ever trained on.

import { RequestError } from "../../errors.ts";
import { createRandom } from "../random.ts";
import { shuffle } from "./batches.ts";
import { describeSize, hasSize, type ImageParts, type LabelledImages, selectImages } from "./images.ts";

/** Images to train on, to choose by, and to judge by. */
export interface ImageDataset {
  readonly name: string;
  readonly classes: readonly string[];
  readonly training: LabelledImages;
  readonly validation: LabelledImages;
  /** Seen by nothing but the evaluation of a finished model. */
  readonly test: LabelledImages;
  readonly notes: readonly string[];
}

const DEFAULT_FRACTION = 0.1;

/**
 * @param validationFraction share of the training images for each part that is missing; default 0.1
 * Errors: RequestError for parts of another size, a class that no training image has, a fraction outside (0, 0.5), and too
 * few images.
 */
export function splitImages(parts: ImageParts, validationFraction?: number): ImageDataset {
  const { name, classes, notes } = parts;
  for (const [part, images] of [
    ["validation", parts.validation],
    ["test", parts.test],
  ] as const) {
    if (images === undefined || hasSize(images, parts.training)) continue;
    throw new RequestError(
      `data: ${name} has ${part} images of ${describeSize(images)} and training images of ${describeSize(parts.training)}; ` +
        "expected one size",
    );
  }
  if (classes.length < 2) {
    throw new RequestError(`data: ${name} has ${classes.length} class; expected at least 2 to tell apart`);
  }
  if (parts.validation !== undefined && parts.test !== undefined) {
    if (validationFraction !== undefined) {
      throw new RequestError(
        `data: ${name} comes split, so a validation fraction has no meaning; leave it out`,
      );
    }
    return { name, classes, training: parts.training, validation: parts.validation, test: parts.test, notes };
  }
  const fraction = validationFraction ?? DEFAULT_FRACTION;
  if (!(fraction > 0 && fraction < 0.5)) {
    throw new RequestError(
      `data: validation fraction is ${fraction}; expected more than 0 and less than 0.5`,
    );
  }
  const { count } = parts.training;
  const held = Math.max(1, Math.round(fraction * count));
  const order = new Uint32Array(count);
  shuffle(order, createRandom(0, 8));
  let from = 0;
  const take = (images: LabelledImages | undefined): LabelledImages => {
    if (images !== undefined) return images;
    from += held;
    return selectImages(parts.training, order.subarray(from - held, from));
  };
  const [validation, test] = [take(parts.validation), take(parts.test)];
  if (from >= count) {
    throw new RequestError(`data: ${name} has ${count} images to train on; expected at least ${from + 1}`);
  }
  return {
    name,
    classes,
    training: selectImages(parts.training, order.subarray(from)),
    validation,
    test,
    notes,
  };
}
