// What `scantling prune` does: makes the run, and says what was removed and what the loss was before and after.

import { dataFolders } from "../../data/named/folders.ts";
import { RequestError } from "../../errors.ts";
import type { PruneStep, RemovedUnits } from "../../growth/prune.ts";
import { formatCount, formatLoss } from "../../report/format.ts";
import { type PruneProgress, pruneRun } from "../../train/pruneRun.ts";
import { type Console, warn } from "../console.ts";
import { openMachine } from "../machine.ts";
import { createStatus } from "../status.ts";
import type { PruneCommandOptions } from "./command.ts";

export async function prune(folder: string, options: PruneCommandOptions, console: Console): Promise<void> {
  const { out, seed, checkpoint, criterion, batches, force, json } = options;
  const steps = stepsOf(options);
  const { machine } = await openMachine(options, console);
  const status = createStatus(console);
  try {
    const made = await pruneRun({
      ...{ folder, out, checkpoint, force, steps, machine, criterion, seed, batches, signal: console.signal },
      onDamaged: (line) => warn(console, line),
      dataFolder: dataFolders(console.environment),
      report: (progress) => status.share(progress.share, progressLine(progress, steps)),
    }).finally(status.end);
    if (json) {
      console.out(`${JSON.stringify(made)}\n`);
      return;
    }
    console.out(`loss before: ${formatLoss(made.loss)}\n`);
    for (const { step, removed, loss } of made.steps) {
      console.out(`${JSON.stringify(step)}\n`);
      for (const line of removed.map(printRemoved)) console.out(`  ${line}\n`);
      console.out(`  loss: ${formatLoss(loss)}\n`);
    }
    const [before, after] = [made.parametersBefore, made.parameters].map(formatCount);
    console.out(`${made.folder}: ${after} parameters of ${before}\n`);
  } finally {
    machine.dispose();
  }
}

function progressLine({ share, doing, step }: PruneProgress, steps: readonly PruneStep[]): string {
  const of = step === null ? "before the first step" : JSON.stringify(steps[step]);
  return `${Math.round(100 * share)} %: ${doing} ${of}`;
}

function printRemoved({ where, size, before, after, share }: RemovedUnits): string {
  const name = [where, size].filter((part) => part !== "").join(" ");
  const lost = share === null ? "by their places" : `${(100 * share).toPrecision(3)} % of the importance`;
  return `${name}: ${before} → ${after}, without ${lost}`;
}

function stepsOf(options: PruneCommandOptions): PruneStep[] {
  const { mlp, heads, kvHeads, headWidth, valueWidth, set, blocks, width, layers } = options;
  const given = { feedforward: mlp, heads, kvHeads, headWidth, valueWidth, ...set };
  const to = Object.fromEntries(Object.entries(given).filter(([, size]) => size !== undefined));
  const hasSizes = Object.keys(to).length > 0;
  if (blocks !== undefined && !hasSizes) {
    throw new RequestError(
      "prune: --blocks is given, but no size that shrinks in them; give one, such as --mlp",
    );
  }
  const steps: PruneStep[] = [
    ...(layers === undefined ? [] : [{ prune: "layers", to: layers } as const]),
    ...(width === undefined ? [] : [{ prune: "width", to: width } as const]),
    ...(hasSizes ? [{ prune: "settings", to, blocks } as const] : []),
  ];
  if (steps.length > 0) return steps;
  throw new RequestError(
    "prune: nothing is to shrink; give --mlp, --heads, --width, --layers or another size",
  );
}
