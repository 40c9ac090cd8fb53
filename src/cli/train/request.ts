// From the options of `scantling train` to settings of the library. Trains nothing.

import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { defineArchitecture } from "../../architecture/architecture.ts";
import { requireTokens } from "../../architecture/forward.ts";
import { presets } from "../../architecture/presets.ts";
import { readArchitectureInput } from "../../architecture/read.ts";
import { defineAugmentation } from "../../data/images/augment/settings.ts";
import { meansImages } from "../../data/images/load.ts";
import { dataFolders } from "../../data/named/folders.ts";
import type { Environment } from "../../environment.ts";
import { RequestError } from "../../errors.ts";
import type { ImageRunInput } from "../../train/imageRun.ts";
import { readConfiguration, requireFreeFolder } from "../../train/runFolder.ts";
import { defineTraining, type TrainingInput } from "../../train/settings.ts";
import type { TrainOptions } from "./command.ts";
import { readGrowth } from "./growth.ts";

/** Settings of an architecture without the vocabulary, which the data decide. */
export type ArchitectureSettings = Readonly<Record<string, unknown>> & {
  readonly length: number;
  readonly width: number;
};

/** The same for images, which decide the length, too. */
export type ClassifierSettings = Readonly<Record<string, unknown>> & { readonly width: number };

export const defaultSteps = 1200;
const defaultBatch = 32;
const defaultImageBatch = 64;
const defaultRate = 3e-3;
const defaultImageRate = 2e-3;
/** Sets of images have large validation parts. */
export const imageEvaluations = 10;

const architectureKeys = [
  "length",
  "width",
  "layers",
  "heads",
  "kvHeads",
  "window",
  "feedforward",
  "activation",
  "norm",
  "positions",
  "bias",
  "dropout",
  "stochasticDepth",
] as const satisfies readonly (keyof TrainOptions)[];

/** The architecture of the options: of --architecture, or a small decoder, with single settings changed. */
export function architectureSettings(options: TrainOptions): ArchitectureSettings {
  const given = givenSettings(options);
  if (options.architecture !== undefined) {
    // The library checks every setting; the type says what it will find.
    return { ...namedSettings(options.architecture, options), ...given } as ArchitectureSettings;
  }
  const width = options.width ?? 128;
  const decoder = { length: 128, width, layers: 2, activation: "swiglu", norm: "rms", positions: "rope" };
  const small = { ...decoder, feedforward: 2 * width, heads: defaultHeads(width) };
  // Other layers than the default one have sizes of their own.
  const { feedforward, ...others } = small;
  return { ...others, ...(options.activation === undefined ? { feedforward } : {}), ...given };
}

/** The classifier of the options: of --architecture, or a small ViT, with single settings changed. */
export function classifierSettings(options: TrainOptions): ClassifierSettings {
  const given = givenSettings(options);
  if (options.architecture !== undefined) {
    const { length, inputs, ...named } = namedSettings(options.architecture, options);
    // What a preset says of its own images gives way to the data's.
    const own = presets.has(options.architecture) ? {} : { length, inputs };
    return { ...defined(own), ...named, ...given } as ClassifierSettings;
  }
  const width = options.width ?? 64;
  const vit = { width, layers: 4, heads: defaultHeads(width), norm: "layer", positions: "learned" };
  // So narrow a network learns late from weights as small as large ones begin with.
  const standardDeviation = Number(((options.baseWidth ?? width) ** -0.5).toPrecision(3));
  return { ...vit, standardDeviation, causal: false, pool: "average", bias: true, headBias: true, ...given };
}

function defined(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function givenSettings(options: TrainOptions): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const key of architectureKeys) if (options[key] !== undefined) given[key] = options[key];
  if (options.tied !== undefined) given.tie = options.tied;
  return given;
}

function namedSettings(nameOrFile: string, { layers }: TrainOptions): Record<string, unknown> {
  const { repeat, ...named } = namedArchitecture(nameOrFile);
  return repeat === undefined || layers !== undefined ? named : { ...named, repeat };
}

/** As many heads as there can be of at least 32 features, an even number of them. */
function defaultHeads(width: number): number {
  for (let features = 32; features < width; features += 2) {
    if (width % features === 0) return width / features;
  }
  return 1;
}

/** What --architecture names; the vocabulary of a preset gives way to that of the data. */
function namedArchitecture(nameOrFile: string): Record<string, unknown> {
  try {
    const { vocabulary, ...settings } = readArchitectureInput(nameOrFile);
    return presets.has(nameOrFile) || vocabulary === undefined ? settings : { vocabulary, ...settings };
  } catch (error) {
    if (error instanceof RequestError) {
      throw new RequestError(`--architecture ${error.message.replace(/^architecture /, "")}`);
    }
    throw error;
  }
}

