// How training images are changed, as data. Changes nothing itself.

import { z } from "zod";
import { numberBetween, parseStrict, wholeNumber } from "../../../strict.ts";

const schema = z.object({
  crop: wholeNumber(0, 1024).default(0),
  flip: z.boolean("expected true or false").default(false),
  operations: wholeNumber(0, 16).default(0),
  magnitude: numberBetween(0, 30.001).default(9),
  mixup: numberBetween(0, 1000).default(0),
  labelSmoothing: numberBetween(0, 1).default(0),
});

/** How training images are changed, in this order. The complete form; JSON. */
export interface Augmentation {
  /** Pixels that an image may be moved by each way; what comes in is black. Default 0. */
  readonly crop: number;
  /** Every other image, by chance, is mirrored. Default false. */
  readonly flip: boolean;
  /** RandAugment's operations an image; 0, the default: none. */
  readonly operations: number;
  /** RandAugment's magnitude, 0 to 30; default 9. */
  readonly magnitude: number;
  /** mixup's Beta(a, a); 0, the default: none. */
  readonly mixup: number;
  /** Share of the target that all classes have in common, below 1; default 0. */
  readonly labelSmoothing: number;
}

/** How training images are changed; everything has a default, which is no change. */
export type AugmentationInput = Partial<Augmentation>;

/** Errors: RequestError for unknown keys and impossible values. */
export function defineAugmentation(input: AugmentationInput | unknown = {}): Augmentation {
  return parseStrict("augmentation", schema, input);
}

/** Whether targets are probabilities of all classes instead of one class. */
export function hasSoftTargets({ mixup, labelSmoothing }: Augmentation): boolean {
  return mixup > 0 || labelSmoothing > 0;
}
