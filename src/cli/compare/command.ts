// `scantling compare` as the command line has it: its options and where they lead. Compares nothing.

import { type Command, Option } from "commander";
import { numberFrom } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface CompareOptions {
  readonly margin?: number;
  readonly out: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
Runs that differ in nothing but their seed are one arm. Arms on the same data are compared seed by seed: win, tie or
undecided. The report has their losses, and accuracies where runs tell them, over tokens, FLOPs and seconds.

Examples:
  scantling compare runs/wide runs/deep
  scantling compare runs/wide-seed1 runs/wide-seed2 runs/deep-seed1 runs/deep-seed2 --out deep.html`;

export function compareCommand({ program, console, setExitCode, commandLine }: CommandContext): Command {
  return program
    .command("compare")
    .description("hold runs against each other in a report")
    .argument("<runs...>", "folders of runs")
    .addOption(
      new Option("--margin <nats>", "smaller differences are ties (default: 0.01)").argParser(numberFrom(0)),
    )
    .option("--out <file>", "the report", "compare.html")
    .option("--force", "overwrite that file")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (runs: string[], options: CompareOptions) => {
      const { compare } = await import("./run.ts");
      setExitCode(compare(runs, options, console, commandLine));
    });
}
