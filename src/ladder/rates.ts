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
  const refuse = (found: string, expected: string): never => {
    throw new RequestError(`${name}: ${found}; expected ${expected}`);
  };
  const { rates, series } = isObject(measured) ? measured : {};
  if (!Array.isArray(rates) || !Array.isArray(series)) {
    return refuse("no rates and series in it", "the document that scantling transfer --json prints");
  }
  const widths = series.filter((one) => isObject(one) && one.axis === "width");
  const found = widths.find((one) => one.parametrisation === parametrisation) ?? widths[0];
  if (found === undefined || !Array.isArray(found.sizes)) {
    return refuse("no series over widths", "a measurement with two --widths or more");
  }
  const rows = (found.sizes as unknown[]).map((one) => {
    const { size, best } = isObject(one) ? one : {};
    const rate = typeof best === "number" ? rates[best] : undefined;
    if (typeof size === "number" && typeof rate === "number") return { width: size, rate };
    return refuse("a width has no best rate", "a measurement that ended with losses");
  });
  if (rows.length === 0) return refuse("no widths", "a measurement with two --widths or more");
  const { verdict } = found;
  const isTable = found.parametrisation === "standard";
  if (verdict !== "stays" && !(isTable && verdict === "moves")) {
    return refuse(
      `its verdict on ${String(found.parametrisation).slice(0, 40)} is ${String(verdict).slice(0, 40)}`,
      "a best rate that is known and stays; measure again with other --rates",
    );
  }
  if (isTable) return { kind: "table", rows };
  if (found.parametrisation !== "mup") return refuse("a series over widths under neither", "mup or standard");
  const mean = Math.exp(rows.reduce((sum, { rate }) => sum + Math.log(rate), 0) / rows.length);
  return { kind: "parametrised", parametrisation: withBase("mup", rows[0]!.width, 1), rate: mean };
}
