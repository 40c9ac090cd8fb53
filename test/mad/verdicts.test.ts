// Verdicts by task of a race, which stops when the mean over tasks says so.
import { expect, test } from "vitest";
import { bestRun, statesOf } from "../../src/mad/outcome.ts";
import { resultOf } from "../../src/mad/result.ts";
import type { Cell } from "../../src/mad/runs.ts";
import { scoresOf, verdictsOf } from "../../src/mad/scores.ts";
import { raceLevels } from "../../src/study/racing/book.ts";
import { type Raced, raced } from "./race.ts";

const wide = { attention: 0.95, gla: 0.6, "min-gru": 0.25 };
const narrow = { attention: 0.66, gla: 0.5, "min-gru": 0.34 };

/** As they would be if the task had been looked at at this level. */
function judged({ comparison, known }: Raced, task: string, level: number) {
  const { cells, profile } = comparison;
  const stateOf = statesOf(known);
  const best = (cell: Cell) => bestRun(cell, stateOf, profile.score, profile.choice);
  return verdictsOf(scoresOf(cells, profile, best).taskTable(task), level);
}

const intervals = (pairs: ReturnType<typeof judged>) => pairs.map(({ low, high }) => [low, high]);

test("each task is judged at the level of the look that the race ended at, not as if it were the only one", () => {
  const whole = raced({ "in-context-recall": wide, "selective-copying": narrow }, 0.9, { seeds: 5 });
  const { architectures, verdicts, ending } = whole.result;
  expect([ending, architectures.map(({ mean }) => mean.ran)]).toEqual([
    "decided",
    [
      [1, 2],
      [1, 2],
      [1, 2],
    ],
  ]);
  const [first] = raceLevels({ seeds: 5 });
  expect(first).toBeLessThan(0.01);
  const copying = verdicts.byTask["selective-copying"]!;
  expect(copying.map(({ interval }) => interval)).toEqual(
    intervals(judged(whole, "selective-copying", first!)),
  );
  expect(copying.map(({ verdict }) => verdict)).toEqual(["undecided", "undecided", "undecided"]);
  expect(judged(whole, "selective-copying", 0.05).map(({ verdict }) => verdict.kind)).toEqual([
    "win",
    "win",
    "win",
  ]);
});

test("a pair of an architecture that dropped out has the level of its last look, the others that of the race's end", () => {
  const near = { attention: 0.95, gla: 0.5, "min-gru": 0.45 };
  const whole = raced({ "in-context-recall": near, "selective-copying": near }, 3, { seeds: 3 });
  expect(whole.result.architectures.map(({ mean }) => mean.ran.length)).toEqual([2, 3, 3]);
  const [first, last] = raceLevels({ seeds: 3 }) as [number, number];
  expect(first).toBeLessThan(last);
  const [early, late] = [first, last].map((level) => intervals(judged(whole, "selective-copying", level)));
  const found = whole.result.verdicts.byTask["selective-copying"]!.map(({ interval }) => interval);
  expect(found).toEqual([early![0], early![1], late![2]]);
});

test("of one task there is one decision: the race's", () => {
  const { result } = raced({ "in-context-recall": wide }, 0.9, { seeds: 5 });
  expect(result.verdicts.byTask["in-context-recall"]).toEqual(result.verdicts.mean);
  expect(result.verdicts.mean.map(({ verdict }) => verdict)).toEqual(["win", "win", "win"]);
});

test("where all is run, nothing is looked at twice", () => {
  const whole = raced({ "in-context-recall": wide, "selective-copying": narrow }, 0.9, { seeds: 5 });
  const full = resultOf({ ...whole.comparison, raced: null }, whole.known);
  expect(full.verdicts.byTask["selective-copying"]!.map(({ interval }) => interval)).toEqual(
    intervals(judged(whole, "selective-copying", 0.05)),
  );
});
