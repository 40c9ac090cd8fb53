// `scantling relax` as the command line has it: its options and where they lead. Makes nothing.

import { type Command, Option } from "commander";
import { type RelaxedSelection, relaxedSelections } from "../../architecture/relaxedSelections.ts";
import { checkpointOption } from "../checkpoint.ts";
import { wholeNumber, wholeNumberList } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface RelaxCommandOptions {
  readonly rank: number;
  readonly period?: number;
  readonly groups?: readonly number[];
  readonly norms?: "individual" | "shared";
  readonly values: RelaxedSelection;
  readonly out: string;
  readonly checkpoint: "best" | "last" | number;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
Blocks share one block's matrices, or --period of them, and each adds low-rank matrices that bring it back near what it was
(Relaxed Recursive Transformers). The new run stands before its first step: evaluate, sample and export take it, and train
--resume trains it on, which it needs where the rank is small.

Example: scantling relax runs/book --period 1 --rank 16 --out runs/shared`;

export function relaxCommand({ program, console, setExitCode }: CommandContext): Command {
  return program
    .command("relax")
    .description("make a run whose blocks share parameters, with low-rank additions, out of a trained one")
    .argument("<run>", "folder of a run")
    .addOption(new Option("--rank <n>", "of the additions").argParser(wholeNumber(1)).makeOptionMandatory())
    .addOption(
      new Option("--period <n>", "block i shares with block i mod n (default: 1)").argParser(wholeNumber(1)),
    )
    .addOption(
      new Option("--groups <list>", "sizes of groups of neighbours that share, instead").argParser(
        wholeNumberList(1),
      ),
    )
    .addOption(
      new Option("--norms <how>", "individual (default) or shared").choices(["individual", "shared"]),
    )
    .addOption(
      new Option("--values <from>", "shared values: of blocks at even steps, their average, the lower blocks")
        .choices([...relaxedSelections])
        .default("stepwise"),
    )
    .requiredOption("--out <folder>", "folder of the new run")
    .addOption(checkpointOption())
    .option("--force", "replace the run in that folder")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (run: string, options: RelaxCommandOptions) => {
      const { relax } = await import("./run.ts");
      relax(run, options, console);
      setExitCode(0);
    });
}
