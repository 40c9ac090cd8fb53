// What `scantling grow` does: makes the run, and says what was padded, zeroed and scaled, and how far its logits are from those
// of before.

import { dataFolders } from "../../data/named/folders.ts";
import { RequestError } from "../../errors.ts";
import { defineGrowthSteps } from "../../growth/define.ts";
import { printNote } from "../../growth/grow.ts";
import type { GrowthStep } from "../../growth/steps.ts";
import { isPublicFolder } from "../../hub/folder.ts";
import { formatCount } from "../../report/format.ts";
import { growRun, type Proof } from "../../train/growRun.ts";
import { type Console, warn } from "../console.ts";
import { openMachine } from "../machine.ts";
import type { GrowCommandOptions } from "./command.ts";
import { growPublic } from "./publicFolder.ts";

export async function grow(folder: string, options: GrowCommandOptions, console: Console): Promise<void> {
  const { out, seed, checkpoint, fresh, schedule, unproven, force, json, method, noise, maskSteps, data } =
    options;
  const steps = stepsOf(options);
  const { machine } = await openMachine(options, console);
  try {
    if (isPublicFolder(folder)) {
      const [given] = [
        ...(method === "zero" ? [] : ["method"]),
        ...(noise === undefined ? [] : ["noise"]),
        ...(maskSteps === undefined ? [] : ["mask-steps"]),
        ...(fresh ? ["fresh"] : []),
        ...(schedule === "keep" ? [] : ["schedule"]),
      ];
      if (given === undefined) return await growPublic(folder, steps, machine, options, console);
      throw new RequestError(
        `grow: --${given} is for runs, and ${folder} is a public folder; import it first`,
      );
    }
    if (data !== undefined || options.tokenizer !== undefined) {
      throw new RequestError(
        `grow: --${data === undefined ? "tokenizer" : "data"} is for public folders, and ${folder} is a run, compared on its ` +
          "own validation data; leave it out",
      );
    }
    const onDamaged = (line: string) => warn(console, line);
    const given = { folder, out, checkpoint, force, fresh, schedule, unproven, method, noise, maskSteps };
    const dataFolder = dataFolders(console.environment);
    const made = await growRun({
      ...given,
      dataFolder,
      onDamaged,
      steps,
      seed,
      machine,
      signal: console.signal,
    });
    if (json) {
      console.out(`${JSON.stringify(made)}\n`);
      return;
    }
    for (const { step, notes } of made.steps) {
      console.out(`${JSON.stringify(step)}\n`);
      for (const note of notes) console.out(`  ${printNote(note)}\n`);
    }
    const { data: own, ...random } = made.proof;
    printProof(random, "random tokens", console);
    if (own !== null) printProof(own, "its own data", console);
    for (const note of made.notes) console.out(`${note}\n`);
    const { name, preserves, twins } = made.method;
    if (!preserves) console.out(`${name} does not keep what the network computes\n`);
    if (twins) console.out(`${name} makes units that are equal and stay so; --noise 10 tells them apart\n`);
    const stands = made.step === 0 ? "before its first step" : `after step ${made.step}`;
    console.out(`${made.folder}: ${formatCount(made.parameters)} parameters, ${stands}\n`);
  } finally {
    machine.dispose();
  }
}

function printProof(proof: Proof, on: string, console: Console): void {
  for (const precision of ["float64", "float32"] as const) {
    const { largest, scale } = proof[precision];
    const [difference, of] = [largest, scale].map((value) => value.toPrecision(3));
    console.out(`largest |Δ logit| on ${on} in ${precision}: ${difference}, of logits up to ${of}\n`);
  }
}

function stepsOf(options: GrowCommandOptions): GrowthStep[] {
  const { mlp, heads, kvHeads, headWidth, valueWidth, set, blocks, width, layers = [] } = options;
  const given = { feedforward: mlp, heads, kvHeads, headWidth, valueWidth, ...set };
  const to = Object.fromEntries(Object.entries(given).filter(([, size]) => size !== undefined));
  const hasSizes = Object.keys(to).length > 0;
  if (blocks !== undefined && !hasSizes) {
    throw new RequestError(
      "grow: --blocks is given, but no size that grows in them; give one, such as --mlp",
    );
  }
  const steps: GrowthStep[] = [
    ...(hasSizes ? [{ grow: "settings", to, blocks } as const] : []),
    ...(width === undefined ? [] : [{ grow: "width", to: width } as const]),
    ...layers.map((added) => ({ grow: "layers", ...added }) as const),
  ];
  if (options.to !== undefined) {
    if (steps.length === 0) return defineGrowthSteps(options.to, "grow");
    throw new RequestError(
      "grow: --to names all sizes and adds layers after the last; leave the others out, or leave out --to",
    );
  }
  if (steps.length > 0) return steps;
  throw new RequestError(
    "grow: nothing is to grow; give --mlp, --heads, --width, --layers or another size, or --to",
  );
}
