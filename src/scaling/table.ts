// Runs from a CSV file: which column is which quantity, which rows are meant, and what is wrong with them. Knows no law.

import { csvParseRows } from "d3-dsv";
import { RequestError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { type Quantity, quantities } from "./quantities.ts";

/** A file of runs; texts as they stand in it. */
export interface RunTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Where each row stands in the file; the header is row 1. */
  readonly places: readonly number[];
}

/** A row is meant where the column has one of these texts (or numbers). */
export interface RowChoice {
  readonly column: string;
  readonly values: readonly string[];
}

/** More rows than any study has. */
const MOST_ROWS = 1_000_000;

/** Reads CSV with a header. @param name of the file, for messages. Errors: RequestError. */
export function readRunTable(text: string, name: string): RunTable {
  const [header, ...rows] = csvParseRows(text.replace(/^\uFEFF/, ""));
  const columns = header?.map((column) => column.trim()) ?? [];
  if (columns.length < 2) {
    throw new RequestError(
      `${name}: no table; expected CSV with a header line and a column for each quantity`,
    );
  }
  if (rows.length > MOST_ROWS)
    throw new RequestError(`${name}: ${rows.length} rows; expected at most ${MOST_ROWS}`);
  const twice = columns.find((column, i) => column !== "" && columns.indexOf(column) < i);
  if (twice !== undefined)
    throw new RequestError(`${name}: two columns are called ${quote(twice)}; rename one`);
  const places = rows.map((_, i) => i + 2);
  const filled = rowsWhere({ name, columns, rows, places }, (row) => row.some((cell) => cell.trim() !== ""));
  const broken = filled.rows.findIndex((row) => row.length !== columns.length);
  if (broken >= 0) {
    throw new RequestError(
      `${name}: row ${filled.places[broken]} has ${filled.rows[broken]!.length} cells; expected ${columns.length}, as the header has`,
    );
  }
  if (filled.rows.length === 0)
    throw new RequestError(`${name}: no rows below the header; expected one for each run`);
  return filled;
}

/** Some of the rows. */
export function rowsWhere(table: RunTable, isMeant: (row: readonly string[]) => boolean): RunTable {
  const kept = [...table.rows.keys()].filter((i) => isMeant(table.rows[i]!));
  return { ...table, rows: kept.map((i) => table.rows[i]!), places: kept.map((i) => table.places[i]!) };
}

/** The rows that every choice is true of. Errors: RequestError for an unknown column or no row. */
export function chooseRows(table: RunTable, choices: readonly RowChoice[]): RunTable {
  const tests = choices.map(({ column, values }) => ({ at: columnAt(table, column), values }));
  const chosen = rowsWhere(table, (row) =>
    tests.every(({ at, values }) =>
      values.some((value) => {
        const cell = row[at]!.trim();
        return cell === value || (value !== "" && cell !== "" && Number(cell) === Number(value));
      }),
    ),
  );
  if (chosen.rows.length === 0 && choices.length > 0) {
    const said = choices.map(({ column, values }) => `${column}=${values.join("|")}`).join(", ");
    throw new RequestError(
      `${table.name}: no row has ${said.slice(0, 200)}; look at the values of these columns`,
    );
  }
  return chosen;
}

/** Where a quantity is found: `--columns loss=loss_c4_val`, its own name, or a name that files often give it. */
export function columnOf(
  table: RunTable,
  quantity: Quantity,
  mapping: Readonly<Partial<Record<Quantity, string>>>,
): string | null {
  const named = mapping[quantity];
  if (named !== undefined) return table.columns[columnAt(table, named)]!;
  const known = [plain(quantity), ...quantities[quantity].aliases];
  const found = known.map((name) => table.columns.find((column) => plain(column) === name));
  return found.find((column) => column !== undefined) ?? null;
}

/**
 * Columns of numbers by quantity. Tokens and FLOPs follow from each other and parameters (C = 6·N·D) where one is missing.
 * Errors: RequestError for a missing column (with a mapping that may be meant), a cell that is no number, or a value that the
 * quantity cannot have.
 */
