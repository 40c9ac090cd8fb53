// `scantling design` as the command line has it: its options and where they lead. Trains nothing.

import { type Command, Option } from "commander";
import { RequestError } from "../../errors.ts";
import { backendOption, type MachineRequest } from "../machine.ts";
import { numberBetween, wholeNumber } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface DesignCommandOptions extends MachineRequest {
  readonly budget: string;
  readonly final?: string;
  readonly data?: string;
  readonly tokenizer?: string;
  readonly parameters?: number;
  readonly state?: number;
  readonly candidates?: string;
  readonly length?: number;
  readonly batch?: number;
  readonly rates?: readonly number[];
  readonly seeds?: number;
  readonly seed?: number;
  readonly mad?: boolean;
  readonly processes?: number;
  readonly dryRun?: boolean;
  readonly out: string;
  readonly json?: boolean;
}

const help = `
From text and a budget to an architecture and how to train it. Candidates of one size, from wide to deep, attention, recurrent
layers and hybrids, run for a small part of the budget at several rates; the best third go on to longer runs, until at most
three are left, which run under several seeds. The winner is trained with what is left, in OUT/winner, which is a run like any
other. docs/design.md says more.

Candidates of your own are a file of architectures by name, as the arms of a study:

  small: { architecture: { stripe: "[attention(heads: 4), swiglu]", layers: 4 } }
  mine: mine.yaml

Ctrl-C pauses; the same command goes on from there, as it does after a crash.

Examples:
  scantling design --data book.txt --budget 2h
  scantling design --data book.txt --budget 3e14flops --parameters 1M --state 20k --dry-run
  scantling design --budget 4e11flops --parameters 20k --length 32 --batch 4 --out runs/first`;

export function designCommand({ program, console, setExitCode, commandLine }: CommandContext): Command {
  const rate = numberBetween(0);
  /** Of --mad and --no-mad, which are one setting to the parser: the last would hold. */
  const said = new Set<string>();
  return program
    .command("design")
    .description("find an architecture and a recipe for a text and a budget, and train it")
    .requiredOption(
      "--budget <amount>",
      "of everything: time by the clock or training FLOPs, such as 2h or 3e14flops",
    )
    .option("--final <amount>", "of it, for the winner's run (default: half, and what the search leaves)")
    .option("--data <what>", "text, as for train (default: the built-in language)")
    .option("--tokenizer <what>", "as for train")
    .addOption(
      new Option(
        "--parameters <n>",
        "of each candidate (default: what the budget is best spent on)",
      ).argParser(wholeNumber(1)),
    )
    .addOption(
      new Option(
        "--state <n>",
        "most numbers that decoding may carry for one sequence (default: any)",
      ).argParser(wholeNumber(0)),
    )
    .option("--candidates <file>", "architectures by name, .yaml or .json (default: about twenty kinds)")
    .addOption(new Option("--length <n>", "tokens of a sequence (default: 128)").argParser(wholeNumber(1)))
    .addOption(new Option("--batch <n>", "sequences of an update (default: 16)").argParser(wholeNumber(1)))
    .addOption(
      new Option(
        "--rates <list>",
        "learning rates, rising (default: 0.0016,0.004,0.01, under muP)",
      ).argParser((text) => text.split(",").map(rate)),
    )
    .addOption(
      new Option("--seeds <k>", "of those that are left at the end (default: 3)").argParser(wholeNumber(1)),
    )
    .addOption(new Option("--seed <n>", "the first of them (default: 1)").argParser(wholeNumber(0)))
    .option(
      "--mad",
      "synthetic tasks first, which leave out kinds of blocks (default: where they cost 2 % at most)",
    )
    .option("--no-mad", "never")
    .option("--dry-run", "say what would be tried, in how many runs, and how long that takes on this machine")
    .option("--out <folder>", "folder of the design", "runs/design")
    .addOption(new Option("--processes <n>", "runs of the search at a time").argParser(wholeNumber(1)))
    .addOption(
      new Option(
        "--threads <n>",
        "threads of the winner's run, others have one; results do not depend on it (default: one a usable core)",
      ).argParser(wholeNumber(1)),
    )
    .addOption(backendOption())
    .option("--json", "print one JSON document")
    .on("option:mad", () => said.add("--mad"))
    .on("option:no-mad", () => said.add("--no-mad"))
    .addHelpText("after", help)
    .action(async (options: DesignCommandOptions, command: Command) => {
      if (said.size > 1)
        throw new RequestError("--mad and --no-mad contradict each other; leave one of them out");
      const { designFor } = await import("./run.ts");
      const { config } = command.opts<{ config?: string }>();
      setExitCode(await designFor(options, config, console, commandLine));
    });
}
