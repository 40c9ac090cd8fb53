// `scantling ladder` as the command line has it: its options and where they lead. Trains nothing.

import { Argument, type Command, Option } from "commander";
import { backendOption, type MachineRequest, runThreadsOption } from "../machine.ts";
import { numberBetween, wholeNumber, wholeNumberList } from "../parsers.ts";
import type { CommandContext } from "../program.ts";
import { refuseUnused } from "../unused.ts";

export interface LadderCommandOptions extends MachineRequest {
  readonly data?: string;
  readonly budgets?: readonly number[];
  readonly budget?: string;
  readonly rungs: number;
  readonly sizes?: readonly number[];
  readonly depths: readonly number[];
  readonly parameters?: number;
  readonly layers?: number;
  readonly length: number;
  readonly batch: number;
  readonly rate: number;
  readonly baseWidth: number;
  readonly rates?: string;
  readonly seed: number;
  readonly dryRun?: boolean;
  readonly out: string;
  readonly workers?: number;
  readonly json?: boolean;
}

/** What a ladder is about. */
export const ladderKinds = ["isoflop", "state", "shape"] as const;
export type LadderKind = (typeof ladderKinds)[number];

/** What a kind has no use for. */
const unused: Readonly<Record<LadderKind, readonly (keyof LadderCommandOptions)[]>> = {
  isoflop: ["depths"],
  shape: ["sizes", "layers"],
  state: ["depths", "rungs"],
};

const help = `
Real runs for laws of your own. isoflop: sizes at equal FLOPs, for several budgets; shape: depths at equal FLOPs and equal
parameters; state: architectures of different state at one budget. At the end the laws are fitted. The largest rung is
predicted from the smaller ones, and the prediction written to prediction.json, before it is run; then the two are compared.
Every run's decay ends with the run. Rates go by muP from --rate at --base-width, or by --rates, a measurement that scantling
transfer --json printed. Without --budgets they are chosen so that the whole takes about --budget. The same command goes on
where it was stopped. A ladder that is done leaves runs.csv for scantling fit and, for isoflop, law.json for scantling plan --law.

Examples:
  scantling ladder isoflop --data book.txt --budget 30m
  scantling ladder isoflop --budgets 3e9,6e9,1.2e10,2.4e10 --layers 1 --length 32 --batch 8 --dry-run
  scantling ladder shape --data book.txt --budgets 1e12,3e12,9e12,2.7e13 --depths 1,2,3,4,6,8
  scantling ladder state a.json b.json c.json d.json --budgets 3e12 --parameters 200k`;

export function ladderCommand({ program, console, setExitCode, commandLine }: CommandContext): Command {
  const above = numberBetween(0);
  const list = (text: string) => text.split(",").map(above);
  return program
    .command("ladder")
    .description("train a ladder of small models and fit the laws that it obeys, the largest predicted first")
    .addArgument(new Argument("<kind>", "isoflop, state or shape").choices(ladderKinds))
    .argument("[arch...]", "presets, or JSON or YAML files (default: a small decoder)")
    .option("--data <what>", "text, as for train (default: the built-in language)")
    .addOption(new Option("--budgets <list>", "FLOPs of a run at each rung, rising").argParser(list))
    .option("--budget <amount>", "most to spend on all runs, such as 30m or 3e13flops (default: 10m)")
    .addOption(
      new Option("--rungs <n>", "budgets, a factor of 3 apart, where they are not given")
        .argParser(wholeNumber(2))
        .default(5),
    )
    .addOption(
      new Option(
        "--sizes <list>",
        "sizes in multiples of the best (default: six from 0.25 to 4; for state 1)",
      ).argParser(list),
    )
    .addOption(
      new Option("--depths <list>", "layers, of ladders of shape")
        .argParser(wholeNumberList(1))
        .default([1, 2, 3, 4, 6, 8], "1,2,3,4,6,8"),
    )
    .addOption(
      new Option("--parameters <n>", "size to begin with at the smallest budget (default: by law)").argParser(
        above,
      ),
    )
    .addOption(
      new Option("--layers <n>", "layers (default: 4, or the architecture's own)").argParser(wholeNumber(1)),
    )
    .addOption(new Option("--length <n>", "tokens the model sees").argParser(wholeNumber(1)).default(128))
    .addOption(new Option("--batch <n>", "sequences of an update").argParser(wholeNumber(1)).default(16))
    .addOption(
      new Option("--rate <x>", "learning rate at the base width, under muP").argParser(above).default(4e-3),
    )
    .addOption(new Option("--base-width <n>", "base of muP").argParser(wholeNumber(1)).default(64))
    .option("--rates <file>", "in their place: a measurement of scantling transfer --json")
    .addOption(new Option("--seed <n>", "of all runs").argParser(wholeNumber(0)).default(0))
    .option("--dry-run", "say what would be run, its FLOPs and its time")
    .option("--out <folder>", "folder of the ladder", "runs/ladder")
    .addOption(new Option("--workers <n>", "runs at a time").argParser(wholeNumber(1)))
    .addOption(runThreadsOption())
    .addOption(backendOption())
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(
      async (kind: LadderKind, architectures: string[], options: LadderCommandOptions, command: Command) => {
        const { climb } = await import("./run.ts");
        refuseUnused(command, unused[kind], `to ladders of kind ${kind}`);
        if (options.budgets !== undefined) refuseUnused(command, ["rungs"], "beside --budgets");
        if (options.rates !== undefined) refuseUnused(command, ["rate", "baseWidth"], "beside --rates");
        setExitCode(await climb(kind, architectures, options, console, commandLine));
      },
    );
}
