// `scantling fit` as the command line has it: its options and where they lead. Fits nothing.

import { type Command, InvalidArgumentError, Option } from "commander";
import { wholeNumber } from "../parsers.ts";
import type { CommandContext } from "../program.ts";

export interface FitCommandOptions {
  readonly law: string;
  readonly columns: Readonly<Record<string, string>>;
  readonly where: readonly Choice[];
  readonly predict: readonly Choice[];
  readonly dropHighest?: number;
  readonly compare?: string;
  readonly bootstraps: number;
  readonly seed: number;
  readonly threads?: number;
  readonly out?: string;
  readonly report?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** COLUMN=VALUE|VALUE. */
export interface Choice {
  readonly column: string;
  readonly values: readonly string[];
}

const help = `
Laws: chinchilla (approach 3), isoflop (approach 2), envelope (approach 1), overtraining, downstream, data-constrained,
kaplan-n, kaplan-d, kaplan-c, kaplan-cmin, kaplan-nd, kaplan-ns, kaplan-batch, moe-s-base, moe-rl-r, moe-hash, moe-granularity,
moe-sparsity, depth, state, growth. A column is found by its quantity's name (parameters, tokens, flops, loss, …) or a usual
other one; tokens and FLOPs follow from each other by C = 6·N·D. Intervals are bootstraps over runs from ten runs a constant
on, the linear approximation with Student's t below. Of 100 runs and more the 2 % with the highest losses are left out, for
law chinchilla, as Besiroglu et al. do. What must be doubted is said first.

Examples:
  scantling fit runs.csv --law chinchilla --json
  scantling fit runs.csv --law isoflop --columns parameters="Model Size" --report valleys.html
  scantling fit open_lm_104_runs.csv --law overtraining --columns loss=loss_c4_val --where "train_data=rpj" --predict config=open_lm_7b`;

export function fitCommand({ program, console, commandLine, setExitCode }: CommandContext): Command {
  return program
    .command("fit")
    .description("fit a law of scaling to a table of runs")
    .argument("<file>", "CSV, a row for each run")
    .addOption(new Option("--law <name>", "the law").makeOptionMandatory())
    .addOption(
      new Option("--columns <quantity=column>", "where a quantity is found (may be given several times)")
        .argParser(addColumn)
        .default({}, "by name"),
    )
    .addOption(
      new Option("--where <column=value>", "only these rows; several values with | between them")
        .argParser(addChoice)
        .default([], "all rows"),
    )
    .addOption(
      new Option("--predict <column=value>", "rows that are predicted, not fitted")
        .argParser(addChoice)
        .default([], "none"),
    )
    .addOption(
      new Option("--drop-highest <n>", "leave out the runs with the highest losses").argParser(
        wholeNumber(0),
      ),
    )
    .option(
      "--compare <constants>",
      "judge constants from elsewhere on these runs: A=406.4,B=410.7,… or a published set's name",
    )
    .addOption(
      new Option("--bootstraps <n>", "resamplings for intervals, 0 for none")
        .argParser(bootstrapCount)
        .default(1000),
    )
    .addOption(new Option("--seed <n>", "of the resamplings").argParser(wholeNumber(0)).default(0))
    .addOption(new Option("--threads <n>", "default: all cores").argParser(wholeNumber(1)))
    .option("--out <file>", "also write the JSON document to this file, for scantling plan --law FILE")
    .option("--report <file>", "write a page with the fit, its residuals and the valleys")
    .option("--force", "overwrite these files")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (file: string, options: FitCommandOptions, command: Command) => {
      const { fitFile } = await import("./run.ts");
      setExitCode(await fitFile(file, options, command, commandLine, console));
    });
}

const MOST_BOOTSTRAPS = 100_000;
/** Fewer say nothing of how values spread. */
const FEWEST_BOOTSTRAPS = 20;

function bootstrapCount(text: string): number {
  const count = wholeNumber(0)(text);
  if (count === 0 || (count >= FEWEST_BOOTSTRAPS && count <= MOST_BOOTSTRAPS)) return count;
  throw new InvalidArgumentError(`Expected 0, or ${FEWEST_BOOTSTRAPS} to ${MOST_BOOTSTRAPS}.`);
}

function addColumn(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const { column, values } = choice(text);
  return { ...before, [column]: values.join("|") };
}

function addChoice(text: string, before: readonly Choice[]): Choice[] {
  return [...before, choice(text)];
}

function choice(text: string): Choice {
  const at = text.indexOf("=");
  if (at <= 0) throw new InvalidArgumentError("Expected NAME=VALUE.");
  return {
    column: text.slice(0, at).trim(),
    values: text
      .slice(at + 1)
      .split("|")
      .map((value) => value.trim()),
  };
}
