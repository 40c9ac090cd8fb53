// Budgets as they are typed.
import { expect, test } from "vitest";
import { readBudget, showBudget } from "../../src/study/budget.ts";

test.each([
  ["90s", "seconds", 90],
  ["10m", "seconds", 600],
  ["1.5h", "seconds", 5400],
  ["20000steps", "steps", 20_000],
  ["20k steps", "steps", 20_000],
  ["3e13flops", "flops", 3e13],
  ["30Tflops", "flops", 3e13],
  ["2M steps", "steps", 2e6],
  ["3E13 FLOPs", "flops", 3e13],
  ["2H", "seconds", 7200],
])("%s", (text, unit, value) => {
  expect(readBudget(text)).toEqual({ unit, value });
});

test.each(["", "10", "0s", "-3m", "1e999steps", "10 metres", "ms", "3M", "10 M"])("%j is refused", (text) => {
  expect(() => readBudget(text)).toThrow("expected time, steps or FLOPs");
});

test("what is shown can be read again and is no less", () => {
  for (const unit of ["seconds", "steps", "flops"] as const) {
    for (const value of [61.3, 1234.5, 98_765, 7.77e12]) {
      const again = readBudget(showBudget({ unit, value }));
      expect(again.unit).toBe(unit);
      expect(again.value).toBeGreaterThanOrEqual(value);
      expect(again.value).toBeLessThan(1.2 * value);
    }
  }
});
