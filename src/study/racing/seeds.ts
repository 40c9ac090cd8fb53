// The later seeds of a race. Knows which candidates race and how far, not how they were found.
import { decide } from "./appeal.ts";
import type { Book, Step, Steps } from "./book.ts";
import type { Reason } from "./race.ts";

/** Seed after seed for the arms that are not yet told apart, with a look after each; returns why it ended. */
export function* raceSeeds(book: Book): Steps<Reason> {
  const { seeds } = book.settings;
  yield* decide(book, 1, seeds === 1);
  for (let seed = 1; seed < seeds; seed++) {
    const racing = book.racing();
    if (racing.length === 0) return "decided";
    const steps = racing.flatMap((arm) => stepsOf(book, arm, seed));
    if (book.priceOf(steps) > book.left()) {
      yield* decide(book, seed, true);
      return "budget";
    }
    const outcomes = yield* book.run(steps);
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome !== null) book.record(steps[index]!.entry, outcome);
    }
    if (!(yield* decide(book, seed + 1, seed + 1 === seeds))) return "budget";
  }
  return book.racing().length === 0 ? "decided" : "seeds";
}

function stepsOf({ tuned }: Book, arm: number, seed: number): Step[] {
  return tuned[arm]!.map((lane, item) => ({
    entry: { arm, item, candidate: lane!.candidate!, seed },
    from: 0,
    until: lane!.until,
  }));
}
