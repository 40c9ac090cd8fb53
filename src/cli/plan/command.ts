// `scantling plan` as the command line has it: its options and where they lead. Plans nothing.

import { type Command, Option } from "commander";
import { memorySize, numberBetween, share, wholeNumber } from "../parsers.ts";
import type { CommandContext } from "../program.ts";
import { refuseUnused } from "../unused.ts";

export interface PlanCommandOptions {
  readonly flops?: number;
  readonly gpuHours?: number;
  readonly hardware?: string;
  readonly utilisation?: number;
  readonly parameters?: number;
  readonly tokens?: number;
  readonly loss?: number;
  readonly inferenceTokens?: number;
  readonly uniqueTokens?: number;
  readonly stateMemory?: number;
  readonly law?: string;
  readonly vocabulary?: number;
  readonly length?: number;
  readonly parametrisation?: "standard" | "mup" | "depth-mup" | "completep";
  readonly rates?: string;
  readonly rate?: number;
  readonly baseWidth?: number;
  readonly baseDepth?: number;
  readonly extrapolate?: boolean;
  readonly table?: boolean;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
Give one or two of FLOPs (or hours of a device), parameters, tokens and a loss to reach, or unique tokens alone (read once). Laws: besiroglu (default), hoffmann
(unrounded), hoffmann-rounded, approach1, kaplan, overtraining, data-constrained (the default with --unique-tokens), or a file
that scantling fit --out wrote; several with commas stand side by side. With --inference-tokens, FLOPs are for training and
inference together, and a loss is reached in the cheapest way for both (Sardana et al. 2024). Beyond ten times the range of
the law's runs the first line says so; beyond a thousand times --extrapolate is needed.

Examples:
  scantling plan --flops 5.76e23
  scantling plan --flops 3.15e23 --law kaplan,hoffmann,besiroglu
  scantling plan --gpu-hours 5000 --hardware a100 --utilisation 0.45 --loss 2.3
  scantling plan --flops 1e21 --unique-tokens 2G
  scantling plan --parameters 7G --flops 1e23 --length 32768 --state-memory 1GB
  scantling plan --flops 1e19 --parametrisation mup --rates rates.json
  scantling plan --table --flops 1e17`;

/** A ladder of runs is made of a budget and a law alone. */
const unusedByTable: readonly (keyof PlanCommandOptions)[] = [
  ...(["parameters", "tokens", "loss", "inferenceTokens", "stateMemory"] as const),
  ...(["vocabulary", "length", "parametrisation"] as const),
  ...(["rates", "rate", "baseWidth", "baseDepth"] as const),
];

export function planCommand({ program, console, setExitCode }: CommandContext): Command {
  const amount = () => numberBetween(0, 1e40);
  return program
    .command("plan")
    .description("turn a budget into parameters, tokens, a shape and a recipe")
    .addOption(new Option("--flops <x>", "operations of training, such as 1e21").argParser(amount()))
    .addOption(
      new Option("--gpu-hours <x>", "the same as hours of a device").argParser(amount()).conflicts("flops"),
    )
    .addOption(new Option("--hardware <name>", "a100, h100, tpu-v4, … (default: h100)"))
    .addOption(new Option("--utilisation <x>", "share of its peak (default: 0.4)").argParser(share))
    .addOption(new Option("--parameters <n>", "such as 7G").argParser(amount()))
    .addOption(new Option("--tokens <n>", "to train on").argParser(amount()))
    .addOption(new Option("--loss <x>", "to reach, in nat a token").argParser(numberBetween(0, 100)))
    .addOption(new Option("--inference-tokens <n>", "to be read and written later").argParser(amount()))
    .addOption(new Option("--unique-tokens <n>", "that differ; others are seen again").argParser(amount()))
    .addOption(
      new Option("--state-memory <size>", "for the state of one sequence, such as 1GB").argParser(memorySize),
    )
    .option("--law <names>", "by which law")
    .addOption(new Option("--vocabulary <n>", "token ids (default: 32000)").argParser(wholeNumber(2)))
    .addOption(new Option("--length <n>", "tokens of a sequence (default: 2048)").argParser(wholeNumber(1)))
    .addOption(
      new Option("--parametrisation <name>", "what the rate is for (default: standard)").choices([
        "standard",
        "mup",
        "depth-mup",
        "completep",
      ]),
    )
    .option("--rates <file>", "a measurement of scantling transfer --json under that parametrisation")
    .addOption(
      new Option("--rate <x>", "in its place: the best rate at the base")
        .argParser(numberBetween(0))
        .conflicts("rates"),
    )
    .addOption(new Option("--base-width <n>", "width that a rate holds at").argParser(wholeNumber(1)))
    .addOption(
      new Option("--base-depth <n>", "and layers, for depth-mup and completep").argParser(wholeNumber(1)),
    )
    .option("--extrapolate", "plan beyond a thousand times the range of the law's runs")
    .option("--table", "print a ladder of runs of --flops in all, to fit a law of your own")
    .option("--out <file>", "also write the JSON document to this file")
    .option("--force", "overwrite that file")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (options: PlanCommandOptions, command: Command) => {
      const { planBudget } = await import("./run.ts");
      if (options.table === true) refuseUnused(command, unusedByTable, "to --table");
      setExitCode(planBudget(options, console));
    });
}
