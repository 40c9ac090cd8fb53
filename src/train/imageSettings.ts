// The images of a run as its configuration has them. Reads no image.
import { z } from "zod";
import { defineAugmentation } from "../data/images/augment/settings.ts";

const side = z.int().min(1);

/** The images of a run in its configuration. */
export const imageSettingsSchema = z.strictObject({
  kind: z.literal("images"),
  /** As they were asked for. */
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
  /** Of the training images, [C], 0 to 255. */
  mean: z.array(z.number()),
  deviation: z.array(z.number()),
  /** SHA-256 over all pixels, labels and classes. */
  sha256: z.string(),
});
export type ImageSettings = Readonly<z.infer<typeof imageSettingsSchema>>;
