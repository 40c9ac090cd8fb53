// Images as what a run trains on and is judged by. Knows no loop and no machine.
// B batch, N patches, F numbers of a patch, V classes.
import { createHash } from "node:crypto";
import { defineArchitecture } from "../architecture/architecture.ts";
import type { Architecture, ArchitectureInput } from "../architecture/schema.ts";
import {
  type AugmentationInput,
  defineAugmentation,
  hasSoftTargets,
} from "../data/images/augment/settings.ts";
import { createImageSampler, type ImageBatch, imageEvaluationBatches } from "../data/images/batches.ts";
import type { LabelledImages } from "../data/images/images.ts";
import { type ImageRequest, loadImages } from "../data/images/load.ts";
import { defaultPatchSide, definePatches, normalisationOf, type Patching } from "../data/images/patches.ts";
import type { ImageDataset } from "../data/images/split.ts";
import type { DataFolders } from "../data/text.ts";
import { RequestError } from "../errors.ts";
import type { ImageSettings } from "./imageSettings.ts";
import type { RunData } from "./runData.ts";
import { defineTraining, type TrainingInput, type TrainingSettings } from "./settings.ts";

/** Which images to train on, and how they are cut and changed. */
export interface ImageRunInput extends Omit<ImageRequest, "dataFolder"> {
  /** Side of a patch, a divisor of an image's sides. Default: the largest that makes at least 7 of the shorter side. */
  readonly patch?: number | undefined;
  /** Default: images stay as they are. */
  readonly augmentation?: AugmentationInput | undefined;
}

/** A new run's images, and its settings as they make them complete. */
export interface ImageRun {
  readonly dataset: ImageDataset;
  readonly settings: ImageSettings;
  readonly architecture: Architecture;
  readonly training: TrainingSettings;
}

/** An architecture that leaves to the images what they decide: classes, patches, and the numbers of a patch. */
export type ImageArchitectureInput = Omit<ArchitectureInput, "vocabulary" | "length"> &
  Partial<Pick<ArchitectureInput, "vocabulary" | "length">>;

/**
 * Loads images and fills in all that they decide. The objective is classification; the order is `epochs` unless another is
 * given. Errors: RequestError for images that cannot be had or used, and for settings that do not fit them.
 */
export async function defineImageRun(
  input: ImageRunInput,
  dataFolder: DataFolders | undefined,
  given: { readonly architecture: ImageArchitectureInput; readonly training: TrainingInput },
): Promise<ImageRun> {
  const { data, validationFraction, skipBad = false } = input;
  const augmentation = defineAugmentation(input.augmentation);
  if (given.training.objective !== undefined) {
    throw new RequestError("training: images are trained on by classification; leave objective out");
  }
  if ((given.training.evaluationTokens ?? null) !== null) {
    throw new RequestError(
      "training: evaluationTokens is for text; all validation images are used: leave it out",
    );
  }
  const labels = hasSoftTargets(augmentation) ? "soft" : "ids";
  const training = defineTraining({
    order: "epochs",
    ...given.training,
    objective: { name: "classification", labels },
  });
  const dataset = await loadImages({ data, dataFolder, validationFraction, skipBad });
  const images = dataset.training;
  const patches = definePatches(images, input.patch ?? defaultPatchSide(images));
  const { mean, deviation } = normalisationOf(images);
  const settings: ImageSettings = {
    kind: "images",
    data,
    validationFraction: validationFraction ?? null,
    skipBad,
    patch: patches.side,
    augmentation,
    name: dataset.name,
    classes: [...dataset.classes],
    height: images.height,
    width: images.width,
    channels: images.channels,
    trainingImages: images.count,
    validationImages: dataset.validation.count,
    testImages: dataset.test.count,
    mean: [...mean],
    deviation: [...deviation],
    sha256: hashOf(dataset),
  };
  return { dataset, settings, training, architecture: classifier(given.architecture, dataset, patches) };
}

function classifier(
  input: ImageArchitectureInput,
  { classes, name }: ImageDataset,
  { count, inputs }: Patching,
): Architecture {
  const decided = { vocabulary: classes.length, length: count, inputs };
  const whys = { vocabulary: "classes", length: "patches of an image", inputs: "numbers of a patch" };
  for (const key of ["vocabulary", "length", "inputs"] as const) {
    const own = input[key] ?? decided[key];
    if (own === decided[key]) continue;
    throw new RequestError(
      `architecture: ${key} is ${own}; ${name} has ${decided[key]} ${whys[key]}: leave ${key} out, or change the patch`,
    );
  }
  const pooled = input.pool === undefined ? { pool: "average" } : {};
  return defineArchitecture({ ...pooled, ...input, ...decided });
}

/**
 * The images that a run was made with, loaded again. Errors: RequestError where they are not what they were.
 * @param remedy what to do then
 */
export async function reloadImages(
  { data, validationFraction, skipBad, sha256, name }: ImageSettings,
  dataFolder: DataFolders | undefined,
  folder: string,
  remedy: string,
): Promise<ImageDataset> {
  const dataset = await loadImages({
    data,
    dataFolder,
    validationFraction: validationFraction ?? undefined,
    skipBad,
  });
  if (hashOf(dataset) === sha256) return dataset;
  throw new RequestError(`data: ${name} is not what the run in ${folder} was trained on; ${remedy}`);
}

export function imageRunData(
  dataset: ImageDataset,
  settings: ImageSettings,
  { batch, seed, order }: TrainingSettings,
): RunData {
  const { augmentation, classes } = settings;
  const patches = definePatches(settings, settings.patch);
  const sampled = createImageSampler({
    images: dataset.training,
    classes: classes.length,
    patches,
    normalisation: settings,
    augmentation,
    batch,
    seed,
    order,
  });
  const isSoft = hasSoftTargets(augmentation);
  return {
    notes: dataset.notes,
    batchAt: (step) => named(sampled(step)),
    validation: function* (rows) {
      for (const { inputs, targets } of imageEvaluationBatches(dataset.validation, patches, settings, rows)) {
        yield { inputs, targets: isSoft ? sharesOf(targets, classes.length) : targets };
      }
    },
    optimum: () => null,
    text: null,
  };
}

/** Test images in order, in batches of so many rows. */
export function testBatches(dataset: ImageDataset, settings: ImageSettings, rows: number) {
  return imageEvaluationBatches(dataset.test, definePatches(settings, settings.patch), settings, rows);
}

function named({ inputs, targets }: ImageBatch) {
  return { inputs, targets };
}

/** Classes [B] as shares [B, V]; all zeros where there is no class. */
function sharesOf(targets: Int32Array, classes: number): Float32Array {
  const shares = new Float32Array(targets.length * classes);
  targets.forEach((label, row) => {
    if (label >= 0) shares[row * classes + label] = 1;
  });
  return shares;
}

function hashOf({ classes, training, validation, test }: ImageDataset): string {
  const hash = createHash("sha256").update(JSON.stringify(classes));
  const add = ({ height, width, channels, pixels, labels }: LabelledImages) => {
    hash.update(JSON.stringify([height, width, channels]));
    hash.update(pixels);
    hash.update(new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength));
  };
  for (const part of [training, validation, test]) add(part);
  return hash.digest("hex");
}
