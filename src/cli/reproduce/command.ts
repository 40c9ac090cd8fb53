// `scantling reproduce` as the command line has it: its options and where they lead. Trains nothing.

import { type Command, Option } from "commander";
import { type Scale, scales } from "../../claims/claim.ts";
import { backendOption, type MachineRequest, runThreadsOption } from "../machine.ts";
import { wholeNumber } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface ReproduceOptions extends MachineRequest {
  readonly scale: Scale;
  readonly list?: boolean;
  readonly data?: string;
  readonly seed?: number;
  readonly seeds?: number;
  readonly processes?: number;
  readonly out?: string;
  readonly json?: boolean;
}

const help = `
A claim of a paper or an article, tested: the studies are run, and the verdict is "supported", "not supported" or "not
decidable at this scale", with the smallest difference that could have been decided. The report has the published figures
beside ours. --scale small ends within ten minutes on two cores; full takes hours. Without --data the built-in language, or the
drawn shapes, are used, and the report says so. The same command goes on where it was stopped, and with more --seeds where
they were too few.

Examples:
  scantling reproduce --list
  scantling reproduce wide-or-deep --scale small
  scantling reproduce wide-or-deep --scale small --seeds 5
  scantling reproduce all --scale small
  scantling reproduce wide-or-deep --scale full --data gutenberg_novels
  scantling reproduce widenet --scale full --data mnist`;

export function reproduceCommand({ program, console, setExitCode, commandLine }: CommandContext): Command {
  return program
    .command("reproduce")
    .description("test a published claim, and say what the evidence supports")
    .argument("[claim]", "its name, or all; --list shows them")
    .option("--list", "show all claims and what they cost")
    .addOption(new Option("--scale <scale>", "how large").choices(scales).default("small"))
    .option("--data <what>", "text, or images for claims of images, as for train (default: what is built in)")
    .addOption(new Option("--seed <n>", "the first seed (default: 1)").argParser(wholeNumber(0)))
    .addOption(
      new Option("--seeds <n>", "how many; with more than before, the same folder goes on").argParser(
        wholeNumber(1),
      ),
    )
    .addOption(new Option("--processes <n>", "runs at a time").argParser(wholeNumber(1)))
    .option("--out <folder>", "default: runs/reproduce/CLAIM-SCALE")
    .addOption(runThreadsOption())
    .addOption(backendOption())
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (claim: string | undefined, options: ReproduceOptions, command: Command) => {
      const { runReproduce } = await import("./run.ts");
      const { config } = command.opts<{ config?: string }>();
      setExitCode(await runReproduce(claim, options, config, console, commandLine));
    });
}
