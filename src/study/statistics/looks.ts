// How sure each look at a growing study must be, so that all together keep a promise. Knows when looks are taken, not what
// they see.
import jstat from "jstat";

/**
 * O'Brien and Fleming's constants for 1, 2, … 10 looks and 5 % (Jennison, Turnbull, "Group Sequential Methods", 2000,
 * table 2.3), for looks after equal shares of the data; for first looks later than that they are on the safe side.
 */
const constants = [1.96, 1.978, 2.004, 2.024, 2.04, 2.053, 2.063, 2.072, 2.08, 2.087];

/**
 * The chance of error that each look is tested at, in order: very small at first, the last nearly `alpha`, so that a study
 * that goes to its end is nearly as sharp as one that was looked at once. That looks share data is taken into account:
 * the levels add up to more than `alpha`, the chance of an error at any look does not.
 * @param fractions the share of all data that each look sees, rising, the last 1
 */
export function levelsOfLooks(alpha: number, fractions: readonly number[]): number[] {
  const one = quantile(1 - alpha / 2);
  const tabled = constants[fractions.length - 1];
  // The ratio to one look's bound falls with alpha. Beyond the table: the bound for looking all the time.
  const bound =
    fractions.length === 1
      ? one
      : tabled !== undefined && alpha <= 0.05
        ? (one * tabled) / quantile(0.975)
        : quantile(1 - alpha / 4);
  return fractions.map((fraction) =>
    Math.max(LEAST, 2 * (1 - jstat.normal.cdf(bound / Math.sqrt(fraction), 0, 1))),
  );
}

/** So that the first of many looks has a bound at all; a hundred of them add nothing that is seen. */
const LEAST = 1e-9;

const quantile = (probability: number): number => jstat.normal.inv(probability, 0, 1);
