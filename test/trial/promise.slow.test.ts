// The promise of studies: over 500 simulated ones of each kind at most 5 % plus two standard errors have any false win.
import { expect, test } from "vitest";
import { trialOf } from "./harness.ts";
import { bound, simulate } from "./simulate.ts";

const studies = 500;
const arm = { architecture: { width: 8, layers: 1, heads: 2, activation: "gelu" } };

for (const seeds of [2, 3, 5]) {
  for (const count of [2, 12]) {
    const arms = Object.fromEntries(Array.from({ length: count }, (_, i) => [`arm ${i + 1}`, arm]));
    const trial = trialOf({ stop: "race", seeds, arms });
    const better = Array.from({ length: count }, (_, i) => (i < count / 2 ? 2 : 0));

    test(`${count} arms, ${seeds} seeds: equal arms`, () => {
      const { anyFalseWin } = simulate(
        trial,
        better.map(() => 0),
        studies,
        0,
      );
      expect(anyFalseWin).toBeLessThanOrEqual(bound(studies));
    }, 600_000);

    test(`${count} arms, ${seeds} seeds: half of them better by twice the seed spread`, () => {
      const { anyFalseWin, decidedRightly, runs } = simulate(trial, better, studies, 0.5);
      expect(anyFalseWin).toBeLessThanOrEqual(bound(studies));
      if (seeds === 5) expect(runs).toBeLessThanOrEqual(0.5);
      if (seeds === 5 && count === 2) expect(decidedRightly).toBeGreaterThanOrEqual(0.8);
    }, 600_000);
  }
}