export function readQuantities(
  table: RunTable,
  wanted: readonly Quantity[],
  mapping: Readonly<Partial<Record<Quantity, string>>>,
): { values: Record<string, number[]>; from: Record<string, string> } {
  const values: Record<string, number[]> = {};
  const from: Record<string, string> = {};
  for (const quantity of wanted) {
    const column = columnOf(table, quantity, mapping);
    if (column !== null) {
      values[quantity] = numbers(table, column, quantity);
      from[quantity] = column;
      continue;
    }
    const derived = deriving(quantity).find((needed) =>
      needed.every((one) => columnOf(table, one, mapping) !== null),
    );
    if (derived === undefined) throw missing(table, wanted, mapping);
    const [a, b] = derived.map((one) => numbers(table, columnOf(table, one, mapping)!, one));
    values[quantity] = a!.map((value, i) =>
      quantity === "tokens" ? value / (6 * b![i]!) : 6 * value * b![i]!,
    );
    from[quantity] = quantity === "tokens" ? "flops / (6 · parameters)" : "6 · parameters · tokens";
  }
  return { values, from };
}

/** Refuses rows that are the same in every quantity, which are one run copied. */
export function refuseDuplicates(table: RunTable, values: Readonly<Record<string, readonly number[]>>): void {
  const seen = new Map<string, number>();
  for (let i = 0; i < table.rows.length; i++) {
    const key = Object.values(values)
      .map((column) => column[i])
      .join(",");
    const first = seen.get(key);
    if (first !== undefined) {
      throw new RequestError(
        `${table.name}: rows ${table.places[first]} and ${table.places[i]} are the same run; remove one`,
      );
    }
    seen.set(key, i);
  }
}

function deriving(quantity: Quantity): readonly (readonly [Quantity, Quantity])[] {
  if (quantity === "tokens") return [["flops", "parameters"]];
  if (quantity === "flops") return [["parameters", "tokens"]];
  return [];
}

function numbers(table: RunTable, column: string, quantity: Quantity): number[] {
  const at = columnAt(table, column);
  const { least, most, unit } = quantities[quantity];
  return table.rows.map((row, i) => {
    const cell = row[at]!.trim();
    const value = cell === "" ? Number.NaN : Number(cell);
    const where = `${table.name}: row ${table.places[i]}, column ${quote(column)}`;
    if (!Number.isFinite(value)) {
      throw new RequestError(`${where} is ${quote(cell)}; expected a number, remove the row or mend it`);
    }
    if (value < least || value > most) {
      const hint =
        value > 0 && value < least && least >= 100
          ? `; are they in millions or billions? Give ${unit} one by one`
          : "";
      throw new RequestError(
        `${where} is ${value}, which cannot be ${quantity}: expected ${least} to ${most}${hint}`,
      );
    }
    return value;
  });
}

function missing(
  table: RunTable,
  wanted: readonly Quantity[],
  mapping: Readonly<Partial<Record<Quantity, string>>>,
): RequestError {
  const isFound = (quantity: Quantity) => columnOf(table, quantity, mapping) !== null;
  const isReadable = (quantity: Quantity) =>
    isFound(quantity) || deriving(quantity).some((needed) => needed.every(isFound));
  const lacking = wanted.filter((quantity) => !isReadable(quantity));
  const used = new Set(wanted.map((quantity) => columnOf(table, quantity, mapping)));
  const suggestions = lacking.map((quantity) => {
    const meant = likelyColumn(
      quantity,
      table.columns.filter((column) => !used.has(column)),
    );
    if (meant !== null) used.add(meant);
    return `--columns ${quantity}=${meant === null ? "NAME" : /[\s,]/.test(meant) ? `"${meant}"` : meant}`;
  });
  const named = lacking.map((quantity) => `${quantity} (${quantities[quantity].unit})`);
  return new RequestError(
    `${table.name}: no column for ${named.join(", ")}; expected ${suggestions.join(" ")}; ` +
      `the file has ${table.columns.slice(0, 20).join(", ")}`,
  );
}

/** By a part of its name, then by a part of a usual one, then by spelling. */
function likelyColumn(quantity: Quantity, columns: readonly string[]): string | null {
  // Short ones are parts of too many others.
  const names = [plain(quantity), ...quantities[quantity].aliases.filter((name) => name.length > 5)];
  const containing = names.map((name) => columns.find((column) => plain(column).includes(name)));
  return containing.find((column) => column !== undefined) ?? nearest(quantity, columns);
}

function columnAt({ name, columns }: RunTable, column: string): number {
  const at = columns.indexOf(column);
  if (at >= 0) return at;
  const meant = nearest(column, columns);
  const help = meant === null ? `it has ${columns.slice(0, 20).join(", ")}` : `did you mean ${quote(meant)}?`;
  throw new RequestError(`${name}: no column ${quote(column)}; ${help}`);
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
