// `scantling prune` as the command line has it: its options and where they lead. Makes nothing.

import { type Command, Option } from "commander";
import { type PruneCriterion, pruneCriteria } from "../../train/pruneCriteria.ts";
import { checkpointOption } from "../checkpoint.ts";
import { backendOption, type MachineRequest, threadsOption } from "../machine.ts";
import { sizes, wholeNumber, wholeNumbers } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface PruneCommandOptions extends MachineRequest {
  readonly layers?: number;
  readonly width?: number;
  readonly mlp?: number;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly headWidth?: number;
  readonly valueWidth?: number;
  readonly set?: Readonly<Record<string, number>>;
  readonly blocks?: readonly number[];
  readonly criterion: PruneCriterion;
  readonly batches: number;
  readonly out: string;
  readonly seed: number;
  readonly checkpoint: "best" | "last" | number;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
The units that matter least are left out: by Σ |g·w| over all parameters of a unit, on batches of the run's training data
(Molchanov et al. 2019; Yang et al. 2023, NViT). Layers go first, then the width, then sizes of primitives, in all blocks or
in those of --blocks, each measured anew. Losses are of validation data. The new run stands before its first step, with a
fresh optimiser: train --resume trains it on. --criterion random is the control that importance has to beat.

Example: scantling prune runs/book --mlp 128 --heads 2 --out runs/smaller`;

export function pruneCommand({ program, console, setExitCode }: CommandContext): Command {
  const size = (flags: string, what: string) => new Option(flags, what).argParser(wholeNumber(1));
  return program
    .command("prune")
    .description("make a run whose network has lost its least important parts out of a trained one")
    .argument("<run>", "folder of a run")
    .addOption(size("--layers <n>", "repetitions of the stripe that stay"))
    .addOption(size("--width <n>", "features of the residual stream"))
    .addOption(size("--mlp <n>", "hidden features of feed-forward layers"))
    .addOption(size("--heads <n>", "heads"))
    .addOption(size("--kv-heads <n>", "key/value heads, where they are grouped"))
    .addOption(size("--head-width <n>", "features of a head's queries and keys"))
    .addOption(size("--value-width <n>", "features of a head's values"))
    .addOption(new Option("--set <sizes>", "other settings of primitives, such as state=8").argParser(sizes))
    .addOption(
      new Option("--blocks <list>", "blocks whose sizes shrink, from 0 (default: all)").argParser(
        wholeNumbers(0),
      ),
    )
    .addOption(
      new Option("--criterion <name>", "what decides which units stay")
        .choices(pruneCriteria)
        .default("taylor"),
    )
    .addOption(
      new Option("--batches <n>", "micro-batches that importance and losses are measured on")
        .argParser(wholeNumber(1))
        .default(32),
    )
    .requiredOption("--out <folder>", "folder of the new run")
    .addOption(new Option("--seed <n>", "of the criterion random").argParser(wholeNumber(0)).default(0))
    .addOption(checkpointOption())
    .addOption(backendOption())
    .addOption(threadsOption())
    .option("--force", "replace the run in that folder")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (run: string, options: PruneCommandOptions) => {
      const { prune } = await import("./run.ts");
      await prune(run, options, console);
      setExitCode(0);
    });
}
