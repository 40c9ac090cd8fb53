// `scantling train` as the command line has it: its options and where they lead. Trains nothing.

import { type Command, InvalidArgumentError, Option } from "commander";
import { backendOption, type MachineRequest, relaxedOption, threadsOption } from "../machine.ts";
import { memorySize, numberBetween, numberFrom, wholeNumber } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

/** How many operations, and of which magnitude. */
export interface RandAugment {
  readonly operations: number;
  readonly magnitude: number;
}

/** What was given; undefined where the default holds. */
export interface TrainOptions extends MachineRequest {
  readonly data?: string;
  readonly tokenizer?: string;
  readonly validationFraction?: number;
  readonly architecture?: string;
  readonly length?: number;
  readonly width?: number;
  readonly layers?: number;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly window?: number;
  readonly feedforward?: number;
  readonly activation?: string;
  readonly norm?: string;
  readonly positions?: string;
  readonly bias?: boolean;
  readonly tied?: boolean;
  readonly dropout?: number;
  readonly stochasticDepth?: number;
  readonly patch?: number;
  readonly crop?: number;
  readonly flip?: boolean;
  readonly randAugment?: RandAugment;
  readonly mixup?: number;
  readonly labelSmoothing?: number;
  readonly skipImages?: boolean;
  readonly steps?: number;
  readonly tokens?: number;
  readonly minutes?: number;
  readonly batch?: number;
  readonly microBatches?: number;
  readonly learningRate?: number;
  readonly schedule?: string;
  readonly warmup?: number;
  readonly objective?: string;
  readonly optimizer?: string;
  readonly weightDecay?: number;
  readonly parametrisation?: string;
  readonly baseWidth?: number;
  readonly baseDepth?: number;
  readonly clip?: number;
  readonly order?: string;
  readonly evaluateEvery?: number;
  readonly keep?: number;
  readonly grow?: string;
  readonly memory?: number;
  readonly seed?: number;
  readonly sampleTokens: number;
  readonly tensorboard?: boolean;
  readonly out?: string;
  readonly resume?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
The folder of the run holds config.json, log.jsonl, checkpoints and report.html. An interrupt (Ctrl-C) or SIGTERM finishes
the step, keeps a checkpoint and writes the report; a second one ends at once. --resume continues from the newest valid
checkpoint with the same bits; --steps, --keep and --threads may change then. Numbers may be written 20k, 1.5M or 3e-3.

Examples:
  scantling train
  scantling train --data book.txt --minutes 5
  scantling train --data "texts/**/*.txt" --tokenizer bytes --layers 6 --width 256 --out runs/texts
  scantling train --data shapes --minutes 2
  scantling train --data mnist --patch 4 --crop 2 --minutes 10 --out runs/digits
  scantling train --resume runs/texts
  scantling train --resume runs/texts --steps 4000`;

export function trainCommand({ program, console, commandLine, setExitCode }: CommandContext): Command {
  const command = program
    .command("train")
    .description(
      "train a language model on text, or a classifier on images; without --data, on the built-in language",
    );
  const size = (flags: string, description: string) =>
    new Option(flags, description).argParser(wholeNumber(1)).helpGroup("Architecture:");
  const word = (flags: string, description: string) =>
    new Option(flags, description).helpGroup("Architecture:");
  const image = (flags: string, description: string) => new Option(flags, description).helpGroup("Images:");
  const training = (flags: string, description: string) =>
    new Option(flags, description).helpGroup("Training:");
  const options: Option[] = [
    new Option(
      "--data <what>",
      "text: FILE, folder, GLOB, http(s) address, or NAME of a data set (scantling data lists them); images: shapes (drawn " +
        "here), mnist, cifar10, a .npz FILE, or a folder of PNG or JPEG files by class",
    ),
    new Option("--tokenizer <what>", "characters, bytes, or a tokenizer.json (default: characters)"),
    new Option("--validation-fraction <x>", "share of the data kept for validation (default: 0.1)").argParser(
      numberBetween(0, 1),
    ),
    word(
      "--architecture <what>",
      "a preset, or a JSON or YAML file; the options below change single settings of it",
    ),
    size("--length <n>", "tokens the model sees (default: 128)"),
    size("--width <n>", "features of the residual stream (default: 128)"),
    size("--layers <n>", "blocks (default: 2)"),
    size("--heads <n>", "query heads (default: one for 32 features)"),
    size("--kv-heads <n>", "key/value heads (default: as many)"),
    size("--window <n>", "positions a query sees (default: all before it)"),
    size("--feedforward <n>", "features inside a feed-forward layer (default: the layer's own)"),
    word("--activation <name>", "feed-forward layer: swiglu, geglu, gelu, relu, ... (default: swiglu)"),
    word("--norm <name>", "rms or layer (default: rms)"),
    word("--positions <name>", "rope, learned or none (default: rope)"),
    word("--bias", "biases in the linear layers"),
    word("--tied", "the head shares the embedding's weights"),
    word("--dropout <x>", "share of features dropped while training (default: 0)").argParser(numberFrom(0)),
    word("--stochastic-depth <x>", "share of images or texts that go past a part (default: 0)").argParser(
      numberFrom(0),
    ),
    size("--patch <n>", "side of a patch of an image (default: 7 or more patches across)").helpGroup(
      "Images:",
    ),
    image("--crop <n>", "pixels that an image may be moved by, at random").argParser(wholeNumber(0)),
    image("--flip", "mirror every other image, by chance"),
    image("--rand-augment <n,m>", "RandAugment: n operations of magnitude m, such as 2,9").argParser(
      randAugment,
    ),
    image("--mixup <a>", "mix pairs of images, with weights from Beta(a, a)").argParser(numberFrom(0)),
    image("--label-smoothing <x>", "share of the target that all classes have in common").argParser(
      numberFrom(0),
    ),
    image("--skip-images", "leave out images of a folder that cannot be read or have another size than most"),
    training("--steps <n>", "updates (default: 1200)").argParser(wholeNumber(1)),
    training("--tokens <n>", "training tokens, instead of steps")
      .argParser(wholeNumber(1))
      .conflicts(["steps", "minutes"]),
    training("--minutes <x>", "time to train, instead of steps: some steps are timed to choose them")
      .argParser(numberBetween(0))
      .conflicts(["steps", "tokens"]),
    training("--batch <n>", "sequences of an update (default: 32; images: 64)").argParser(wholeNumber(1)),
    training("--micro-batches <n>", "parts a batch is run in, to save memory (default: 1)").argParser(
      wholeNumber(1),
    ),
    training("--learning-rate <x>", "the highest one (default: 3e-3)").argParser(numberBetween(0)),
    training("--schedule <name>", "after the warm-up: cosine, linear, constant or wsd (default: cosine)"),
    training("--warmup <n>", "steps of warm-up (default: a twentieth, at most 100)").argParser(
      wholeNumber(0),
    ),
    training("--objective <name>", "next-token, classification or masked-token (default: next-token)"),
    training("--optimizer <name>", "adamw, muon, lamb or sgd (default: adamw)"),
    training("--weight-decay <x>", "of matrices (default: the optimiser's own)").argParser(numberFrom(0)),
    training(
      "--parametrisation <name>",
      "how rates, first values and multipliers go by width and depth: standard, mup, depth-mup, completep, chen or gradinit " +
        "(default: standard)",
    ),
    training(
      "--base-width <n>",
      "width at which the learning rate was found, for mup and those after it",
    ).argParser(wholeNumber(1)),
    training("--base-depth <n>", "layers at which it was, for depth-mup, completep and chen").argParser(
      wholeNumber(1),
    ),
    training("--clip <x>", "largest norm of all gradients; 0: none (default: 1)").argParser(numberFrom(0)),
    training(
      "--order <name>",
      "random windows, or epochs that visit each once (default: random; images: epochs)",
    ),
    training(
      "--evaluate-every <n>",
      "steps between evaluations (default: a twentieth; images: a tenth)",
    ).argParser(wholeNumber(1)),
    training("--keep <n>", "newest checkpoints to keep, besides the best (default: 3)").argParser(
      wholeNumber(1),
    ),
    training(
      "--grow <events>",
      "when the network grows, and to what: a JSON or YAML file, or JSON such as " +
        '[{"at": {"step": 600}, "to": {"layers": 4}}]',
    ).conflicts(["minutes"]),
    training(
      "--memory <size>",
      "most memory to take, such as 8GB: where a step needs more, it is cut up or computes values again (default: a " +
        "warning where less is free)",
    ).argParser(memorySize),
    training("--seed <n>", "of everything random (default: 0)").argParser(wholeNumber(0)),
    new Option("--out <folder>", "folder of the run (default: runs/NAME)"),
    new Option("--force", "replace a run that is in that folder"),
    new Option("--resume <folder>", "continue the run in this folder"),
    new Option("--sample-tokens <n>", "tokens of the sample at the end")
      .argParser(wholeNumber(0))
      .default(400),
    new Option("--tensorboard", "write event files for TensorBoard into the folder of the run"),
    threadsOption(),
    backendOption(),
    relaxedOption(),
    new Option("--json", "print one JSON document at the end"),
  ];
  for (const option of options) command.addOption(option);
  return command.addHelpText("after", help).action(async (given: TrainOptions) => {
    const { train } = await import("./run.ts");
    setExitCode(await train(given, commandLine, console));
  });
}

function randAugment(text: string): RandAugment {
  const found = /^(\d{1,2}),(\d{1,2}(?:\.\d+)?)$/.exec(text);
  if (found !== null) return { operations: Number(found[1]), magnitude: Number(found[2]) };
  throw new InvalidArgumentError("Expected operations and magnitude, such as 2,9.");
}
