// Images as what a study is about: their classes. Tokens are patches.
import { z } from "zod";
import { defineAugmentation, hasSoftTargets } from "../../data/images/augment/settings.ts";
import { meansImages } from "../../data/images/load.ts";
import { WorkError } from "../../errors.ts";
import { numberBetween, parseStrict, trueOrFalse, wholeNumber } from "../../strict.ts";
import { evaluateImages } from "../../train/evaluateImages.ts";
import { defineImageRun, type ImageRunInput } from "../../train/imageRun.ts";
import { createObjective } from "../../train/objectives/objectives.ts";
import type { Subject } from "./subject.ts";

const schema = z.object({
  data: z.string("expected a name, a file or a folder").max(4096).default("shapes"),
  patch: wholeNumber().optional(),
  augmentation: z.unknown().optional(),
  validationFraction: numberBetween(0, 0.5).optional(),
  skipBad: trueOrFalse().optional(),
});

/** What images decide does not hang on the architecture. */
const any = { architecture: { width: 8 }, training: {} };

/** The validation images choose rates; the verdict is on the test images. */
export const images: Subject = {
  name: "images",
  key: "images",
  keys: ["images"],
  batch: 64,
  measure: "error",
  mostEpochs: 100,
  sizeExponent: null,
  words: {
    item: "an image",
    sequence: "an image",
    tokens: "patches",
    selection: "the validation images",
    test: "the test images",
    verdict:
      "Rates are chosen by the loss on the validation images; the verdict is on the error, the share of test images " +
      "whose likeliest class is a wrong one.",
  },
  defaults: { pool: "average" },
  read(given) {
    const asked = typeof given.images === "string" ? { data: given.images } : given.images;
    const { augmentation, ...settings } = parseStrict("study: images", schema, asked);
    const changes = augmentation === undefined ? {} : { augmentation: defineAugmentation(augmentation) };
    return { length: null, evaluationTokens: null, images: { ...settings, ...changes } };
  },
  builtIn: (settings) =>
    settings.images!.data === "shapes"
      ? "the built-in drawn shapes, since no other is given (--data, or images: in the study)"
      : null,
  on: (input, data) => ({
    ...input,
    images: typeof input.images === "string" ? data : { ...input.images, data },
  }),
  takes: (data, dataFolder) => meansImages({ data, dataFolder }),
  async look(settings, dataFolder) {
    const { settings: found, architecture } = await defineImageRun(settings.images!, dataFolder, any);
    const { length, inputs } = architecture;
    return {
      name: found.name,
      vocabulary: found.classes.length,
      trainingTokens: found.trainingImages * length,
      validationTokens: found.validationImages * length,
      testTokens: found.testImages * length,
      sequence: { length, inputs: inputs! },
      sha256: found.sha256,
    };
  },
  usual(settings) {
    // The drawn shapes: 32 x 32 pixels in colour.
    const side = settings.images!.patch ?? 4;
    const length = (32 / side) ** 2;
    return {
      ...{ name: "shapes", vocabulary: 10, sequence: { length, inputs: 3 * side ** 2 } },
      ...{ trainingTokens: 10_000 * length, validationTokens: 1000 * length, testTokens: 2000 * length },
    };
  },
  objective(settings) {
    const isSoft = hasSoftTargets(defineAugmentation(settings.images!.augmentation));
    return createObjective({ name: "classification", labels: isSoft ? "soft" : "ids" });
  },
  split: (_, { validationTokens, testTokens = 0 }) => ({ selection: validationTokens, test: testTokens }),
  material: (settings) => ({ images: settings.images! }),
  looks: () => ({}),
  source: (material) => ({ images: material.images as ImageRunInput }),
  async test({ machine, folder, dataFolder }) {
    for await (const event of evaluateImages({ machine, folder, dataFolder, checkpoint: "last" })) {
      if (event.kind !== "end" || event.result === null) continue;
      const { loss, accuracy } = event.result;
      return { loss: loss.value, accuracy: accuracy.value, optimum: null };
    }
    throw new WorkError(`${folder}: the test came to no result; remove the run`);
  },
};
