// What `scantling export` does: writes the model of a run and says what is in the file.

import { RequestError } from "../../errors.ts";
import { formatCount } from "../../report/format.ts";
import { exportRun } from "../../train/exportRun.ts";
import { type Console, warn } from "../console.ts";
import type { ExportCommandOptions } from "./command.ts";

export function exportModel(folder: string, options: ExportCommandOptions, console: Console): void {
  const { to: format, out: file, checkpoint, batch, length, force } = options;
  const shaped = (["batch", "length"] as const).find((name) => options[name] !== undefined);
  if (format !== "onnx" && shaped !== undefined) {
    throw new RequestError(
      `--${shaped}: a ${format} file has no ${shaped}; leave it out, or export --to onnx`,
    );
  }
  const result = exportRun({
    ...{ folder, format, file, checkpoint, batch, length, force },
    onDamaged: (line) => warn(console, line),
  });
  if (options.json) console.out(`${JSON.stringify(result)}\n`);
  else {
    const { bytes, parameters, step } = result;
    console.out(
      `${result.file}: ${formatCount(parameters)} parameters after step ${step}, ${formatCount(bytes)}B\n`,
    );
  }
}
