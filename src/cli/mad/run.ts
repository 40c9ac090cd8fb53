// What `scantling mad` does: has architectures compared, shows how it goes, and prints what came out.

import { tasks } from "../../data/tasks/tasks.ts";
import { RequestError } from "../../errors.ts";
import { type Association, associateTable, meanName, requireKnown } from "../../mad/against.ts";
import { mad } from "../../mad/mad.ts";
import { type PerplexityTable, readPerplexities } from "../../mad/perplexities.ts";
import { type Comparison, defineComparison, type MadRequest } from "../../mad/request.ts";
import type { Console } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { follow } from "../follow.ts";
import { tryMachine } from "../machine.ts";
import { madWorkerWith } from "../workers.ts";
import type { MadOptions } from "./command.ts";
import { againstLines, planLines, resultLines } from "./lines.ts";

const usualFolder = "runs/mad";

/** @returns the exit code */
export async function compare(
  words: readonly string[],
  options: MadOptions,
  console: Console,
  commandLine: readonly string[],
): Promise<number> {
  const { against } = options;
  const table = against === undefined ? undefined : readPerplexities(against, scoreNames);
  if (table !== undefined && table.scores.size > 0) return associateAlone(table, words, options, console);
  const named = words.length > 0 || table === undefined ? words : table.rows.map((row) => row.architecture);
  const request = requestOf(named, options);
  const comparison = defineComparison(request);
  if (table !== undefined) {
    requireKnown(
      against!,
      table,
      comparison.contestants.map(({ name }) => name),
    );
  }
  if (options.dryRun) return dryRun(comparison, options, console);
  await tryMachine(options, console);
  const { out: folder = usualFolder } = options;
  const command = commandLine.join(" ");
  const worker = madWorkerWith(options.config);
  const events = mad({ ...request, folder, against: table, command, worker, signal: console.signal });
  const { reason, result, associations, report } = await follow(
    events,
    console,
    "mad: the comparison",
    (event, live) => {
      if (event.kind !== "comparison") return;
      for (const line of planLines(event.comparison)) live.line(line);
    },
  );
  if (options.json) {
    console.out(`${JSON.stringify({ ...result, ended: reason, against: associations, report })}\n`);
  } else {
    const below = associations === null ? [] : ["", ...againstLines(associations)];
    console.out(`${[...resultLines(result), ...below, "", `report: ${report}`].join("\n")}\n`);
  }
  if (reason !== "interrupted") return 0;
  console.err("interrupted: the same command goes on from here\n");
  return interruptedCode;
}

function requestOf(architectures: readonly string[], options: MadOptions): MadRequest {
  const { profile, seeds, seed, full, difficulty, budget, backend, workers, threads } = options;
  const places = { backend, processes: workers, threads };
  return {
    architectures,
    profile,
    tasks: options.tasks,
    seeds,
    firstSeed: seed,
    full,
    difficulty,
    budget,
    ...places,
  };
}

/** Columns of scores that a table may have. */
const scoreNames: readonly string[] = [...tasks.map(({ name }) => name), meanName];

/** The table has its scores with it: nothing is trained. */
function associateAlone(
  table: PerplexityTable,
  words: readonly string[],
  options: MadOptions,
  console: Console,
): number {
  if (words.length > 0) {
    throw new RequestError(
      `mad: --against ${options.against} has scores of its own, so nothing is trained; leave out ${words[0]}, or the ` +
        "columns of scores",
    );
  }
  const associations: readonly Association[] = associateTable(table);
  console.out(
    options.json
      ? `${JSON.stringify({ against: associations })}\n`
      : `${againstLines(associations).join("\n")}\n`,
  );
  return 0;
}

function dryRun(comparison: Comparison, options: MadOptions, console: Console): number {
  const { cells, cost, budget, seeds, contestants, profile, isoStates } = comparison;
  if (!options.json) {
    console.out(`${planLines(comparison).join("\n")}\n`);
    return 0;
  }
  const architectures = contestants.map(({ name }) => {
    const runs = cells.filter(({ architecture }) => architecture === name).flatMap((cell) => cell.runs);
    return {
      name,
      runs: runs.length,
      steps: runs.reduce((sum, { steps }) => sum + steps, 0),
      flops: runs.reduce((sum, { steps, flopsPerStep }) => sum + steps * flopsPerStep, 0),
      isoState: isoStates.get(name),
    };
  });
  const document = {
    profile: profile.name,
    tasks: comparison.tasks,
    seeds,
    architectures,
    exhaustive: cost,
    budget,
  };
  console.out(`${JSON.stringify(document)}\n`);
  return 0;
}
