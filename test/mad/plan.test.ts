// What a budget in time means: time by the clock, however many processes there are.
import { expect, test } from "vitest";
import { clockOf, planFor } from "../../src/mad/plan.ts";
import { defineComparison } from "../../src/mad/request.ts";
import { resultOf } from "../../src/mad/result.ts";
import { play, tiny } from "./tiny.ts";

/** Runs that take about as long as is reckoned, of architectures that are hard to tell apart. */
function timed(budget: string, processes: number) {
  const architectures = ["attention", "gla", "min-gru"];
  const comparison = defineComparison({ architectures, profile: tiny, seeds: 5, budget, processes });
  const known = play(
    planFor(comparison),
    ({ seed }) => 0.5 + (seed % 3) / 100,
    () => false,
    () => ({ seconds: 2 }),
  );
  return { comparison, known, clock: clockOf(comparison, known) };
}

test.each([
  [60, 1],
  [40, 2],
  [20, 16],
])("a budget of %d s ends within them on %d processes", (seconds, processes) => {
  const { comparison, known, clock } = timed(`${seconds}s`, processes);
  expect(comparison.priced!.bound).toEqual({ clock: seconds });
  // The six runs of a wave leave most of sixteen processes idle, which is time all the same.
  expect(clock).toBeLessThanOrEqual(seconds);
  expect(clock).toBeGreaterThan(0.7 * seconds);
  const { spent } = resultOf(comparison, known);
  expect(spent.clock).toBe(clock);
  expect(spent.seconds).toBe(2 * known.results.length);
});

test("the time by the clock goes stage by stage, with failed runs and of what is done so far", () => {
  const comparison = defineComparison({
    ...{ architectures: ["attention"], profile: tiny, full: true, processes: 4 },
  });
  const { cells } = comparison;
  const names = cells.flatMap(({ runs }) => runs.map(({ run, steps }) => ({ run, until: steps })));
  expect(names).toHaveLength(12);
  const failures = names.map((one) => ({ ...one, reason: "killed", attempts: 3, seconds: 3 }));
  expect(clockOf(comparison, { results: [], failures })).toBe(9);
  expect(clockOf(comparison, { results: [], failures: failures.slice(0, 5) })).toBe(6);
  expect(clockOf(comparison, { results: [], failures: [] })).toBe(0);
  // The first seed chooses the rate of the second, whose two runs leave two processes idle.
  const tuned = { ...comparison, profile: { ...tiny, tunedOn: "first seed" as const } };
  const known = play(planFor(tuned), ({ seed }) => seed / 10);
  expect(known.results).toHaveLength(8);
  expect(clockOf(tuned, known)).toBe(3);
});
