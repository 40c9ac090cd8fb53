// Learning rates of models of all widths by a rule that was measured on narrow ones. Measures nothing.
import { RequestError } from "../errors.ts";
import { isObject } from "../json.ts";
import type { Parametrisation } from "../train/parametrisation/settings.ts";
import { withBase } from "../transfer/request.ts";

/** How the rate of a model is found. */
export type RateRule =
  /** One rate for all widths and depths, which the parametrisation turns into theirs. */
  | { readonly kind: "parametrised"; readonly parametrisation: Parametrisation; readonly rate: number }
  /** The best rates of some widths under the standard parametrisation; between and beyond them straight lines in logarithms. */
  | {
      readonly kind: "table";
      readonly rows: readonly { readonly width: number; readonly rate: number }[];
    };

/** What a model of that width is trained with. */
export function rateFor(rule: RateRule, width: number): { rate: number; parametrisation: Parametrisation } {
  if (rule.kind === "parametrised") return { rate: rule.rate, parametrisation: rule.parametrisation };
  const parametrisation = withBase("standard", width, 1);
  const { rows } = rule;
  if (rows.length === 1) return { rate: rows[0]!.rate, parametrisation };
  const next = rows.findIndex((row) => row.width >= width);
  const at = Math.max(1, next < 0 ? rows.length - 1 : next);
  const [from, to] = [rows[at - 1]!, rows[at]!];
  const share = Math.log(width / from.width) / Math.log(to.width / from.width);
  return { rate: from.rate * (to.rate / from.rate) ** share, parametrisation };
}

/** Errors: RequestError for a table without rows, with widths that do not rise, or a rate that is none. */
export function checkRates(rule: RateRule): void {
  const rates = rule.kind === "table" ? rule.rows.map(({ rate }) => rate) : [rule.rate];
  const wrong = rates.find((rate) => !(rate > 0 && rate < Number.POSITIVE_INFINITY));
  if (wrong !== undefined)
    throw new RequestError(`ladder: a learning rate is ${wrong}; expected one above 0, such as 4e-3`);
  if (rule.kind === "parametrised") return;
  const { rows } = rule;
  const rises = rows.every(
    ({ width }, i) => Number.isSafeInteger(width) && width > (rows[i - 1]?.width ?? 0),
  );
  if (rows.length === 0 || !rises) {
    throw new RequestError(
      `ladder: widths of the rates are ${rows.map(({ width }) => width).join(", ") || "none"}; expected whole numbers, each larger than the one before`,
    );
  }
}

/**
 * The rule that a measurement of transfer over widths leads to: where the best rate stays under muP, their geometric mean; under the
 * standard parametrisation a table.
 * Errors: RequestError, beginning with `name`, for what is no such measurement, or one whose best rates lie at an end of its grid.
 * @param measured the document of `scantling transfer --json`
 * @param parametrisation which of its series; default: muP where it has it
 */
export function ratesOf(measured: unknown, name: string, parametrisation = "mup"): RateRule {
  const { widths } = readMeasurement(measured, name);
  const found = widths.find((one) => one.parametrisation === parametrisation) ?? widths[0];
  if (found === undefined) {
    throw refusal(name, "no series over widths", "a measurement with two --widths or more");
  }
  const isTable = found.parametrisation === "standard";
  const rows = found.rows(isTable ? ["stays", "moves"] : ["stays"]);
  if (isTable) return { kind: "table", rows: rows.map(({ size, rate }) => ({ width: size, rate })) };
  if (found.parametrisation !== "mup")
    throw refusal(name, "a series over widths under neither", "mup or standard");
  return {
    kind: "parametrised",
    parametrisation: withBase("mup", rows[0]!.size, 1),
    rate: meanRate(rows),
  };
}

/** The best rate of a size of model. */
export interface BestRate {
  readonly size: number;
  readonly rate: number;
}

/** One series of a measurement. */
export interface MeasuredSeries {
  readonly parametrisation: string;
  /** Best rates by size. Errors: RequestError for sizes without one, or a verdict that is none of these. */
  readonly rows: (verdicts: readonly string[]) => readonly BestRate[];
}

/** The series of a document of `scantling transfer --json`, by axis. Errors: RequestError for what is no such document. */
export function readMeasurement(
  measured: unknown,
  name: string,
): { readonly widths: readonly MeasuredSeries[]; readonly depths: readonly MeasuredSeries[] } {
  const { rates, series } = isObject(measured) ? measured : {};
  if (!Array.isArray(rates) || !Array.isArray(series)) {
    throw refusal(name, "no rates and series in it", "the document that scantling transfer --json prints");
  }
  const over = (axis: string) =>
    series
      .filter(isObject)
      .filter((one) => one.axis === axis && Array.isArray(one.sizes))
      .map(
        (one): MeasuredSeries => ({
          parametrisation: String(one.parametrisation).slice(0, 40),
          rows: (verdicts) => rowsOf(one, rates, name, axis, verdicts),
        }),
      );
  return { widths: over("width"), depths: over("depth") };
}

function rowsOf(
  { sizes, verdict, parametrisation }: Record<string, unknown>,
  rates: readonly unknown[],
  name: string,
  axis: string,
  verdicts: readonly string[],
): BestRate[] {
  const rows = (sizes as unknown[]).map((one) => {
    const { size, best } = isObject(one) ? one : {};
    const rate = typeof best === "number" ? rates[best] : undefined;
    if (typeof size === "number" && typeof rate === "number") return { size, rate };
    throw refusal(name, `a ${axis} has no best rate`, "a measurement that ended with losses");
  });
  if (rows.length === 0) throw refusal(name, `no ${axis}s`, `a measurement with two --${axis}s or more`);
  if (verdicts.includes(String(verdict))) return rows;
  throw refusal(
    name,
    `its verdict on ${String(parametrisation).slice(0, 40)} is ${String(verdict).slice(0, 40)}`,
    "a best rate that is known and stays; measure again with other --rates",
  );
}

/** Of rates that stay: what they have in common, in logarithms. */
export function meanRate(rows: readonly BestRate[]): number {
  return Math.exp(rows.reduce((sum, { rate }) => sum + Math.log(rate), 0) / rows.length);
}

function refusal(name: string, found: string, expected: string): RequestError {
  return new RequestError(`${name}: ${found}; expected ${expected}`);
}
