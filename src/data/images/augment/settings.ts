// How training images are changed, as data. Changes nothing itself.

import { z } from "zod";
import { numberBetween, parseStrict, wholeNumber } from "../../../strict.ts";

const schema = z.object({
  /** Pixels that an image may be moved by each way; what comes in is black. */
  crop: wholeNumber(0, 1024).default(0),
  /** Every other image, by chance, is mirrored. */
  flip: z.boolean("expected true or false").default(false),
  /** RandAugment's operations an image; 0: none. */
  operations: wholeNumber(0, 16).default(0),
  /** RandAugment's magnitude, 0 to 30. */
  magnitude: numberBetween(0, 30.001).default(9),
  /** mixup's Beta(a, a); 0: none. */
  mixup: numberBetween(0, 1000).default(0),
  /** Share of the target that all classes have in common. */
  labelSmoothing: numberBetween(0, 1).default(0),
});

/** The complete form; JSON. */
export type Augmentation = Readonly<z.infer<typeof schema>>;
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
