// `scantling doctor` as the command line has it: its options and where they lead. Examines nothing.

import type { Command } from "commander";
import { threadsOption } from "../machine.ts";
import type { CommandContext } from "../program.ts";

export interface DoctorOptions {
  readonly threads?: number;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
Looks at Node, processor, memory, compiler, caches and data; holds every backend to the float64 reference on programs
that run all its kernels; measures a large product and copying. Ends with what to do about each problem found. The exit
code is 1 where a problem stops work.

Example: scantling doctor --json`;

export function doctorCommand({ program, console, setExitCode }: CommandContext): Command {
  return program
    .command("doctor")
    .description("examine this machine: what will be used, whether it works, how fast it is")
    .addOption(threadsOption())
    .option("--out <file>", "also write the JSON document to this file")
    .option("--force", "overwrite that file")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (options: DoctorOptions) => {
      const { examine } = await import("./run.ts");
      setExitCode(await examine(options, console));
    });
}
