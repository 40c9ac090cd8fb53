// Before a pair is decided: candidates that the first seed left behind, where a lucky or an unlucky seed could have turned the
// pair. They get the seeds that their arm has, and the best of all those is its candidate from then on. Knows no order of seeds.
import jstat from "jstat";
import { type Spread, spreadOf } from "../statistics/spread.ts";
import type { Book, Lane, Step, Steps } from "./book.ts";

/** A candidate is left behind for good where its chance to turn the pair is below this, to both sides. */
const DOUBT = 0.05;

/**
 * What is read here are the scores that are judged: that can only give an arm more runs before it loses. Which of its candidates it
 * takes is told by what selects, as on the first seed.
 *
 * Looks after the `seeds`-th seed and decides pairs, each after what its arms' other candidates say: of a win the loser's, of a
 * tie those of both. Returns false where the budget does not pay for these: then such pairs stay undecided.
 */
export function* decide(book: Book, seeds: number, last: boolean): Steps<boolean> {
  for (;;) {
    book.look(seeds, last);
    const spreads = book.tables().map((table) => spreadOf(table));
    const appeals = book.decided().map((pair) => ({
      pair,
      lanes: book.stakes(pair).flatMap(({ arm, slack }) => lanesInDoubt(book, arm, slack, spreads)),
    }));
    const lanes = new Map(
      appeals.flatMap((one) => one.lanes).map((lane) => [`${lane.arm} ${lane.item}`, lane]),
    );
    const steps = [...lanes.values()].flatMap((lane) => lane.steps);
    const isPaid = book.priceOf(steps) <= book.left();
    if (!isPaid && !last) {
      // The race ends here, and is tested as one at its end.
      yield* decide(book, seeds, true);
      return false;
    }
    if (steps.length === 0 || !isPaid) {
      book.settle(appeals.filter((one) => one.lanes.length > 0).map(({ pair }) => pair));
      return isPaid;
    }
    yield* book.run(steps);
    for (const { arm, item } of lanes.values()) book.chooseAgain(arm, item);
  }
}

interface LaneInDoubt extends Lane {
  readonly steps: readonly Step[];
}

/** An arm's lanes that may be better than they look with another candidate, where together that could be `slack` or more. */
function lanesInDoubt(
  book: Book,
  arm: number,
  slack: number,
  spreads: readonly Spread[],
): readonly LaneInDoubt[] {
  const items = book.tuned[arm]!.keys();
  const lanes = [...items].flatMap((item) => laneInDoubt(book, { arm, item }, spreads[item]!) ?? []);
  const gain = lanes.reduce((sum, one) => sum + one.gain, 0) / book.tuned[arm]!.length;
  return gain < slack ? [] : lanes;
}

/** What the lane could gain, and what has to be run to know; null where no candidate could be better. */
function laneInDoubt(book: Book, lane: Lane, spread: Spread): (LaneInDoubt & { gain: number }) | null {
  const tuned = book.tuned[lane.arm]![lane.item]!;
  if (tuned.candidate === null) return null;
  const own = book.outcomes(lane, tuned.candidate, tuned.until);
  const candidates = Array.from({ length: book.settings.candidates }, (_, candidate) => candidate);
  const found = candidates.flatMap((candidate) => {
    const outcomes = book.outcomes(lane, candidate, tuned.until);
    const missing = [...own.keys()].filter((seed) => own[seed] && outcomes[seed] === undefined);
    const gains = own.flatMap((one, seed) => {
      const other = outcomes[seed];
      return one && other ? [other.score - one.score] : [];
    });
    if (missing.length === 0 || gains.length === 0 || outcomes.includes(null)) return [];
    const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
    const gain = mean + unsure(spread) * Math.sqrt(2 / gains.length);
    if (gain <= 0) return [];
    return [
      {
        gain,
        steps: missing.map((seed) => ({ entry: { ...lane, candidate, seed }, from: 0, until: tuned.until })),
      },
    ];
  });
  if (found.length === 0) return null;
  return {
    ...lane,
    gain: Math.max(...found.map(({ gain }) => gain)),
    steps: found.flatMap(({ steps }) => steps),
  };
}

/** How far one score may surely be off, as far as a few seeds tell. */
function unsure({ residual, degrees }: Spread): number {
  return degrees < 1 ? Infinity : jstat.studentt.inv(1 - DOUBT / 2, degrees) * Math.sqrt(residual);
}
