// Finds the command of a command line and runs it. Knows which commands there are, not what they do.

import { Command, Option } from "commander";
import { RequestError } from "../errors.ts";
import { packageVersion } from "../version.ts";
import { benchCommand } from "./bench/command.ts";
import { compareCommand } from "./compare/command.ts";
import type { Console } from "./console.ts";
import { countCommand } from "./count/command.ts";
import { cutCommand } from "./cut/command.ts";
import { dataCommand } from "./data/command.ts";
import { designCommand } from "./design/command.ts";
import { doctorCommand } from "./doctor/command.ts";
import { drawCommand } from "./draw/command.ts";
import { evaluateCommand } from "./evaluate/command.ts";
import { exportCommand } from "./export/command.ts";
import { describeFailure, Interruption, interruptedCode } from "./failure.ts";
import { fitCommand } from "./fit/command.ts";
import { growCommand } from "./grow/command.ts";
import { importCommand } from "./import/command.ts";
import { ladderCommand } from "./ladder/command.ts";
import { madCommand } from "./mad/command.ts";
import { planCommand } from "./plan/command.ts";
import { pruneCommand } from "./prune/command.ts";
import { relaxCommand } from "./relax/command.ts";
import { reproduceCommand } from "./reproduce/command.ts";
import { sampleCommand } from "./sample/command.ts";
import { solveCommand } from "./solve/command.ts";
import { studyCommand } from "./study/command.ts";
import { trainCommand } from "./train/command.ts";
import { transferCommand } from "./transfer/command.ts";

/** Runs `scantling ...words`. @returns the exit code: 0 done, 1 the work failed, 2 the request was wrong, 129, 130 or 143 interrupted */
export async function runCommandLine(words: readonly string[], console: Console): Promise<number> {
  let exitCode = 0;
  let userFolder: string | undefined;
  const program = new Command("scantling")
    .description("Designs, trains and compares neural networks on this machine.")
    .version(packageVersion(), "--version", "print the version")
    .helpOption("--help", "print this help")
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => console.out(text),
      // Errors are written once, in one line, by `describeFailure`.
      writeErr: () => {},
    })
    .exitOverride()
    .addHelpText(
      "after",
      "\nscantling COMMAND --help says more of each.\n\nExamples:\n  scantling doctor\n  scantling train --data book.txt --minutes 5",
    );
  const command = { program, console, commandLine: ["scantling", ...words], setExitCode };
  for (const add of [
    trainCommand,
    sampleCommand,
    evaluateCommand,
    exportCommand,
    cutCommand,
    relaxCommand,
    growCommand,
    importCommand,
    pruneCommand,
    dataCommand,
    countCommand,
    solveCommand,
    drawCommand,
    madCommand,
    studyCommand,
    reproduceCommand,
    compareCommand,
    fitCommand,
    planCommand,
    transferCommand,
    ladderCommand,
    designCommand,
    benchCommand,
    doctorCommand,
  ]) {
    const added = add(command);
    if (!withoutConfig.has(added.name())) added.addOption(configOption()).hook("preAction", configure);
  }
  try {
    if (words.length === 0) {
      const names = program.commands.map((known) => known.name()).join(", ");
      throw new RequestError(`no command; expected one of ${names}: scantling --help says what they do`);
    }
    await program.parseAsync(words.map(kebabOption), { from: "user" });
  } catch (error) {
    const failure = describeFailure(error, userFolder);
    if (failure.line !== undefined) console.err(`scantling: ${failure.line}\n`);
    return failure.exitCode;
  }
  const { reason } = console.signal;
  return exitCode === interruptedCode && reason instanceof Interruption ? reason.exitCode : exitCode;

  function setExitCode(code: number): void {
    exitCode = code;
  }

  async function configure(command: Command): Promise<void> {
    const { loadConfig } = await import("./config.ts");
    userFolder = await loadConfig(command.opts<{ config?: string }>().config);
  }
}

/** Commands that meet no architecture of the user. */
const withoutConfig: ReadonlySet<string> = new Set(["data", "doctor", "fit", "plan"]);

const configOption = (): Option =>
  new Option(
    "--config <file>",
    "primitives of your own (default: scantling.config.ts, .mts, .js or .mjs in this folder)",
  );

/** What a command is added to, and what its action needs. */
export interface CommandContext {
  readonly program: Command;
  readonly console: Console;
  /** What was typed. */
  readonly commandLine: readonly string[];
  /** For endings that are no errors. */
  readonly setExitCode: (code: number) => void;
}

/** Options are spelled --kv-heads; --kvHeads, as settings are called in files and in the library, is the same. */
function kebabOption(word: string): string {
  const found = /^--([a-z]+(?:[A-Z][a-z]*)+)(=.*)?$/s.exec(word);
  if (found === null) return word;
  return `--${found[1]!.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}${found[2] ?? ""}`;
}
