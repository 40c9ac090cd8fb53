// What `scantling grow` does with a public folder: writes the larger one, and says what was done and how it was proved.

import type { Machine } from "../../backend/machine.ts";
import { dataFolders } from "../../data/named/folders.ts";
import { printNote } from "../../growth/grow.ts";
import type { Difference } from "../../growth/proof.ts";
import type { GrowthStep } from "../../growth/steps.ts";
import { type FolderComparison, growFolder } from "../../hub/growFolder.ts";
import { formatCount } from "../../report/format.ts";
import type { Console } from "../console.ts";
import type { GrowCommandOptions } from "./command.ts";

export async function growPublic(
  folder: string,
  steps: readonly GrowthStep[],
  machine: Machine,
  { out, seed, data, tokenizer, force, unproven, json }: GrowCommandOptions,
  console: Console,
): Promise<void> {
  const { signal, environment } = console;
  const given = { data, tokenizer, dataFolder: dataFolders(environment), unproven };
  const made = await growFolder({ folder, out, steps, seed, machine, force, signal, ...given });
  if (json) {
    console.out(`${JSON.stringify(made)}\n`);
    return;
  }
  const { proof, bound } = made;
  for (const note of made.notes) console.out(`${printNote(note)}\n`);
  for (const why of made.ties) console.out(`${why}\n`);
  printComparison(proof, "random tokens", console);
  if (proof.data !== null) printComparison(proof.data, "the data", console);
  if (bound > 1e-5)
    console.out(`numbers were rounded to a short format; ${bound} of the largest was allowed\n`);
  console.out(
    `${made.folder}: ${made.layout}, ${formatCount(made.parameters)} parameters, ${formatCount(made.bytes)}B\n`,
  );
}

function printComparison(proof: FolderComparison, on: string, console: Console): void {
  const line = (what: string, how: string, { largest, scale }: Difference) =>
    console.out(
      `largest |Δ ${what}| on ${on} in ${how}: ${largest.toPrecision(3)}, of numbers up to ${scale.toPrecision(3)}\n`,
    );
  if (proof.kind === "network") {
    line("logit", "float64", proof.float64);
    line("logit", "float32, with the numbers that are written", proof.float32);
    if (proof.unrounded !== null) line("logit", "float32, before they were rounded", proof.unrounded);
  } else {
    const how = `float32, place by place with the numbers that are written, at ${proof.float32.place}`;
    line("output", how, proof.float32);
  }
}
