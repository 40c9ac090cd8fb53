// What a study has spent, reckoned without a study.
import { expect, test } from "vitest";
import { clockSeconds, createLedger } from "../../src/study/spent.ts";

test("the clock goes on until the last of those side by side has ended", () => {
  expect(clockSeconds([], 4)).toBe(0);
  expect(clockSeconds([3, 1, 2], 1)).toBe(6);
  expect(clockSeconds([3, 1, 2], 2)).toBe(3);
  expect(clockSeconds([1, 1, 1, 1, 1, 1], 4)).toBe(2);
  expect(clockSeconds([1, 5], 16)).toBe(5);
});

test("processes spend a second each, the clock one for all of them; what was done before counts", () => {
  let now = 100;
  const spentBy = (budget: Parameters<typeof createLedger>[0]) => {
    const ledger = createLedger(budget, 2, () => now);
    // Six seconds of processes, four of the clock.
    ledger.recall([{ seconds: 4, flops: 10 }, { seconds: 2 }]);
    ledger.begin("a");
    ledger.begin("b");
    now += 3;
    ledger.end("b", { seconds: 3, flops: 5 });
    now += 1;
    return ledger;
  };
  for (const [budget, isSpent] of [
    [{}, false],
    [{ seconds: 13 }, true],
    [{ seconds: 13.1 }, false],
    [{ clock: 8 }, true],
    [{ clock: 8.1 }, false],
    [{ flops: 15 }, true],
    [{ flops: 16 }, false],
  ] as const) {
    expect([budget, spentBy(budget).isSpent()]).toEqual([budget, isSpent]);
  }
  // What an earlier call saw itself counts where its jobs tell less: their processes take time to begin and to end.
  const later = createLedger({ clock: 9 }, 2, () => now, { flops: 0, seconds: 0, clock: 9 });
  later.recall([{ seconds: 4 }, { seconds: 4 }]);
  expect(later.isSpent()).toBe(true);
  expect(later.totals()).toEqual({ flops: 0, seconds: 8, clock: 9 });
  // Nobody at work: the clock stands still.
  const idle = spentBy({ clock: 8.5 });
  idle.end("a", { seconds: 4 });
  now += 100;
  expect(idle.isSpent()).toBe(false);
});
