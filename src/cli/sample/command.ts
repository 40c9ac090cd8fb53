// `scantling sample` as the command line has it: its options and where they lead. Samples nothing.

import { type Command, Option } from "commander";
import { backendOption, type MachineRequest, relaxedOption, threadsOption } from "../machine.ts";
import { numberFrom, share, wholeNumber } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface SampleOptions extends MachineRequest {
  readonly prompt?: string;
  readonly tokens: number;
  readonly count: number;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly stop: readonly string[];
  readonly seed: number;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
The checkpoint with the lowest validation loss is used. The model sees as many tokens at once as it was trained with; a
longer text goes on from the later half of what it saw. Sample n of a seed has the same random numbers for any --count.

Examples:
  scantling sample runs/book --prompt "It was " --tokens 300 --temperature 0.8
  scantling sample runs/book --prompt - --count 4 --top-p 0.9 --stop "THE END" < beginning.txt`;

export function sampleCommand({ program, console, setExitCode }: CommandContext): Command {
  return program
    .command("sample")
    .description("let the model of a run write text")
    .argument("<run>", "folder of a run")
    .option("--prompt <text>", "text to continue; - reads it from standard input (default: a line end)")
    .addOption(new Option("--tokens <n>", "tokens to write").argParser(wholeNumber(1)).default(400))
    .addOption(new Option("--count <n>", "samples to write").argParser(wholeNumber(1)).default(1))
    .addOption(
      new Option("--temperature <x>", "below 1 keeps to what is likely; 0 takes the likeliest")
        .argParser(numberFrom(0))
        .default(0.8),
    )
    .addOption(new Option("--top-k <n>", "draw from the k likeliest tokens only").argParser(wholeNumber(1)))
    .addOption(
      new Option("--top-p <x>", "draw from the fewest that have this share of the probability").argParser(
        share,
      ),
    )
    .addOption(
      new Option("--stop <text>", "end a sample before this text; may be given several times")
        .argParser((text: string, before: readonly string[]) => [...before, text])
        .default([], "none"),
    )
    .addOption(new Option("--seed <n>", "of the draws").argParser(wholeNumber(0)).default(0))
    .addOption(threadsOption())
    .addOption(backendOption())
    .addOption(relaxedOption())
    .option("--out <file>", "write the text to this file as well")
    .option("--force", "overwrite that file")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (run: string, options: SampleOptions) => {
      const { sample } = await import("./run.ts");
      setExitCode(await sample(run, options, console));
    });
}
