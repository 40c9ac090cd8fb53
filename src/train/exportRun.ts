// The model of a run as a file for other programs. Knows folders; what is in the file is another's business.
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { createReference } from "../backend/reference.ts";
import { RequestError } from "../errors.ts";
import { makeFolder } from "../folders.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { type ExportedModel, onnxFile, safetensorsFile } from "./exportModel.ts";
import { onDisk, replaceFile } from "./files.ts";
import { type DamageListener, openModel } from "./model.ts";
import { isImages } from "./runFolder.ts";

/** The formats that a model can be written in. */
export const exportFormats = ["onnx", "safetensors"] as const;
/** One of `exportFormats`. */
export type ExportFormat = (typeof exportFormats)[number];

/** Which model to write, and where to. */
export interface ExportOptions {
  /** The folder of a run. */
  readonly folder: string;
  readonly format: ExportFormat;
  /** Default: beside the run, called like it. */
  readonly file?: string | undefined;
  /** Default: the one with the lowest validation loss. */
  readonly checkpoint?: "best" | "last" | number | undefined;
  /** Told of a damaged checkpoint while an earlier one is written; without it, damage is an error. */
  readonly onDamaged?: DamageListener | undefined;
  /** Sequences that an ONNX model takes at once; default 1. */
  readonly batch?: number | undefined;
  /** Tokens of each; default: as many as the model was trained on. */
  readonly length?: number | undefined;
  /** Replace the file where there is one. */
  readonly force?: boolean | undefined;
}

/** The file that was written. */
export interface ExportResult {
  readonly file: string;
  readonly format: ExportFormat;
  readonly bytes: number;
  /** Updates the weights have had. */
  readonly step: number;
  readonly parameters: number;
}

/**
 * Writes the model of a run into one file, whole or not at all.
 * Errors: RequestError for a request that cannot be met, a file that is there, a run without a checkpoint; WorkError for
 * damaged files and for what the disk refuses.
 */
export function exportRun(options: ExportOptions): ExportResult {
  const { format, folder, batch, length, force = false } = options;
  checkRequest(options);
  const file = options.file ?? `${besideRun(folder)}.${format}`;
  if (existsSync(file) && !force) {
    throw new RequestError(`${file}: the file exists; name another one or give --force to overwrite it`);
  }
  const model = modelOf(options);
  const parts = format === "onnx" ? onnxFile(model, { batch, length }) : safetensorsFile(model);
  onDisk("write", file, () => makeFolder(dirname(file)));
  replaceFile(file, parts);
  return {
    file,
    format,
    bytes: parts.reduce((total, part) => total + part.length, 0),
    step: model.step,
    parameters: [...model.weights.values()].reduce((total, { shape }) => total + sizeOf(shape), 0),
  };
}

/** More at once are a mistake. */
const MOST_TOKENS = 2 ** 24;

function checkRequest({ format, batch = 1, length = 1 }: ExportOptions): void {
  if (!exportFormats.includes(format)) {
    throw new RequestError(
      `export: format is ${JSON.stringify(format)}; expected ${exportFormats.join(" or ")}`,
    );
  }
  for (const [name, value] of Object.entries({ batch, length })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RequestError(`export: ${name} is ${value}; expected a whole number of at least 1`);
    }
  }
  if (batch * length > MOST_TOKENS) {
    throw new RequestError(
      `export: batch ${batch} of length ${length} is more than ${MOST_TOKENS} tokens at once; choose less`,
    );
  }
}

/** The path of a run without separators at its end, by which a file beside it can be called. */
export function besideRun(folder: string): string {
  const path = folder.replace(/[/\\]+$/, "");
  return /(^|[/\\])\.*$/.test(path) ? resolve(folder) : path;
}

/** The model of a run, its weights in memory. Errors as `openModel`. */
export function modelOf({
  folder,
  checkpoint,
  onDamaged,
}: Pick<ExportOptions, "folder" | "checkpoint" | "onDamaged">): ExportedModel {
  const model = openModel(createReference(), folder, checkpoint, onDamaged);
  const { architecture, configuration, store, step } = model;
  const weights = store
    .names()
    .map((name) => [name, { shape: store.type(name)!.shape, values: store.read(name) }] as const);
  const { data, tokenizer } = configuration;
  const images = isImages(data) ? data : null;
  return { architecture, tokenizer, images, step, weights: new Map(weights) };
}