/** The settings of training, for a number of steps. */
export function trainingSettings(options: TrainOptions, steps: number, onImages = false): TrainingInput {
  const warmup = options.warmup ?? Math.min(100, Math.floor(steps / 20));
  const usual = onImages ? Math.ceil(steps / imageEvaluations) : undefined;
  const evaluateEvery = options.evaluateEvery ?? usual;
  const decay = options.schedule === undefined ? {} : { decay: options.schedule };
  const optimizer = { name: options.optimizer ?? "adamw" };
  const settings = {
    steps,
    batch: batchOf(options, onImages),
    seed: options.seed ?? 0,
    schedule: { rate: options.learningRate ?? (onImages ? defaultImageRate : defaultRate), warmup, ...decay },
    optimizer:
      options.weightDecay === undefined ? optimizer : { ...optimizer, weightDecay: options.weightDecay },
    ...parametrisationOf(options),
    ...(options.objective === undefined ? {} : { objective: options.objective }),
    ...(options.microBatches === undefined ? {} : { microBatches: options.microBatches }),
    ...(options.clip === undefined ? {} : { clip: options.clip === 0 ? null : options.clip }),
    ...(options.order === undefined ? {} : { order: options.order }),
    ...(options.keep === undefined ? {} : { keep: options.keep }),
    ...(options.grow === undefined ? {} : { grow: readGrowth(options.grow) }),
    ...(evaluateEvery === undefined ? {} : { evaluateEvery }),
  };
  // Words are checked by the library, which knows them.
  return settings as TrainingInput;
}

function parametrisationOf({ parametrisation: kind, baseWidth, baseDepth }: TrainOptions) {
  if (kind === undefined) {
    const base = baseWidth === undefined ? (baseDepth === undefined ? null : "--base-depth") : "--base-width";
    if (base === null) return {};
    throw new RequestError(
      `${base} belongs to --parametrisation; give that as well, such as --parametrisation mup`,
    );
  }
  return { parametrisation: { kind, ...defined({ baseWidth, baseDepth }) } };
}

export function batchOf(options: TrainOptions, onImages = false): number {
  return options.batch ?? (onImages ? defaultImageBatch : defaultBatch);
}

/** The folder of a new run: --out, or runs/NAME, with a number where that is taken. */
export function runFolder(options: TrainOptions): string {
  if (options.out !== undefined) return options.out;
  const name = nameOf(options.data ?? "language");
  const first = join("runs", name);
  if (options.force) return first;
  let folder = first;
  for (let number = 2; existsSync(folder); number++) folder = `${first}-${number}`;
  return folder;
}

/** What a run on some data is called: the last part of its path, without ending and odd characters. */
function nameOf(data: string): string {
  const last = basename(data.replace(/[?#].*$/, "")).replace(/(\.txt|\.npz)?(\.gz)?$/i, "");
  return last.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|[-.]+$/g, "") || "text";
}

/** The number of steps that --steps or --tokens ask for. */
export function stepsOf(options: TrainOptions, length: number): number {
  if (options.tokens !== undefined) return Math.ceil(options.tokens / (batchOf(options) * length));
  return options.steps ?? defaultSteps;
}

/** Finds what is wrong with the settings of a new run before kernels are compiled and data are read. */
export function checkNew(options: TrainOptions, environment: Environment): void {
  if (options.out !== undefined) requireFreeFolder(options.out, options.force ?? false);
  if (onImages(options, environment)) {
    requireNone(options, textOptions, "is for text, and --data names images");
    const architecture = classifierSettings(options);
    // Any images will do; the real sizes are the data's.
    defineArchitecture({ vocabulary: 10, length: 16, inputs: 16, pool: "average", ...architecture });
    imageInput(options);
    if (options.minutes === undefined)
      defineTraining(trainingSettings(options, options.steps ?? defaultSteps, true));
    return;
  }
  requireNone(options, imageOptions, "is for images, and the data are text");
  const architecture = architectureSettings(options);
  // Any vocabulary will do; the real one is the data's.
  const { length, inputs } = defineArchitecture({ vocabulary: 256, ...architecture });
  requireTokens({ inputs });
  if (options.minutes === undefined) defineTraining(trainingSettings(options, stepsOf(options, length)));
}

const textOptions = [
  "tokenizer",
  "length",
  "tokens",
  "objective",
] as const satisfies readonly (keyof TrainOptions)[];
const imageOptions = [
  "patch",
  "crop",
  "flip",
  "randAugment",
  "mixup",
  "labelSmoothing",
  "skipImages",
] as const satisfies readonly (keyof TrainOptions)[];

function requireNone(options: TrainOptions, keys: readonly (keyof TrainOptions)[], why: string): void {
  const key = keys.find((each) => options[each] !== undefined);
  if (key !== undefined) throw new RequestError(`${optionName(key)} ${why}; leave it out`);
}

/** Whether the data of a new run are images. */
export function onImages({ data }: TrainOptions, environment: Environment): boolean {
  return data !== undefined && meansImages({ data, dataFolder: dataFolders(environment) });
}

/** Which images, and how they are cut and changed. Errors: RequestError for changes that cannot be. */
export function imageInput(options: TrainOptions): ImageRunInput {
  const { data, validationFraction, skipImages, patch, crop, flip, randAugment, mixup, labelSmoothing } =
    options;
  return {
    data: data!,
    validationFraction,
    skipBad: skipImages,
    patch,
    augmentation: defineAugmentation(defined({ crop, flip, ...randAugment, mixup, labelSmoothing })),
  };
}

/** What may be said of a run that is resumed; all else was decided when it was started. */
const resumable = new Set([
  "resume",
  "config",
  "steps",
  "keep",
  "threads",
  "backend",
  "relaxedSimd",
  "sampleTokens",
  "tensorboard",
  "json",
]);

/** Errors: RequestError for options that a resumed run cannot follow and for a folder without a run. */
export function checkResume(options: TrainOptions, folder: string): void {
  const other = Object.keys(options).find((key) => !resumable.has(key));
  if (other === undefined) {
    readConfiguration(folder);
    return;
  }
  throw new RequestError(
    `--resume continues a run with the settings it was started with; leave out ${optionName(other)}, or start a new run`,
  );
}

function optionName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
