// `scantling transfer` as the command line has it: its options and where they lead. Trains nothing.

import { type Command, Option } from "commander";
import { backendOption, type MachineRequest, runThreadsOption } from "../machine.ts";
import { names, numberBetween, wholeNumber, wholeNumberList } from "../parsers.ts";
import type { CommandContext } from "../program.ts";
import { refuseUnused } from "../unused.ts";

export interface TransferCommandOptions extends MachineRequest {
  readonly data?: string;
  readonly architecture?: string;
  readonly length: number;
  readonly parametrisation: readonly string[];
  readonly widths: readonly number[];
  readonly depths: readonly number[];
  readonly rates: readonly number[];
  readonly seeds: number;
  readonly seed: number;
  readonly steps: number;
  readonly batch: number;
  readonly check?: boolean;
  readonly out: string;
  readonly workers?: number;
  readonly json?: boolean;
}

/** The check takes ten steps of its own. */
const unusedByCheck: readonly (keyof TransferCommandOptions)[] = [
  ...(["rates", "seeds", "seed", "steps", "batch", "out", "workers"] as const),
];

const help = `
Two measurements of whether what is tuned on a small model holds for larger ones. The coordinate check: how far activations
move in the first ten steps, in models of all widths; under a parametrisation that transfers as far in wide ones. Then runs
of every size under every learning rate: does the best one move? One axis at a time, from the first width and depth, which
are the parametrisation's base. A size whose best rate lies at an end of --rates is tried at up to three more beyond it. The same command goes on where it was stopped.

Examples:
  scantling transfer --check --parametrisation mup,standard --widths 32,64,128 --depths 1
  scantling transfer --widths 64,128,256 --depths 2
  scantling transfer --parametrisation completep --widths 64 --depths 2,4,8 --data book.txt`;

export function transferCommand({ program, console, setExitCode, commandLine }: CommandContext): Command {
  const rate = numberBetween(0);
  return program
    .command("transfer")
    .description("measure whether the best learning rate holds for wider and deeper models")
    .option("--data <what>", "text, as for train (default: the built-in language)")
    .option("--architecture <what>", "a preset, or a JSON or YAML file (default: as for train)")
    .addOption(new Option("--length <n>", "tokens the model sees").argParser(wholeNumber(1)).default(64))
    .addOption(
      new Option("--parametrisation <list>", "standard, mup, depth-mup, completep, chen or gradinit")
        .argParser(names)
        .default(["mup", "standard"], "mup,standard"),
    )
    .addOption(
      new Option("--widths <list>", "widths, at the first depth")
        .argParser(wholeNumberList(1))
        .default([32, 64, 128], "32,64,128"),
    )
    .addOption(
      new Option("--depths <list>", "layers, at the first width")
        .argParser(wholeNumberList(1))
        .default([2], "2"),
    )
    .addOption(
      new Option("--rates <list>", "learning rates, rising")
        .argParser((text) => text.split(",").map(rate))
        .default([1e-3, 2e-3, 4e-3, 8e-3, 0.016, 0.032], "1e-3,2e-3, ... 0.032"),
    )
    .addOption(new Option("--seeds <k>", "seeds of every rate").argParser(wholeNumber(1)).default(2))
    .addOption(new Option("--seed <n>", "the first of them").argParser(wholeNumber(0)).default(1))
    .addOption(new Option("--steps <n>", "updates of a run").argParser(wholeNumber(10)).default(400))
    .addOption(new Option("--batch <n>", "sequences of an update").argParser(wholeNumber(1)).default(16))
    .option("--check", "the coordinate check alone")
    .option("--out <folder>", "folder of the measurement", "runs/transfer")
    .addOption(new Option("--workers <n>", "runs at a time").argParser(wholeNumber(1)))
    .addOption(runThreadsOption())
    .addOption(backendOption())
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (options: TransferCommandOptions, command: Command) => {
      const { measureTransfer } = await import("./run.ts");
      if (options.check === true) refuseUnused(command, unusedByCheck, "to --check");
      setExitCode(await measureTransfer(options, console, commandLine));
    });
}
