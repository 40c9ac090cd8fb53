// `scantling count` as the command line has it: its options and where they lead. Counts nothing.

import type { Command } from "commander";
import { wholeNumber } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface CountOptions {
  readonly length?: number;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
ARCH is the name of a preset (scantling count without one lists them) or a .json or .yaml file. Nothing is allocated:
gpt3-175b counts as fast as gpt2. FLOPs are those of the algorithms that run, a multiply and an add being two; sixN is
6 · all parameters; kaplan (Kaplan et al. 2020) is 6 · matrices of the blocks + 6 · length · attention width of every layer;
chinchilla (Hoffmann et al. 2022, appendix F) counts all length · length scores and, like its table A4, no embedding and
no logits. State is what decoding carries for one sequence, mad by the convention of the MAD paper. Activations are what the
backward pass of one sequence reads, before anything is computed again.

Examples:
  scantling count gpt2 --json
  scantling count llama-2-70b --length 8192`;

export function countCommand({ program, console, setExitCode }: CommandContext): Command {
  return program
    .command("count")
    .description("count parameters, operations, state and memory of an architecture")
    .argument("[arch]", "a preset, or a .json or .yaml file")
    .option("--length <n>", "tokens of a sequence (default: the architecture's)", wholeNumber(1))
    .option("--out <file>", "also write the JSON document to this file")
    .option("--force", "overwrite that file")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (architecture: string | undefined, options: CountOptions) => {
      const { countArchitecture } = await import("./run.ts");
      setExitCode(countArchitecture(architecture, options, console));
    });
}
