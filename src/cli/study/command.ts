// `scantling study` as the command line has it: its options and where they lead. Trains nothing.

import { type Command, Option } from "commander";
import { backendOption, type MachineRequest, runThreadsOption } from "../machine.ts";
import { wholeNumber } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface StudyOptions extends MachineRequest {
  readonly dryRun?: boolean;
  readonly out?: string;
  readonly data?: string;
  readonly seed?: number;
  readonly seeds?: number;
  readonly processes?: number;
  readonly json?: boolean;
}

const help = `
A study is a file: arms, what is held equal, rates, seeds, data. Every arm is given the best of its rates; arms are compared
seed by seed on data that have chosen nothing, until they are told apart. docs/studies.md has all keys.

  arms:
    wide: { architecture: { width: 64, layers: 1, heads: 4 } }
    deep: { architecture: { width: 32, layers: 4, heads: 2 } }
  train: { tokens: 100000 }
  rates: [0.003, 0.01]
  seeds: 3

Ctrl-C pauses: runs keep a checkpoint, and the same command goes on from there, as it does after a crash.

Examples:
  scantling study shapes.yaml --dry-run
  scantling study shapes.yaml --out runs/shapes
  scantling study rebuild runs/shapes`;

export function studyCommand({ program, console, setExitCode, commandLine }: CommandContext): Command {
  const study = program
    .command("study")
    .description("train the arms of a study and say which wins, and how sure that is")
    .helpCommand(false)
    .addHelpText("after", help);
  const run = study
    .command("run", { isDefault: true })
    .description("train the arms of a study and say which wins")
    .argument("<file>", "of the study: .yaml, .json, .ts or .js")
    .option("--dry-run", "say what would be run: FLOPs, memory, time on this machine")
    .option("--out <folder>", "folder of the study (default: runs/NAME)")
    .option("--data <what>", "text or images, as for train, in place of the study's")
    .addOption(new Option("--seed <n>", "the first seed (default: the study's)").argParser(wholeNumber(0)))
    .addOption(new Option("--seeds <k>", "seeds at most (default: the study's)").argParser(wholeNumber(1)))
    .addOption(new Option("--processes <n>", "runs at a time").argParser(wholeNumber(1)))
    .addOption(runThreadsOption())
    .addOption(backendOption())
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .configureHelp({ showGlobalOptions: true })
    .action(async (file: string, options: StudyOptions, command: Command) => {
      const { runStudyFile } = await import("./run.ts");
      // --config is an option of every command, and so of the one around this one.
      const { config } = command.optsWithGlobals<{ config?: string }>();
      setExitCode(await runStudyFile(file, options, config, console, commandLine));
    });
  // `run` may be left out, so its help is what is asked for.
  study.helpInformation = () => run.helpInformation();
  study
    .command("rebuild")
    .description("make a study's index again from its runs")
    .argument("<folder>", "of a study")
    .option("--json", "print one JSON document")
    .action(async (folder: string, options: { readonly json?: boolean }) => {
      const { rebuild } = await import("./rebuild.ts");
      setExitCode(await rebuild(folder, options, console));
    });
  return study;
}
