// What is told of measures whose numbers are given: an interval that ends at 0 is explained once, and only where there is one.
import { expect, test } from "vitest";
import { judgeMeasures, type Measure, toldMeasures } from "../../src/claims/measures.ts";

const about = { data: "planted", seeds: "1 to 3" };

/** Arms a, b and c: b above a by `near`, c far above both. */
function measure(near: number): Measure {
  const around = (center: number, spread: readonly number[]) => spread.map((one) => center + one);
  return {
    ...{ title: "loss at 1e10 FLOP", unit: "nat", margin: 0 },
    arms: [
      { name: "a", values: around(1, [0, 0.1, -0.1]) },
      { name: "b", values: around(1 + near, [0.1, 0, -0.1]) },
      { name: "c", values: around(9, [-0.1, 0.1, 0]) },
    ],
    expectation: { text: "a lies below b and c", better: ["a"], than: ["b", "c"] },
  };
}

test.each([
  [0.2, "undecided", false],
  [0.24, "win", true],
  [1, "win", false],
] as const)("a difference of %f is told: %s, explained: %s", (near, outcome, isExplained) => {
  const { lines, verdicts, sections } = toldMeasures(judgeMeasures([measure(near)]), about);
  expect(verdicts[0]!.outcome).toBe(outcome);
  expect(verdicts[0]!.text.includes("[0.0000, ")).toBe(isExplained);
  const explained = (text: string) => text.split("interval ends at 0").length - 1;
  expect(explained(lines.join("\n"))).toBe(Number(isExplained));
  expect(explained(JSON.stringify(sections[0]!.parts[0]))).toBe(Number(isExplained));
});
