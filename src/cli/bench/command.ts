// `scantling bench` as the command line has it: its options and where they lead. Measures nothing.

import { type Command, Option } from "commander";
import type { OperationName } from "../../train/benchmarkOperations.ts";
import { backendOption, type MachineRequest, relaxedOption, threadsOption } from "../machine.ts";
import { memorySize, names, wholeNumber, wholeNumbers } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export const stepWorkloads = ["W1", "W2", "decoder"] as const;
export const operationWorkloads = [
  "products",
  "attention",
  "norms",
  "softmax",
  "adamw",
  "recurrence",
  "scan",
] as const satisfies readonly OperationName[];

export type StepWorkload = (typeof stepWorkloads)[number];
export type OperationWorkload = (typeof operationWorkloads)[number];

/** Sizes and parts of a decoder; undefined where the default holds. */
export interface DecoderOptions {
  readonly width?: number;
  readonly layers?: number;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly length?: number;
  readonly batch?: number;
  readonly feedforward?: number;
  readonly activation?: string;
  readonly norm?: string;
  readonly positions?: string;
  readonly vocabulary?: number;
  readonly bias?: boolean;
  readonly tied?: boolean;
}

export const decoderKeys = [
  "width",
  "layers",
  "heads",
  "kvHeads",
  "length",
  "batch",
  "feedforward",
  "activation",
  "norm",
  "positions",
  "vocabulary",
  "bias",
  "tied",
] as const satisfies readonly (keyof DecoderOptions)[];

/** What to measure of primitives; undefined where the default holds. */
export interface PrimitiveOptions {
  /** Names, or true for all. */
  readonly primitives?: true | readonly string[];
  readonly widths?: readonly number[];
  readonly lengths?: readonly number[];
  /** Of a step. */
  readonly tokens?: number;
  readonly repeats?: number;
  readonly resume?: boolean;
}

export interface BenchOptions extends DecoderOptions, PrimitiveOptions, MachineRequest {
  readonly workload?: StepWorkload | OperationWorkload;
  readonly steps?: number;
  readonly seed: number;
  readonly memory?: number;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
  readonly explain?: boolean;
}

const help = `
W1 and W2 are the models of bench/README.md; decoder takes its sizes from the options; the others are operations alone.
A step is forward, backward and AdamW. Speeds are medians after two warm-ups; the share of the peak is that of this
machine's measured multiply-adds, or of the bytes a plain scaling of a large array moves.

--primitives times every primitive alone: forward and backward of y = x + f(rmsnorm(x)) with the gradients of x and of all
parameters, without an optimiser. Names are those of primitives, sliding-attention, moe-2of4 and moe-2of8. GFLOP/s count
useful work by the formula that is printed, or where there is none by the graph. With --out every finished measurement is in
the file at once; after an interrupt the same command with --resume goes on behind it.

Examples:
  scantling bench --workload decoder --width 256 --layers 4 --heads 8 --kv-heads 2 --positions rope --json
  scantling bench --workload W1 --explain
  scantling bench --primitives mamba,attention --widths 128 --lengths 128,2048 --out speed.json`;

export function benchCommand({ program, console, setExitCode }: CommandContext): Command {
  return program
    .command("bench")
    .description("measure the speed of training steps, of single operations and of primitives")
    .addOption(
      new Option("--workload <name>", "what to measure (default: W1)").choices([
        ...stepWorkloads,
        ...operationWorkloads,
      ]),
    )
    .addOption(sizeOption("--width <n>", "features of the residual stream"))
    .addOption(sizeOption("--layers <n>", "blocks"))
    .addOption(sizeOption("--heads <n>", "query heads"))
    .addOption(sizeOption("--kv-heads <n>", "key/value heads"))
    .addOption(sizeOption("--length <n>", "tokens of a sequence"))
    .addOption(sizeOption("--batch <n>", "sequences of a step"))
    .addOption(sizeOption("--feedforward <n>", "features inside a feed-forward layer"))
    .option("--activation <name>", "feed-forward layer: gelu, swiglu, relu")
    .option("--norm <name>", "layer or rms")
    .option("--positions <name>", "learned, rope or none")
    .addOption(sizeOption("--vocabulary <n>", "token ids"))
    .option("--bias", "biases in the linear layers")
    .option("--tied", "the head shares the embedding's weights")
    .addOption(sizeOption("--steps <n>", "steps, two of them warm-up where there are more (default: 12)"))
    .addOption(
      new Option("--primitives [names]", "measure primitives: these, separated by commas, or all").argParser(
        names,
      ),
    )
    .addOption(listOption("--widths <list>", "of primitives: features (default: 128,512)"))
    .addOption(listOption("--lengths <list>", "of primitives: tokens of a sequence (default: 128,2048)"))
    .addOption(
      sizeOption(
        "--tokens <n>",
        "of primitives: tokens of a step (default: 16384 for lengths up to 128, 8192 beyond)",
      ),
    )
    .addOption(sizeOption("--repeats <n>", "of primitives: timed runs after two of warm-up (default: 5)"))
    .option("--resume", "of primitives: keep what --out has and measure what is missing")
    .addOption(new Option("--seed <n>", "of weights and tokens").argParser(wholeNumber(0)).default(0))
    .addOption(
      new Option(
        "--memory <size>",
        "most memory a training step may take, such as 8GB: it is planned to fit; a primitive that needs more is left out",
      ).argParser(memorySize),
    )
    .addOption(threadsOption())
    .addOption(backendOption())
    .addOption(relaxedOption())
    .option("--out <file>", "also write the JSON document to this file")
    .option("--force", "overwrite that file")
    .option("--json", "print one JSON document")
    .option("--explain", "print the plan of a training step instead: stages, operations, bytes, memory")
    .addHelpText("after", help)
    .action(async (options: BenchOptions) => {
      const { bench } = await import("./run.ts");
      setExitCode(await bench(options, console));
    });
}

function sizeOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(wholeNumber(1));
}

function listOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(wholeNumbers(1));
}
