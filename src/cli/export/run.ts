// What `scantling export` does: writes the model of a run, or an architecture, and says what is in the file.

import { statSync } from "node:fs";
import { basename } from "node:path";
import type { Command } from "commander";
import { presets } from "../../architecture/presets.ts";
import { readArchitecture } from "../../architecture/read.ts";
import { RequestError } from "../../errors.ts";
import { exportFolder } from "../../hub/exportFolder.ts";
import { formatBytes, formatCount } from "../../report/format.ts";
import { exportPyTorch } from "../../train/exportPyTorch.ts";
import { besideRun, exportRun } from "../../train/exportRun.ts";
import { type Console, warn } from "../console.ts";
import { refuseUnused } from "../unused.ts";
import type { ExportCommandOptions } from "./command.ts";

export async function exportModel(
  folder: string,
  options: ExportCommandOptions,
  console: Console,
  command: Command,
): Promise<void> {
  const { to: format, out: file, checkpoint, batch, length, force, layout } = options;
  const shaped = (["batch", "length"] as const).find((name) => options[name] !== undefined);
  if (format !== "onnx" && shaped !== undefined) {
    throw new RequestError(
      `--${shaped}: a ${format} file has no ${shaped}; leave it out, or export --to onnx`,
    );
  }
  if (format !== "huggingface" && layout !== undefined) {
    throw new RequestError(`--layout: a ${format} file has none; leave it out, or export --to huggingface`);
  }
  const onDamaged = (line: string) => warn(console, line);
  if (format === "huggingface") {
    const out = file ?? `${besideRun(folder)}.huggingface`;
    const made = await exportFolder({ folder, out, layout, checkpoint, force, onDamaged });
    const { parameters, step } = made;
    const line = `${out}: ${made.layout}, ${formatCount(parameters)} parameters after step ${step}`;
    console.out(options.json ? `${JSON.stringify(made)}\n` : `${line}, ${formatBytes(made.bytes)}\n`);
    return;
  }
  if (format === "pytorch") {
    const source = pytorchSource(folder, file);
    if ("architecture" in source) {
      refuseUnused(command, ["checkpoint"], `with the architecture ${folder}, which has no weights`);
    }
    const made = exportPyTorch({ ...source, checkpoint, force, onDamaged });
    const { weights, parameters, step, bytes } = made;
    const files = weights === null ? made.file : `${made.file}, ${weights}`;
    const after = step === null ? "" : ` after step ${step}`;
    const line = `${files}: ${formatCount(parameters)} parameters${after}, ${formatBytes(bytes)}`;
    console.out(options.json ? `${JSON.stringify(made)}\n` : `${line}\n`);
    return;
  }
  const result = exportRun({
    ...{ folder, format, file, checkpoint, batch, length, force },
    onDamaged,
  });
  if (options.json) console.out(`${JSON.stringify(result)}\n`);
  else {
    const { bytes, parameters, step } = result;
    console.out(
      `${result.file}: ${formatCount(parameters)} parameters after step ${step}, ${formatBytes(bytes)}\n`,
    );
  }
}

/** A run where there is such a folder, else an architecture, whose file is written here. */
function pytorchSource(name: string, file: string | undefined) {
  if (!presets.has(name) && isFolder(name)) return { folder: name, file };
  if (!presets.has(name) && /[/\\]/.test(name) && !/\.(json|ya?ml)$/i.test(name)) {
    throw new RequestError(
      `${name}: there is no such folder of a run; name a run, a preset or a .json or .yaml file`,
    );
  }
  const architecture = readArchitecture(name);
  return { architecture, file: file ?? `${basename(name).replace(/\.(json|ya?ml)$/i, "")}.py` };
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
