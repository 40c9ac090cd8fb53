// What a ladder that is done leaves for other commands: its runs as a table that `scantling fit` reads, and its law as `scantling fit
// --out` writes one, which `scantling plan --law` reads. Fits nothing.
import { join } from "node:path";
import { csvFormatRows } from "d3-dsv";
import { countingConvention } from "../scaling/diagnose.ts";
import type { Fit } from "../scaling/fit.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import type { LadderResult, ToldRun } from "./result.ts";

/** Where they are. */
export interface LadderFiles {
  /** Null where no run came to a loss, or the ladder is not done. */
  readonly runs: string | null;
  /** Null where there is no law of loss from parameters and tokens, too. */
  readonly law: string | null;
}

/** A fit with where its runs stand. */
export type LawDocument = Fit & {
  readonly file: string;
  /** Which column each quantity is from. */
  readonly columns: Readonly<Record<string, string>>;
};

const RUNS = "runs.csv";

/** Writes both, as far as there is something to write. Errors: WorkError where the disk does not take it. */
export function handOver(result: LadderResult, folder: string): LadderFiles {
  const table = runTable(result);
  if (table === null) return { runs: null, law: null };
  const runs = join(folder, RUNS);
  const document = lawDocument(result);
  onDisk("write", runs, () => replaceFile(runs, table));
  if (document === null) return { runs, law: null };
  const law = join(folder, "law.json");
  onDisk("write", law, () => replaceFile(law, `${JSON.stringify(document)}\n`));
  return { runs, law };
}

/**
 * Runs with a loss under the names that `scantling fit` looks for. FLOPs are those of the budget, so that runs of one valley have the
 * same, as in the ladder's own laws; what was really spent on the last whole step stands beside them. Null: no run has a loss.
 */
export function runTable({ kind, rungs }: Pick<LadderResult, "kind" | "rungs">): string | null {
  const runs = rungs.flatMap((rung) => measuredOf(rung.runs));
  if (runs.length === 0) return null;
  const isState = kind === "state";
  const columns = ["run", "parameters", "tokens", "flops", "loss"];
  const beside = ["state", "width", "layers", "rate", "spent"];
  const rows = runs.map(({ run, parameters, tokens, budget, loss, state, width, layers, rate, flops }) => [
    ...[run, parameters, tokens, budget, loss],
    ...(isState ? [Math.exp(loss)] : []),
    ...[state, width, layers, rate, flops],
  ]);
  const header = [...columns, ...(isState ? ["perplexity"] : []), ...beside];
  return `${csvFormatRows([header, ...rows.map((row) => row.map(String))])}\n`;
}

/** Null where the ladder has no such law. */
export function lawDocument({ law, rungs }: Pick<LadderResult, "law" | "rungs">): LawDocument | null {
  if (law === null) return null;
  const runs = rungs.flatMap((rung) => measuredOf(rung.runs));
  const counted = runs.map(({ parameters, tokens, budget }) => ({ parameters, tokens, flops: budget }));
  return {
    file: RUNS,
    columns: { parameters: "parameters", tokens: "tokens", loss: "loss" },
    ...law,
    diagnostics: [...law.diagnostics, ...countingConvention(counted)],
  };
}

/** What to type next with these files; null where nothing follows from them. */
export function nextCommand(
  { kind, law, frontier }: Pick<LadderResult, "kind" | "law" | "frontier">,
  files: LadderFiles,
  { vocabulary, length }: { readonly vocabulary: number; readonly length: number },
): string | null {
  if (law !== null && files.law !== null) {
    const spent = law.residuals.map(({ inputs: [parameters, tokens] }) => 6 * parameters! * tokens!);
    return `npx scantling plan --flops ${atMost(10 * Math.max(...spent))} --law ${word(files.law)} --vocabulary ${vocabulary} --length ${length}`;
  }
  // The runs of ladders of shape lie along one line of parameters and tokens, which determines no law of both.
  const fitted = kind === "state" ? "state" : kind === "isoflop" && frontier !== null ? "isoflop" : null;
  return files.runs === null || fitted === null
    ? null
    : `npx scantling fit ${word(files.runs)} --law ${fitted}`;
}

function measuredOf(runs: readonly ToldRun[]): (ToldRun & { readonly loss: number })[] {
  return runs.flatMap(({ loss, ...run }) => (loss === null ? [] : [{ ...run, loss }]));
}

/** One digit, not above the number: ten times the range of a law is as far as a plan goes without a warning. */
function atMost(value: number): string {
  const unit = 10 ** Math.floor(Math.log10(value));
  return `${Math.floor(value / unit)}e${Math.round(Math.log10(unit))}`;
}

function word(path: string): string {
  return /^[\w./\\:-]+$/.test(path) ? path : JSON.stringify(path);
}
