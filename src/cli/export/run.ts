// What `scantling export` does: writes the model of a run and says what is in the file.

import { RequestError } from "../../errors.ts";
import { exportFolder } from "../../hub/exportFolder.ts";
import { formatCount } from "../../report/format.ts";
import { besideRun, exportRun } from "../../train/exportRun.ts";
import { type Console, warn } from "../console.ts";
import type { ExportCommandOptions } from "./command.ts";

export async function exportModel(
  folder: string,
  options: ExportCommandOptions,
  console: Console,
): Promise<void> {
  const { to: format, out: file, checkpoint, batch, length, force, layout } = options;
  const shaped = (["batch", "length"] as const).find((name) => options[name] !== undefined);
  if (format !== "onnx" && shaped !== undefined) {
    throw new RequestError(
      `--${shaped}: a ${format} file has no ${shaped}; leave it out, or export --to onnx`,
    );
  }
  const onDamaged = (line: string) => warn(console, line);
  if (format === "huggingface") {
    const out = file ?? `${besideRun(folder)}.huggingface`;
    const made = await exportFolder({ folder, out, layout, checkpoint, force, onDamaged });
    const { parameters, step } = made;
    const line = `${out}: ${made.layout}, ${formatCount(parameters)} parameters after step ${step}`;
    console.out(options.json ? `${JSON.stringify(made)}\n` : `${line}, ${formatCount(made.bytes)}B\n`);
    return;
  }
  if (layout !== undefined) {
    throw new RequestError(`--layout: a ${format} file has none; leave it out, or export --to huggingface`);
  }
  const result = exportRun({
    ...{ folder, format, file, checkpoint, batch, length, force },
    onDamaged,
  });
  if (options.json) console.out(`${JSON.stringify(result)}\n`);
  else {
    const { bytes, parameters, step } = result;
    console.out(
      `${result.file}: ${formatCount(parameters)} parameters after step ${step}, ${formatCount(bytes)}B\n`,
    );
  }
}
