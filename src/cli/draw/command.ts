// `scantling draw` as the command line has it: its options and where they lead. Draws nothing.

import type { Command } from "commander";
import type { CommandContext } from "../program.ts";

export interface DrawOptions {
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
ARCH is the name of a preset or a .json or .yaml file. The block diagram is printed as text; with --out FILE.svg it is
written as SVG. It begins with the input; ╭ … ╰─⊕ is the residual path around a primitive.

Examples:
  scantling draw gpt2
  scantling draw llama-7b --out llama.svg`;

export function drawCommand({ program, console, setExitCode }: CommandContext): Command {
  return program
    .command("draw")
    .description("draw the blocks of an architecture as text or SVG")
    .argument("<arch>", "a preset, or a .json or .yaml file")
    .option("--out <file>", "write SVG to this file")
    .option("--force", "overwrite that file")
    .option("--json", "print one JSON document: the pattern, the text and the SVG")
    .addHelpText("after", help)
    .action(async (architecture: string, options: DrawOptions) => {
      const { drawArchitecture } = await import("./run.ts");
      setExitCode(drawArchitecture(architecture, options, console));
    });
}
