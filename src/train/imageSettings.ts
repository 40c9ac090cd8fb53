// The images of a run as its configuration has them. Reads no image.
import { z } from "zod";
import { type Augmentation, defineAugmentation } from "../data/images/augment/settings.ts";

const side = z.int().min(1);

/** The images of a run in its configuration. */
/** The images of a run: which, how they are cut and changed, and what was found in them. */
export interface ImageSettings {
  readonly kind: "images";
  /** As they were asked for. */
  readonly data: string;
  readonly validationFraction: number | null;
  readonly skipBad: boolean;
  /** Side of a patch. */
  readonly patch: number;
  readonly augmentation: Augmentation;
  readonly name: string;
  readonly classes: readonly string[];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly trainingImages: number;
  readonly validationImages: number;
  readonly testImages: number;
  /** Of the training images, [C], 0 to 255. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** SHA-256 over all pixels, labels and classes. */
  readonly sha256: string;
}

export const imageSettingsSchema = z.strictObject({
  kind: z.literal("images"),
  data: z.string(),
  validationFraction: z.number().nullable(),
  skipBad: z.boolean(),
  patch: side,
  augmentation: z.unknown().transform(defineAugmentation),
  name: z.string(),
  classes: z.array(z.string()),
  height: side,
  width: side,
  channels: side,
  trainingImages: side,
  validationImages: side,
  testImages: side,
  mean: z.array(z.number()),
  deviation: z.array(z.number()),
  sha256: z.string(),
});
