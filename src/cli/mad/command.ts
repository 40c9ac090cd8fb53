// `scantling mad` as the command line has it: its options and where they lead. Trains nothing.

import { type Command, InvalidArgumentError, Option } from "commander";
import { backendOption, type MachineRequest, runThreadsOption } from "../machine.ts";
import { names, wholeNumber } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface MadOptions extends MachineRequest {
  readonly tasks?: readonly string[];
  readonly seeds?: number;
  readonly seed?: number;
  readonly profile: string;
  readonly budget?: string;
  readonly full?: boolean;
  readonly difficulty?: boolean;
  readonly dryRun?: boolean;
  readonly against?: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly workers?: number;
  readonly config?: string;
}

const help = `
An architecture is a short name (attention, hyena, mh-hyena, mamba, gla, lstm, striped-hyena, striped-mamba, ...; sizes are
the profile's), a preset, or a .json or .yaml file. Tasks are those of MAD (Poli, Thomas et al. 2024); docs/tasks.md shows
them. The default profile "clean" trains on this machine for as long as it takes to tell the architectures apart, or until
the budget is spent: runs stop when they are solved or hopeless, and rates and architectures that cannot win get no more
steps. A budget in time is time by the clock, whatever --workers: no run begins after it, and those under way are finished.
"quick" is a first look in minutes. --full runs every rate to its end instead; --profile repo-head does what mad-lab's code
does, all 396 runs an architecture. --dry-run says what would be run and what it costs. The same command goes on where it
was stopped.

--against FILE compares the scores of a finished comparison with a table of your own, a CSV file with the columns
architecture and perplexity: correlations over architectures, for every task and the mean.

Examples:
  scantling mad attention hyena mamba striped-hyena
  scantling mad attention gla --tasks in-context-recall,selective-copying --seeds 5 --budget 20m
  scantling mad mine.json hyena --against perplexities.csv
  scantling mad attention --profile repo-head --dry-run`;

export function madCommand({ program, console, setExitCode, commandLine }: CommandContext): Command {
  return program
    .command("mad")
    .description("compare architectures on synthetic tasks, with intervals, until they can be told apart")
    .argument("[arch...]", "architectures")
    .addOption(new Option("--tasks <list>", "names of tasks (default: the six of MAD)").argParser(names))
    .addOption(
      new Option("--seeds <k>", "seeds of every result (default: the profile's)").argParser(seedCount),
    )
    .addOption(
      new Option("--seed <n>", "the first of them (default: the profile's)").argParser(wholeNumber(0)),
    )
    .option("--profile <name>", "clean, quick, repo-head or paper", "clean")
    .option(
      "--budget <amount>",
      "most to spend: time by the clock, steps or FLOPs, such as 10m, 20000steps or 3e13flops",
    )
    .option("--full", "run everything to its end, without racing")
    .option("--difficulty", "harder settings of every task as well: difficulty curves")
    .option("--dry-run", "say what would be run, its steps and its FLOPs")
    .option("--against <file>", "CSV with the columns architecture and perplexity")
    .option("--out <folder>", "folder of the comparison (default: runs/mad)")
    .addOption(new Option("--workers <n>", "runs at a time").argParser(wholeNumber(1)))
    .addOption(runThreadsOption())
    .addOption(backendOption())
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (architectures: string[], options: MadOptions) => {
      const { compare } = await import("./run.ts");
      setExitCode(await compare(architectures, options, console, commandLine));
    });
}

const MOST_SEEDS = 100;

function seedCount(text: string): number {
  const count = wholeNumber(1)(text);
  if (count <= MOST_SEEDS) return count;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${MOST_SEEDS}.`);
}
