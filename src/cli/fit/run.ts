// What `scantling fit` does: reads the table, asks for the fit, prints it. Fits nothing itself.

import type { Command } from "commander";
import { usableCores } from "../../cores.ts";
import { RequestError, WorkError } from "../../errors.ts";
import { InputFileError, largest, readInputFile } from "../../inputFile.ts";
import { expectedOneOf, nearest } from "../../nearest.ts";
import {
  countingConvention,
  type Diagnostic,
  judgeConstants,
  unlikelyUnits,
} from "../../scaling/diagnose.ts";
import { fitEnvelope } from "../../scaling/envelope.ts";
import { type Fitted, fitLaw, predictFitted } from "../../scaling/fit.ts";
import { fitIsoflop } from "../../scaling/isoflop.ts";
import type { Law } from "../../scaling/law.ts";
import { laws } from "../../scaling/laws/laws.ts";
import { observe } from "../../scaling/objective.ts";
import { type Quantity, quantities } from "../../scaling/quantities.ts";
import {
  chooseRows,
  columnOf,
  type RunTable,
  readQuantities,
  readRunTable,
  refuseDuplicates,
  rowsWhere,
} from "../../scaling/table.ts";
import type { Console } from "../console.ts";
import { prepareOutput } from "../output.ts";
import { refuseUnused } from "../unused.ts";
import type { FitCommandOptions } from "./command.ts";
import { fitReport } from "./report.ts";
import { type FitDocument, fitText } from "./text.ts";

type Mapping = Partial<Record<Quantity, string>>;

/** Runs from here on are many enough to leave some out. */
const MANY_RUNS = 100;
const SHARE_LEFT_OUT = 0.02;

/** @returns the exit code */
export async function fitFile(
  file: string,
  options: FitCommandOptions,
  command: Command,
  commandLine: readonly string[],
  console: Console,
): Promise<number> {
  const law = findLaw(options.law);
  const mapping = readMapping(options.columns);
  if (typeof law === "string") refuseUnused(command, ["predict", "compare"], `to --law ${law}`);
  const force = options.force ?? false;
  const writeOut = options.out === undefined ? undefined : prepareOutput(options.out, force);
  const writeReport = options.report === undefined ? undefined : prepareOutput(options.report, force);
  const table = readRunTable(readText(file), file);
  const document = await fitTable(table, law, mapping, options, console.signal);
  const text = `${JSON.stringify(document)}\n`;
  writeOut?.(text);
  if (writeReport !== undefined) {
    const { reportPage } = await import("../../report/page.ts");
    writeReport(reportPage(fitReport(document, { file, commandLine })));
  }
  console.out(options.json ? text : fitText(document));
  return 0;
}

async function fitTable(
  whole: RunTable,
  law: Law | "isoflop" | "envelope",
  mapping: Mapping,
  options: FitCommandOptions,
  signal: AbortSignal,
): Promise<FitDocument> {
  const wanted: readonly Quantity[] =
    typeof law === "string" ? ["parameters", "flops", "loss"] : [...law.inputs, law.output];
  const held = options.predict.length === 0 ? null : chooseRows(whole, options.predict);
  const heldRows = new Set(held?.rows);
  const kept = chooseRows(
    rowsWhere(whole, (row) => !heldRows.has(row)),
    options.where,
  );
  const all = readQuantities(kept, wanted, mapping);
  refuseDuplicates(kept, all.values);
  const output = typeof law === "string" ? "loss" : law.output;
  const dropped = highest(all.values[output]!, options.dropHighest ?? usualDrop(law, kept));
  const values = Object.fromEntries(
    Object.entries(all.values).map(([name, column]) => [name, column.filter((_, i) => !dropped.has(i))]),
  );
  const counted = { ...conventionDoubts(kept, mapping) };
  const notes: Diagnostic[] = [
    ...counted.diagnostics,
    ...(dropped.size === 0
      ? []
      : [
          {
            kind: "left out" as const,
            text: `${dropped.size} of ${kept.rows.length} runs, those with the highest ${output}, are left out`,
          },
        ]),
  ];
  const about = { file: whole.name, columns: all.from };
  if (typeof law === "string") {
    refuseOneBudget(law, values.flops!);
    const runs = values.parameters!.map((parameters, i) => ({
      ...{ parameters, flops: values.flops![i]!, loss: values.loss![i]! },
    }));
    const found = (law === "isoflop" ? fitIsoflop : fitEnvelope)(runs, options);
    return { ...about, ...found, diagnostics: [...found.diagnostics, ...notes] };
  }
  if (values.parameters !== undefined && values.tokens !== undefined) {
    const { parameters, tokens } = values;
    notes.push(...unlikelyUnits(parameters, tokens));
    refuseOneBudget(
      law.name,
      parameters.map((n, i) => 6 * n * tokens[i]!),
    );
  }
  for (const input of law.inputs) refuseOneValue(law.name, input, values[input]!);
  const inputsOf = (columns: Readonly<Record<string, readonly number[]>>) =>
    columns[law.output]!.map((_, i) => law.inputs.map((input) => columns[input]![i]!));
  const runs = { inputs: inputsOf(values), outputs: values[law.output]! };
  const { bootstraps, seed, threads = usableCores() } = options;
  const fitted = await fitLaw(law, runs, { bootstraps, seed, threads, signal });
  const found = fitted.fit;
  const compared = options.compare === undefined ? null : readConstants(law, options.compare);
  const judged = compared === null ? null : judgeConstants(law, observe(law, runs), compared);
  return {
    ...about,
    ...found,
    diagnostics: [...found.diagnostics, ...(judged?.diagnostics ?? []), ...notes],
    ...(judged === null ? {} : { compared: { constants: compared!, objective: judged.objective } }),
    ...(held === null
      ? {}
      : {
          heldOut: predictions(held, law, fitted, readQuantities(held, wanted, mapping).values, inputsOf),
        }),
  };
}

