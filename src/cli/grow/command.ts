// `scantling grow` as the command line has it: its options and where they lead. Makes nothing.

import { type Command, InvalidArgumentError, Option } from "commander";
import { checkpointOption } from "../checkpoint.ts";
import { backendOption, type MachineRequest, threadsOption } from "../machine.ts";
import { sizes, wholeNumber, wholeNumbers } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

/** `+2@last` or `+1@0`. */
export interface LayersOption {
  readonly add: number;
  readonly at: number | "last";
}

export interface GrowCommandOptions extends MachineRequest {
  readonly to?: string;
  readonly mlp?: number;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly headWidth?: number;
  readonly valueWidth?: number;
  readonly set?: Readonly<Record<string, number>>;
  readonly blocks?: readonly number[];
  readonly width?: number;
  readonly layers?: readonly LayersOption[];
  readonly method: string;
  readonly noise?: number;
  readonly maskSteps?: number;
  readonly data?: string;
  readonly tokenizer?: string;
  readonly out: string;
  readonly seed: number;
  readonly checkpoint: "best" | "last" | number;
  readonly fresh?: boolean;
  readonly schedule: "keep" | "restart";
  readonly unproven?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
The larger network computes what the smaller one did. Sizes of primitives grow first, in all blocks or in those of --blocks,
then the width, then the layers; several commands in a row may grow anything in any order. --to grows all at once, and adds
layers after the last. Both networks are then compared on random tokens and on the run's validation data, in float64 and in
float32, and nothing is written where they differ. The new run goes on where the old one stood, with its optimiser's moments
grown: train --resume trains it on, with --steps where the old one had come to its end. A public folder (GPT-2, Llama,
Mistral, Qwen2, ViT) becomes a larger one of its kind, read and written a few rows at a time; it is compared on random tokens
and on those of --data, and what is too large to be in memory place by place.

Example: scantling grow runs/book --mlp 1024 --layers +2@last --out runs/larger
         scantling train --resume runs/larger --steps 2400`;

export function growCommand({ program, console, setExitCode }: CommandContext): Command {
  const size = (flags: string, what: string) => new Option(flags, what).argParser(wholeNumber(1));
  return program
    .command("grow")
    .description("make a run whose network is larger and computes the same out of a trained one")
    .argument("<run>", "folder of a run, or a public one with config.json and safetensors files")
    .option("--to <what>", "the architecture to grow to: a preset, or a JSON or YAML file")
    .addOption(size("--mlp <n>", "hidden features of feed-forward layers"))
    .addOption(size("--heads <n>", "heads"))
    .addOption(size("--kv-heads <n>", "key/value heads, where they are grouped"))
    .addOption(size("--head-width <n>", "features of a head's queries and keys"))
    .addOption(size("--value-width <n>", "features of a head's values"))
    .addOption(new Option("--set <sizes>", "other settings of primitives, such as state=32").argParser(sizes))
    .addOption(
      new Option("--blocks <list>", "blocks whose sizes grow, from 0 (default: all)").argParser(
        wholeNumbers(0),
      ),
    )
    .addOption(size("--width <n>", "features of the residual stream"))
    .addOption(
      new Option("--layers <list>", "blocks to add and where: +2@last, or +1@0,+1@2").argParser(layers),
    )
    .addOption(
      new Option(
        "--method <name>",
        "what makes new parameters; any other name tells which there are",
      ).default("zero"),
    )
    .addOption(
      new Option("--noise <db>", "signal over noise of what tells copies apart, in dB").argParser(
        wholeNumber(0),
      ),
    )
    .addOption(
      new Option(
        "--mask-steps <n>",
        "of the method masked: steps of the training to come over which masks rise (default: 200)",
      ).argParser(wholeNumber(1)),
    )
    .option(
      "--data <data>",
      "of a public folder: text, or images, that both networks are compared on as well",
    )
    .option(
      "--tokenizer <which>",
      "of that text: a tokenizer.json, bytes or characters (default: the folder's)",
    )
    .requiredOption("--out <folder>", "folder of the new run")
    .addOption(new Option("--seed <n>", "of new parameters").argParser(wholeNumber(0)).default(0))
    .addOption(checkpointOption().default("last"))
    .option("--fresh", "the new run stands before its first step, with a fresh optimiser")
    .addOption(
      new Option("--schedule <how>", "keep: the learning rate goes on; restart: its schedule begins again")
        .choices(["keep", "restart"])
        .default("keep"),
    )
    .addOption(backendOption())
    .addOption(threadsOption())
    .option("--unproven", "write the run although it computes something else")
    .option("--force", "replace the run in that folder")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (run: string, options: GrowCommandOptions) => {
      const { grow } = await import("./run.ts");
      await grow(run, options, console);
      setExitCode(0);
    });
}

function layers(text: string): LayersOption[] {
  return text.split(",").map((part) => {
    const [, add, at] = /^\+(\d{1,4})@(last|\d{1,5})$/.exec(part.trim()) ?? [];
    if (add === undefined) throw new InvalidArgumentError("Expected layers such as +2@last or +1@0.");
    return { add: wholeNumber(1)(add), at: at === "last" ? at : Number(at) };
  });
}
