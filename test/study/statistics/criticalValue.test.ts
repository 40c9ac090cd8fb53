import { describe, expect, test } from "vitest";
import { criticalValue } from "../../../src/study/statistics/criticalValue.ts";

describe("critical values", () => {
  // SciPy 1.17: studentized_range.ppf(1 - alpha, means, degrees) / √2.
  test.each([
    [0.05, 3, 4, 3.563988770214816],
    [0.05, 12, 11, 4.039707259166097],
    [0.05, 12, 40, 3.467602250236023],
    [0.0386, 12, 40, 3.5709374189366088],
    [0.0019, 12, 11, 6.3182688245867595],
    [0.01, 6, 5, 6.302518498926798],
    [0.05, 5, 1000, 2.73276047958658],
    [0.0003, 4, 10, 6.587951559280323],
  ])("alpha %f, %i means, %i degrees", (alpha, means, degrees, expected) => {
    expect(criticalValue(alpha, means, degrees)).toBeCloseTo(expected, 2);
  });

  test("two means: Student's t", () => {
    // NIST/SEMATECH e-Handbook, 1.3.6.7.2.
    expect(criticalValue(0.05, 2, 4)).toBeCloseTo(2.776, 3);
    expect(criticalValue(0.05, 2, 1)).toBeCloseTo(12.706, 3);
  });

  // SciPy as above.
  test.each([
    [0.05, 3, 1, 19.074580096823727],
    [0.01, 4, 1.25, 51.12496383529008],
    [0.05, 3, 2, 5.89075290132116],
    [0.05, 12, 2, 10.428920001648008],
    [0.0002, 4, 2, 111.93379033980285],
    [0.0005, 12, 3, 34.06976552862812],
    [0.05, 3, 3.5, 3.811296430583127],
    [0.05, 12, 4, 5.804132260108429],
  ])("few degrees: alpha %f, %i means, %f degrees", (alpha, means, degrees, expected) => {
    expect(criticalValue(alpha, means, degrees) / expected).toBeCloseTo(1, 2);
  });

  test("degrees are rounded down", () => {
    expect(criticalValue(0.05, 4, 7.9)).toBe(criticalValue(0.05, 4, 7));
    expect(criticalValue(0.05, 4, 1.49)).toBe(criticalValue(0.05, 4, 1.25));
    expect(criticalValue(0.05, 4, 119)).toBe(criticalValue(0.05, 4, 110));
    expect(criticalValue(0.05, 4, Infinity)).toBe(criticalValue(0.05, 4, 1000));
  });
});
