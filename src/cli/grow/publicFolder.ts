// What `scantling grow` does with a public folder: writes the larger one, and says what was done and how it was proved.

import type { Machine } from "../../backend/machine.ts";
import { printNote } from "../../growth/grow.ts";
import type { GrowthStep } from "../../growth/steps.ts";
import { growFolder } from "../../hub/growFolder.ts";
import { formatCount } from "../../report/format.ts";
import type { Console } from "../console.ts";
import type { GrowCommandOptions } from "./command.ts";

export async function growPublic(
  folder: string,
  steps: readonly GrowthStep[],
  machine: Machine,
  { out, seed, force, unproven, json }: GrowCommandOptions,
  console: Console,
): Promise<void> {
  const { signal } = console;
  const made = await growFolder({ folder, out, steps, seed, machine, force, unproven, signal });
  if (json) {
    console.out(`${JSON.stringify(made)}\n`);
    return;
  }
  const { proof, bound } = made;
  for (const note of made.notes) console.out(`${printNote(note)}\n`);
  for (const why of made.ties) console.out(`${why}\n`);
  const line = (of: string, largest: number, scale: number) =>
    console.out(`largest |Δ ${of}: ${largest.toPrecision(3)}, of numbers up to ${scale.toPrecision(3)}\n`);
  if (proof.kind === "network") {
    line("logit| in float64", proof.float64.largest, proof.float64.scale);
    line("logit| in float32, with the numbers that are written", proof.float32.largest, proof.float32.scale);
  } else {
    const { place, largest, scale } = proof.float32;
    line(`output| in float32, place by place with the numbers that are written, at ${place}`, largest, scale);
  }
  if (bound > 1e-5)
    console.out(`numbers were rounded to a short format; ${bound} of the largest was allowed\n`);
  console.out(
    `${made.folder}: ${made.layout}, ${formatCount(made.parameters)} parameters, ${formatCount(made.bytes)}B\n`,
  );
}
