// `scantling solve` as the command line has it: its options and where they lead. Solves nothing.

import { type Command, InvalidArgumentError, Option } from "commander";
import { numberBetween, wholeNumber } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface SolveOptions {
  readonly parameters?: number;
  readonly flops?: number;
  readonly state?: number;
  readonly tokens?: number;
  readonly depths: readonly number[];
  readonly convention?: string;
  readonly architecture?: string;
  readonly vocabulary?: number;
  readonly length?: number;
  readonly heads?: number;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
Prints the best integer width for each depth, a number of repetitions of the stripe, and how near it lands. Everything else
of the architecture stays; heads stay as many, feed-forward sizes grow with the width. Conventions of --parameters: total
(default), nonEmbedding, active, kaplan (matrices of the blocks alone); of --flops: training (default), forward, sixN,
kaplan, chinchilla, as in scantling count. Without --tokens, FLOPs are those of one token. --state is what decoding carries
for one sequence: kept (default: all of it), mad (as the MAD paper counts).

Examples:
  scantling solve --parameters 50M --depths 1,4,16,64,256
  scantling solve --parameters 1G --depths 16,24,32 --architecture llama-7b --convention nonEmbedding
  scantling solve --flops 1e18 --tokens 1G --depths 4,8,16
  scantling solve --state 16M --depths 2,4,8 --architecture llama-7b --length 1024`;

export function solveCommand({ program, console, setExitCode }: CommandContext): Command {
  return program
    .command("solve")
    .description("find the widths that spend a budget of parameters, operations or state")
    .addOption(new Option("--parameters <n>", "the budget, such as 50M").argParser(wholeNumber(1)))
    .addOption(
      new Option("--flops <x>", "the budget, per token or for --tokens")
        .argParser(numberBetween(0))
        .conflicts("parameters"),
    )
    .addOption(
      new Option("--state <n>", "the budget: numbers that decoding carries at --length")
        .argParser(wholeNumber(1))
        .conflicts(["parameters", "flops", "tokens"]),
    )
    .addOption(
      new Option("--tokens <n>", "tokens that the FLOPs are for")
        .argParser(wholeNumber(1))
        .conflicts("parameters"),
    )
    .addOption(
      new Option("--depths <list>", "repetitions of the stripe").argParser(depthList).makeOptionMandatory(),
    )
    .option("--convention <name>", "how the budget is counted")
    .option(
      "--architecture <arch>",
      "a preset or a .json or .yaml file (default: tied GPT without biases and positions, 65 characters, length 256)",
    )
    .addOption(new Option("--vocabulary <n>", "token ids").argParser(wholeNumber(1)))
    .addOption(new Option("--length <n>", "tokens of a sequence").argParser(wholeNumber(1)))
    .addOption(new Option("--heads <n>", "of every attention").argParser(wholeNumber(1)))
    .option("--out <file>", "also write the JSON document to this file")
    .option("--force", "overwrite that file")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (options: SolveOptions) => {
      const { solve } = await import("./run.ts");
      setExitCode(solve(options, console));
    });
}

const MOST_DEPTHS = 100;

function depthList(text: string): number[] {
  const depths = text.split(",").map((part) => Number(/^\s*\d+\s*$/.test(part) ? part : Number.NaN));
  const isDepth = (depth: number) => Number.isSafeInteger(depth) && depth >= 1 && depth <= 10_000;
  if (depths.length <= MOST_DEPTHS && depths.every(isDepth)) return depths;
  throw new InvalidArgumentError(
    `Expected at most ${MOST_DEPTHS} whole numbers from 1 to 10000, such as 1,4,16.`,
  );
}
