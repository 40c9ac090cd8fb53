// `scantling export` as the command line has it: its options and where they lead. Exports nothing.

import { type Command, Option } from "commander";
import { checkpointOption } from "../checkpoint.ts";
import { wholeNumber } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface ExportCommandOptions {
  readonly to: "onnx" | "safetensors" | "huggingface" | "pytorch";
  readonly layout?: string;
  readonly out?: string;
  readonly checkpoint: "best" | "last" | number;
  readonly length?: number;
  readonly batch?: number;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
An ONNX file takes "tokens", i64 [batch, length], and gives "logits", f32 [batch, length, vocabulary]; both sizes are
fixed in it. A safetensors file holds the weights under their names. Either has the architecture, the tokenizer and the
step as JSON in its metadata. For huggingface a folder is written, as GPT-2, Llama, Mistral, Qwen2 or ViT have it, where one of
them has the architecture. For pytorch a readable file of Python is written, and the weights of a run beside it; without a
run, a preset or a .json or .yaml file gives the Python alone, which begins as Scantling does.

Examples:
  scantling export runs/book --to onnx --out book.onnx
  scantling export runs/book --to pytorch --out book.py
  scantling export llama-7b --to pytorch`;

export function exportCommand({ program, console, setExitCode }: CommandContext): Command {
  return program
    .command("export")
    .description("write the model of a run, or an architecture, as a file for other programs")
    .argument("<run>", "folder of a run; for pytorch also a preset, or a .json or .yaml file")
    .addOption(
      new Option("--to <format>", "format of the file")
        .choices(["onnx", "safetensors", "huggingface", "pytorch"])
        .makeOptionMandatory(),
    )
    .option("--out <file>", "the file, or folder (default: beside the run, called like it)")
    .option(
      "--layout <name>",
      "gpt2, llama, mistral, qwen2 or vit, for huggingface (default: the first that fits)",
    )
    .addOption(checkpointOption())
    .addOption(
      new Option("--length <n>", "tokens of a sequence, for onnx (default: the model's)").argParser(
        wholeNumber(1),
      ),
    )
    .addOption(
      new Option("--batch <n>", "sequences at once, for onnx (default: 1)").argParser(wholeNumber(1)),
    )
    .option("--force", "overwrite the file")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (run: string, options: ExportCommandOptions, command: Command) => {
      const { exportModel } = await import("./run.ts");
      await exportModel(run, options, console, command);
      setExitCode(0);
    });
}
