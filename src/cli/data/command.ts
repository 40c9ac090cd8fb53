// `scantling data` as the command line has it: its options and where they lead. Fetches nothing.

import type { Command } from "commander";
import type { CommandContext } from "../program.ts";

export interface ListOptions {
  readonly json?: boolean;
}

export interface FetchOptions {
  readonly out?: string;
  readonly from?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const help = `
A data set is used by its name: scantling train --data NAME. It is looked for in the folder that SCANTLING_DATA names, then
in the cache (SCANTLING_CACHE, or the system's folder for such things). Nothing is downloaded but by "data fetch".

Examples:
  scantling data
  scantling data list text8
  scantling data fetch text8`;

const fetchHelp = `
The files go where SCANTLING_DATA points, or to the cache where that cannot be written. An interrupted download goes on
where it stopped. Every file is held to its published size and SHA-256 before it is used; wrong bytes are removed. An
archive that you have put into the data set's folder yourself is checked and unpacked without a network.

Examples:
  scantling data fetch tinyshakespeare
  scantling data fetch enwik8 --out data --from http://mirror.local/corpora`;

export function dataCommand({ program, console, setExitCode }: CommandContext): Command {
  const data = program
    .command("data")
    .description("list data sets by name, and fetch them")
    .helpCommand(false)
    .addHelpText("after", help);
  data
    .command("list", { isDefault: true })
    .description("list the data sets, what is here, and where the rest comes from")
    .argument("[name]", "one data set, with its addresses and checksums")
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample: scantling data list text8")
    .action(async (name: string | undefined, options: ListOptions) => {
      const { list } = await import("./list.ts");
      setExitCode(await list(name, options, console));
    });
  data
    .command("fetch")
    .description("download a data set, check it, unpack it")
    .argument("<name>", "of a data set")
    .option("--out <folder>", "folder of data sets to put it in")
    .option("--from <address>", "take the files from this address instead of the published ones")
    .option("--force", "fetch again and replace what is there")
    .option("--json", "print one JSON document")
    .addHelpText("after", fetchHelp)
    .action(async (name: string, options: FetchOptions) => {
      const { fetch } = await import("./fetch.ts");
      setExitCode(await fetch(name, options, console));
    });
  return data;
}
