// A model as PyTorch has it: a file of Python, and for a run the weights beside it. Knows folders; what is in the files is
// another's business.
import { existsSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Architecture } from "../architecture/architecture.ts";
import { count } from "../architecture/count.ts";
import { pytorchFile } from "../architecture/pytorch/file.ts";
import { RequestError } from "../errors.ts";
import { makeFolder } from "../folders.ts";
import { safetensorsFile } from "./exportModel.ts";
import { besideRun, modelOf } from "./exportRun.ts";
import { onDisk, replaceFile } from "./files.ts";
import type { DamageListener } from "./model.ts";

/** What to write: an architecture without weights, or the model of a run. */
export type PyTorchSource =
  | { readonly architecture: Architecture; readonly file: string }
  | {
      /** The folder of a run. */
      readonly folder: string;
      /** Default: beside the run, called like it. */
      readonly file?: string | undefined;
      /** Default: the one with the lowest validation loss. */
      readonly checkpoint?: "best" | "last" | number | undefined;
      /** Told of a damaged checkpoint while an earlier one is written; without it, damage is an error. */
      readonly onDamaged?: DamageListener | undefined;
    };

/** The files that were written. */
export interface PyTorchExport {
  /** The file of Python. */
  readonly file: string;
  /** The safetensors file beside it, NAME.pytorch.safetensors; null where there are no weights. */
  readonly weights: string | null;
  readonly format: "pytorch";
  /** Of both files. */
  readonly bytes: number;
  /** Updates the weights have had; null where there are none. */
  readonly step: number | null;
  readonly parameters: number;
}

/**
 * Writes one readable file of Python whose `Model` gives the logits that Scantling's model gives, and the weights of a run
 * beside it, which its `load` reads. Each file appears whole or not at all; the weights come first.
 * Errors: RequestError for what has no PyTorch form (a primitive of one's own without one), for files that are there
 * unless `force` is set, for a run without a checkpoint; WorkError for damaged files and for what the disk refuses.
 */
export function exportPyTorch(
  source: PyTorchSource & { readonly force?: boolean | undefined },
): PyTorchExport {
  const { force = false } = source;
  const isRun = "folder" in source;
  const file = source.file ?? (isRun ? `${besideRun(source.folder)}.py` : "");
  const weights = isRun ? `${file.replace(/\.py$/i, "")}.pytorch.safetensors` : null;
  for (const path of [file, weights]) {
    if (path === null || force || !existsSync(path)) continue;
    throw new RequestError(`${path}: the file exists; name another one or give --force to overwrite it`);
  }
  const model = isRun ? modelOf(source) : undefined;
  const architecture = isRun ? model!.architecture : source.architecture;
  const { text, parameters } = pytorchFile(architecture, weights === null ? undefined : basename(weights));
  const parts = model === undefined ? [] : safetensorsFile(model, parameters);
  const python = Buffer.from(text);
  onDisk("write", file, () => makeFolder(dirname(file)));
  if (weights !== null) replaceFile(weights, parts);
  replaceFile(file, [python]);
  return {
    file,
    weights,
    format: "pytorch",
    bytes: [...parts, python].reduce((total, { length }) => total + length, 0),
    step: model?.step ?? null,
    parameters: count(architecture).parameters.total,
  };
}
