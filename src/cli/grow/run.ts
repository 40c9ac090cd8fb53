// What `scantling grow` does: makes the run, and says what was padded, zeroed and scaled, and how far its logits are from those
// of before.

import { RequestError } from "../../errors.ts";
import { printNote } from "../../growth/grow.ts";
import type { GrowthStep } from "../../growth/steps.ts";
import { formatCount } from "../../report/format.ts";
import { growRun } from "../../train/remakeRun.ts";
import { type Console, warn } from "../console.ts";
import { openMachine } from "../machine.ts";
import type { GrowCommandOptions } from "./command.ts";

export async function grow(folder: string, options: GrowCommandOptions, console: Console): Promise<void> {
  const { out, seed, checkpoint, unproven, force, json, method, noise } = options;
  const steps = stepsOf(options);
  const { machine } = await openMachine(options, console);
  try {
    const onDamaged = (line: string) => warn(console, line);
    const made = growRun({
      folder,
      out,
      checkpoint,
      force,
      onDamaged,
      steps,
      seed,
      machine,
      unproven,
      method,
      noise,
    });
    if (json) {
      console.out(`${JSON.stringify(made)}\n`);
      return;
    }
    for (const { step, notes } of made.steps) {
      console.out(`${JSON.stringify(step)}\n`);
      for (const note of notes) console.out(`  ${printNote(note)}\n`);
    }
    for (const precision of ["float64", "float32"] as const) {
      const { largest, scale } = made.proof[precision];
      const [difference, of] = [largest, scale].map((value) => value.toPrecision(3));
      console.out(`largest |Δ logit| in ${precision}: ${difference}, of logits up to ${of}\n`);
    }
    const { name, preserves, twins } = made.method;
    if (!preserves) console.out(`${name} does not keep what the network computes\n`);
    if (twins) console.out(`${name} makes units that are equal and stay so; --noise 10 tells them apart\n`);
    console.out(`${made.folder}: ${formatCount(made.parameters)} parameters\n`);
  } finally {
    machine.dispose();
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
  if (steps.length > 0) return steps;
  throw new RequestError("grow: nothing is to grow; give --mlp, --heads, --width, --layers or another size");
}
