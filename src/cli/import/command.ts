// `scantling import` as the command line has it: its options and where they lead. Makes nothing.

import { type Command, Option } from "commander";
import { numberBetween, wholeNumber } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface ImportCommandOptions {
  readonly data: string;
  readonly tokenizer?: string;
  readonly length?: number;
  readonly steps?: number;
  readonly batch?: number;
  readonly rate?: number;
  readonly out: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
A public folder has a config.json and its weights in safetensors files: GPT-2, Llama, Mistral, Qwen2 or ViT. The run stands
before its first step: evaluate, sample and export take it, and train --resume trains it on, with the steps, the batch and the
learning rate that are given here.

Example: scantling import gpt2 --data book.txt --out runs/gpt2`;

export function importCommand({ program, console, setExitCode }: CommandContext): Command {
  return program
    .command("import")
    .description("make a run of a public model")
    .argument("<folder>", "with config.json and safetensors files")
    .requiredOption("--data <data>", "text to evaluate and train on, or images for a ViT, as for train")
    .option("--tokenizer <which>", "a tokenizer.json, bytes or characters (default: the folder's)")
    .addOption(
      new Option(
        "--length <n>",
        "tokens of a sequence, where positions are rotary (default: the model's)",
      ).argParser(wholeNumber(1)),
    )
    .addOption(new Option("--steps <n>", "of training (default: 1000)").argParser(wholeNumber(1)))
    .addOption(new Option("--batch <n>", "sequences of a step (default: 32)").argParser(wholeNumber(1)))
    .addOption(new Option("--rate <x>", "highest learning rate (default: 0.001)").argParser(numberBetween(0)))
    .requiredOption("--out <folder>", "folder of the run")
    .option("--force", "replace the run in that folder")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (folder: string, options: ImportCommandOptions) => {
      const { importModel } = await import("./run.ts");
      await importModel(folder, options, console);
      setExitCode(0);
    });
}
