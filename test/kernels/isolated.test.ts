// Kernels one by one against plain loops in float64: odd sizes, empty groups, views; under sanitizers, in both precisions.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firstError, type MakeChecks } from "./cases.ts";
import { convolutionChecks } from "./convolutionCases.ts";
import { dynamicChecks } from "./dynamicCases.ts";
import { groupedChecks } from "./groupedCases.ts";
import { headConvolutionChecks } from "./headConvolutionCases.ts";
import { indexChecks } from "./indexCases.ts";
import { buildDriver, type Driver, type Precision } from "./isolated.ts";
import { matrixRecurrenceChecks } from "./matrixRecurrenceCases.ts";
import { recurrenceChecks } from "./recurrenceCases.ts";
import { selectiveScanChecks } from "./selectiveScanCases.ts";
import { sortChecks } from "./sortCases.ts";

const suites: Record<string, MakeChecks> = {
  "gather and scatter-add": indexChecks,
  sort: sortChecks,
  "recurrences and triangular systems": recurrenceChecks,
  "grouped products": groupedChecks,
  convolutions: convolutionChecks,
  "dynamic slices": dynamicChecks,
  "recurrences of matrices": matrixRecurrenceChecks,
  "selective scans": selectiveScanChecks,
  "convolutions of heads": headConvolutionChecks,
};

describe.each<Precision>(["float", "double"])("%s", (precision) => {
  let driver: Driver;
  beforeAll(() => {
    driver = buildDriver(precision);
  }, 180_000);
  afterAll(() => driver?.dispose());

  test.each(Object.entries(suites))("%s", (_, makeChecks) => {
    const checks = makeChecks(driver.real);
    const results = driver.run(checks);
    const errors = checks.flatMap(({ name, expected }, i) =>
      expected.flatMap((one) => {
        const error = firstError(results[i]![one.binding]!, one);
        return error === undefined ? [] : [`${name}: operand ${one.binding} ${error}`];
      }),
    );
    expect(errors).toEqual([]);
  });
});
