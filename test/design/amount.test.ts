// Amounts as they are typed.
import { expect, test } from "vitest";
import { showAmount, showDown, showUp } from "../../src/design/amount.ts";
import { readBudget } from "../../src/study/budget.ts";

test.each(["1e12flops", "3.142e14flops", "1s", "45s", "5m", "2.5m", "120m", "3.5h", "48h"])(
  "%s is told as it was given",
  (text) => {
    const budget = readBudget(text);
    expect(showAmount(budget)).toBe(text);
    expect(readBudget(showUp(budget)).value).toBeGreaterThanOrEqual(budget.value);
    expect(readBudget(showDown(budget)).value).toBeLessThanOrEqual(budget.value);
  },
);

test("what is enough is no less than it, what is allowed no more", () => {
  const flops = { unit: "flops", value: 1.234e9 } as const;
  expect([showUp(flops), showDown(flops)]).toEqual(["1.3e9flops", "1.2e9flops"]);
  const long = { unit: "seconds", value: 246_690 } as const;
  expect([showUp(long), showDown(long)]).toEqual(["68.6h", "68.5h"]);
  expect(showUp({ unit: "seconds", value: 12.1 })).toBe("13s");
});