function predictions(
  table: RunTable,
  law: Law,
  fitted: Fitted,
  values: Readonly<Record<string, readonly number[]>>,
  inputsOf: (values: Readonly<Record<string, readonly number[]>>) => number[][],
) {
  return inputsOf(values).map((inputs, i) => {
    const measured = values[law.output]![i]!;
    const { value: predicted, interval } = predictFitted(law, fitted, inputs);
    return {
      row: table.rows[i]![0]!,
      inputs,
      measured,
      predicted,
      interval,
      error: predicted / measured - 1,
    };
  });
}

function findLaw(name: string): Law | "isoflop" | "envelope" {
  if (name === "isoflop" || name === "envelope") return name;
  const found = laws.find((law) => law.name === name);
  if (found !== undefined) return found;
  const names = [...laws.map((law) => law.name), "isoflop", "envelope"];
  throw new RequestError(`--law ${name.slice(0, 40)}: no such law; ${expectedOneOf(name, names)}`);
}

function readMapping(columns: Readonly<Record<string, string>>): Mapping {
  const known = Object.keys(quantities);
  for (const name of Object.keys(columns)) {
    if (!known.includes(name)) {
      const meant = nearest(name, known);
      throw new RequestError(
        `--columns ${name.slice(0, 40)}: no such quantity; expected ${meant === null ? `one of ${known.join(", ")}` : `QUANTITY=COLUMN, did you mean ${meant}?`}`,
      );
    }
  }
  return columns;
}

function readText(file: string): string {
  try {
    return readInputFile(file, largest.settings).toString("utf8");
  } catch (error) {
    if (error instanceof InputFileError)
      throw new RequestError(`${file}: ${error.message}; expected a CSV file`);
    const reason = error instanceof Error ? error.message : String(error);
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new RequestError(`${file}: no such file; expected a CSV file`);
    throw new WorkError(`${file}: cannot be read (${reason}); look at its permissions`);
  }
}

function usualDrop(law: Law | string, { rows }: RunTable): number {
  const few = typeof law === "string" || law.name !== "chinchilla" || rows.length < MANY_RUNS;
  return few ? 0 : Math.round(SHARE_LEFT_OUT * rows.length);
}

function highest(outputs: readonly number[], count: number): ReadonlySet<number> {
  const order = outputs.map((_, i) => i).sort((a, b) => outputs[b]! - outputs[a]!);
  return new Set(order.slice(0, count));
}

function refuseOneBudget(law: string, flops: readonly number[]): void {
  const [least, most] = [Math.min(...flops), Math.max(...flops)];
  if (most > 1.05 * least) return;
  throw new RequestError(
    `${law}: all runs have one budget, ${most.toPrecision(3)} FLOP, which says nothing of larger ones; expected runs at two budgets or more`,
  );
}

function refuseOneValue(law: string, name: string, values: readonly number[]): void {
  if (values.some((value) => value !== values[0])) return;
  throw new RequestError(
    `${law}: all runs have the same ${name}, ${values[0]}; expected two that differ, or more`,
  );
}

function conventionDoubts(table: RunTable, mapping: Mapping): { diagnostics: Diagnostic[] } {
  const needed = ["parameters", "tokens", "flops"] as const;
  if (needed.some((quantity) => columnOf(table, quantity, mapping) === null)) return { diagnostics: [] };
  const values = readableQuantities(table, needed, mapping);
  if (values === null) return { diagnostics: [] };
  const runs = values.parameters!.map((parameters, i) => ({
    ...{ parameters, tokens: values.tokens![i]!, flops: values.flops![i]! },
  }));
  return { diagnostics: countingConvention(runs) };
}

/** Null where a column that the law may do without holds something else. */
function readableQuantities(...request: Parameters<typeof readQuantities>) {
  try {
    return readQuantities(...request).values;
  } catch (error) {
    if (error instanceof RequestError) return null;
    throw error;
  }
}

function readConstants(law: Law, text: string): number[] {
  const published = law.published[text];
  if (published !== undefined) return [...published.values];
  const given = new Map(
    text.split(",").map((part) => part.split("=").map((side) => side.trim()) as [string, string]),
  );
  return law.constants.map((name) => {
    const value = Number(given.get(name) ?? Number.NaN);
    if (Number.isFinite(value)) return value;
    const sets = Object.keys(law.published);
    throw new RequestError(
      `--compare: no number for ${name}; expected ${law.constants.map((one) => `${one}=…`).join(",")}` +
        `${sets.length > 0 ? ` or ${sets.join(", ")}` : ""}`,
    );
  });
}
