// `scantling evaluate` as the command line has it: its options and where they lead. Evaluates nothing.

import { type Command, InvalidArgumentError, Option } from "commander";
import { backendOption, type MachineRequest, relaxedOption, threadsOption } from "../machine.ts";
import { wholeNumber } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface EvaluateOptions extends MachineRequest {
  readonly data?: string;
  readonly checkpoint: "best" | "last" | number;
  readonly stride?: number;
  readonly batch?: number;
  readonly limit?: number;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
Every token of the text but the first is scored once. Without --data it is the validation part of the run's own data; of
other data the validation part where they come split, else all.

loss        mean cross-entropy, nats a token
perplexity  exp(loss)
bits/byte   the same for a byte of the text, which can be compared between tokenizers
accuracy    share of tokens that were the model's first guess

The intervals (95 %) say what other text would give with this very model if it resembles this one as its parts resemble
each other; another training seed is not in them. Neighbouring tokens depend on each other, so the items are not tokens
but at most 30 blocks of consecutive windows, with Student's t distribution.

By default windows lie side by side, as training evaluates, and their first tokens have little before them to go by. With
--stride N a window starts every N tokens and scores its last N: with N small every token has nearly the model's whole
length before it, at length/N times the work.

A run on images is judged by the test images of its data, which neither training nor the choice of the best checkpoint has
seen: accuracy and loss, each image an item.

Examples:
  scantling evaluate runs/book
  scantling evaluate runs/shapes
  scantling evaluate runs/book --data other.txt --stride 32 --json`;

export function evaluateCommand({ program, console, setExitCode }: CommandContext): Command {
  return program
    .command("evaluate")
    .description(
      "measure the model of a run: loss, perplexity, bits per byte and accuracy on text, accuracy on test images",
    )
    .argument("<run>", "folder of a run")
    .option("--data <what>", "FILE, folder, GLOB, http(s) address, NAME of a data set, or language")
    .addOption(
      new Option("--checkpoint <which>", "best, last, or the step of one that is kept")
        .argParser(checkpoint)
        .default("best"),
    )
    .addOption(
      new Option(
        "--stride <n>",
        "tokens from one window to the next (default: the model's length)",
      ).argParser(wholeNumber(1)),
    )
    .addOption(
      new Option("--batch <n>", "windows at a time (default: as in training)").argParser(wholeNumber(1)),
    )
    .addOption(new Option("--limit <n>", "score the first n tokens only").argParser(wholeNumber(1)))
    .addOption(threadsOption())
    .addOption(backendOption())
    .addOption(relaxedOption())
    .option("--out <file>", "write the result to this file as well, as JSON")
    .option("--force", "overwrite that file")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (run: string, options: EvaluateOptions) => {
      const { evaluate } = await import("./run.ts");
      setExitCode(await evaluate(run, options, console));
    });
}

function checkpoint(text: string): "best" | "last" | number {
  if (text === "best" || text === "last") return text;
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError("Expected best, last or the number of a step.");
}
