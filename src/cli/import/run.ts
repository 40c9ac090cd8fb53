// What `scantling import` does: makes the run and says what it is.

import { dataFolders } from "../../data/named/folders.ts";
import { importFolder } from "../../hub/importFolder.ts";
import { formatCount } from "../../report/format.ts";
import type { Console } from "../console.ts";
import type { ImportCommandOptions } from "./command.ts";

export async function importModel(
  folder: string,
  options: ImportCommandOptions,
  console: Console,
): Promise<void> {
  const { data, tokenizer, length, steps, batch, rate, out, force, json } = options;
  const given = { steps, batch, schedule: rate === undefined ? undefined : { rate } };
  const training = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const dataFolder = dataFolders(console.environment);
  const made = await importFolder({ folder, out, data, dataFolder, tokenizer, length, training, force });
  if (json) console.out(`${JSON.stringify(made)}\n`);
  else console.out(`${made.folder}: ${made.layout}, ${formatCount(made.parameters)} parameters\n`);
}
