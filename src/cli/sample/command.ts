// `scantling sample` as the command line has it: its options and where they lead. Samples nothing.

import { type Command, Option } from "commander";
import { backendOption, threadsOption } from "../machine.ts";
import { numberFrom, wholeNumber } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface SampleOptions {
  readonly prompt?: string;
  readonly tokens: number;
  readonly temperature: number;
  readonly topK?: number;
  readonly seed: number;
  readonly threads?: number;
  readonly backend: "native" | "reference";
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
The checkpoint with the lowest validation loss is used.

Example: scantling sample runs/book --prompt "It was " --tokens 300 --temperature 0.8`;

export function sampleCommand({ program, console, setExitCode }: CommandContext): Command {
  return program
    .command("sample")
    .description("let the model of a run write text")
    .argument("<run>", "folder of a run")
    .option("--prompt <text>", "text to continue (default: a line end)")
    .addOption(new Option("--tokens <n>", "tokens to write").argParser(wholeNumber(1)).default(400))
    .addOption(
      new Option("--temperature <x>", "below 1 keeps to what is likely; 0 takes the likeliest")
        .argParser(numberFrom(0))
        .default(0.8),
    )
    .addOption(new Option("--top-k <n>", "draw from the k likeliest tokens only").argParser(wholeNumber(1)))
    .addOption(new Option("--seed <n>", "of the draws").argParser(wholeNumber(0)).default(0))
    .addOption(threadsOption())
    .addOption(backendOption())
    .option("--out <file>", "write the text to this file as well")
    .option("--force", "overwrite that file")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (run: string, options: SampleOptions) => {
      const { sample } = await import("./run.ts");
      setExitCode(await sample(run, options, console));
    });
}
