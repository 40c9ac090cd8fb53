// Amounts of a budget as they are typed. Knows no design.
import type { Budget } from "../study/budget.ts";

const HOURS_FROM = 3 * 3600;
const ECHOED_DIGITS = 4;

/** As it was given, to four digits. */
export const showAmount = (budget: Budget): string => written(budget, null);

/** No less, for what is enough: FLOPs to two digits, time to a tenth of its unit. */
export const showUp = (budget: Budget): string => written(budget, Math.ceil);

/** The same, but no more. */
export const showDown = (budget: Budget): string => written(budget, Math.floor);

function written({ unit, value }: Budget, round: ((value: number) => number) | null): string {
  /** To a multiple of `step`; what is one already, but for its last bits, stays. */
  const rounded = (of: number, step: number): number =>
    Number(
      round === null
        ? of.toPrecision(ECHOED_DIGITS)
        : (round(Number((of / step).toPrecision(12))) * step).toPrecision(12),
    );
  if (unit !== "seconds") {
    const step = 10 ** (Math.floor(Math.log10(value)) - 1);
    return `${rounded(value, step).toExponential().replace("+", "")}${unit}`;
  }
  if (value < 90) return `${rounded(value, 1)}s`;
  return value < HOURS_FROM ? `${rounded(value / 60, 0.1)}m` : `${rounded(value / 3600, 0.1)}h`;
}
