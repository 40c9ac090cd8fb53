// From the options of `scantling train` to settings of the library. Trains nothing.

import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { defineArchitecture } from "../../architecture/architecture.ts";
import { requireTokens } from "../../architecture/forward.ts";
import { presets } from "../../architecture/presets.ts";
import { readArchitectureInput } from "../../architecture/read.ts";
import { RequestError } from "../../errors.ts";
import { readConfiguration, requireFreeFolder } from "../../train/runFolder.ts";
import { defineTraining, type TrainingInput } from "../../train/settings.ts";
import type { TrainOptions } from "./command.ts";

/** Settings of an architecture without the vocabulary, which the data decide. */
export type ArchitectureSettings = Readonly<Record<string, unknown>> & {
  readonly length: number;
  readonly width: number;
};

const defaultSteps = 1200;
const defaultBatch = 32;
const defaultRate = 3e-3;

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
] as const satisfies readonly (keyof TrainOptions)[];

/** The architecture of the options: of --architecture, or a small decoder, with single settings changed. */
export function architectureSettings(options: TrainOptions): ArchitectureSettings {
  const given: Record<string, unknown> = {};
  for (const key of architectureKeys) if (options[key] !== undefined) given[key] = options[key];
  if (options.tied !== undefined) given.tie = options.tied;
  if (options.architecture !== undefined) {
    // The library checks every setting; the type says what it will find.
    const { repeat, ...named } = namedArchitecture(options.architecture);
    const repeated = repeat === undefined || options.layers !== undefined ? {} : { repeat };
    return { ...named, ...repeated, ...given } as ArchitectureSettings;
  }
  const width = options.width ?? 128;
  const decoder = { length: 128, width, layers: 2, activation: "swiglu", norm: "rms", positions: "rope" };
  const small = { ...decoder, feedforward: 2 * width, heads: defaultHeads(width) };
  // Other layers than the default one have sizes of their own.
  const { feedforward, ...others } = small;
  return { ...others, ...(options.activation === undefined ? { feedforward } : {}), ...given };
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
export function trainingSettings(options: TrainOptions, steps: number): TrainingInput {
  const warmup = options.warmup ?? Math.min(100, Math.floor(steps / 20));
  const decay = options.schedule === undefined ? {} : { decay: options.schedule };
  const optimizer = { name: options.optimizer ?? "adamw" };
  const settings = {
    steps,
    batch: batchOf(options),
    seed: options.seed ?? 0,
    schedule: { rate: options.learningRate ?? defaultRate, warmup, ...decay },
    optimizer:
      options.weightDecay === undefined ? optimizer : { ...optimizer, weightDecay: options.weightDecay },
    ...(options.objective === undefined ? {} : { objective: options.objective }),
    ...(options.microBatches === undefined ? {} : { microBatches: options.microBatches }),
    ...(options.clip === undefined ? {} : { clip: options.clip === 0 ? null : options.clip }),
    ...(options.order === undefined ? {} : { order: options.order }),
    ...(options.keep === undefined ? {} : { keep: options.keep }),
    ...(options.evaluateEvery === undefined ? {} : { evaluateEvery: options.evaluateEvery }),
  };
  // Words are checked by the library, which knows them.
  return settings as TrainingInput;
}

export function batchOf(options: TrainOptions): number {
  return options.batch ?? defaultBatch;
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
  const last = basename(data.replace(/[?#].*$/, "")).replace(/(\.txt)?(\.gz)?$/i, "");
  return last.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|[-.]+$/g, "") || "text";
}

/** The number of steps that --steps or --tokens ask for. */
export function stepsOf(options: TrainOptions, length: number): number {
  if (options.tokens !== undefined) return Math.ceil(options.tokens / (batchOf(options) * length));
  return options.steps ?? defaultSteps;
}

/** Finds what is wrong with the settings of a new run before kernels are compiled and data are read. */
export function checkNew(options: TrainOptions): void {
  const architecture = architectureSettings(options);
  // Any vocabulary will do; the real one is the data's.
  const { length, inputs } = defineArchitecture({ vocabulary: 256, ...architecture });
  requireTokens({ inputs });
  if (options.minutes === undefined) defineTraining(trainingSettings(options, stepsOf(options, length)));
  if (options.out !== undefined) requireFreeFolder(options.out, options.force ?? false);
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
  const option = other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new RequestError(
    `--resume continues a run with the settings it was started with; leave out --${option}, or start a new run`,
  );
}
