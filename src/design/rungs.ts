// How a search spends its budget: fewer and fewer candidates trained longer and longer, each rung for the same share. Numbers
// alone.

/** One rung. */
export interface RungSize {
  /** Candidates that take part. */
  readonly candidates: number;
  /** Rates of each. */
  readonly rates: number;
  /** Runs that are made: candidates times rates, and at the last rung the further seeds of those that are left. */
  readonly runs: number;
  /** What each run may cost. */
  readonly amount: number;
}

/** One in so many goes on. */
const REDUCTION = 3;
/** So many may be left for the last rung, where they run under several seeds. */
const FINALISTS = 3;

/** What a search is of. */
export interface RungRequest {
  readonly candidates: number;
  readonly rates: number;
  readonly seeds: number;
  /** What a run may cost. */
  readonly most: number;
  /** Where those that wait for a wave's last run cost as much as it does: how many run side by side; default: one. */
  readonly processes?: number;
}

/** Of runs that begin together, one after the other on so many processes: further seeds begin when the first has ended. */
export function wavesOf(
  { candidates, rates, runs }: Pick<RungSize, "candidates" | "rates" | "runs">,
  processes: number,
): number {
  const first = candidates * rates;
  return Math.ceil(first / processes) + Math.ceil((runs - first) / processes);
}

/**
 * From all candidates at all rates down to at most three under `seeds` seeds; from the second rung on each has its best two rates.
 * No run costs more than `most`, and none less than one of the rung before.
 * @param search what all processes together may spend
 */
export function rungSizes(
  search: number,
  { candidates, rates, seeds, most, processes = 1 }: RungRequest,
): RungSize[] {
  const counts = [candidates];
  while (counts.at(-1)! > FINALISTS) counts.push(Math.ceil(counts.at(-1)! / REDUCTION));
  const rungs = counts.map((count, place) => {
    const tried = place === 0 ? rates : Math.min(2, rates);
    const further = place === counts.length - 1 ? count * (seeds - 1) : 0;
    return { candidates: count, rates: tried, runs: count * tried + further };
  });
  /** Runs, and those that could have been made meanwhile. */
  const places = rungs.map((rung) => processes * wavesOf(rung, processes));
  const amounts = (share: number): number[] => {
    let before = 0;
    return places.map((count) => {
      before = Math.max(before, Math.min(most, share / count));
      return before;
    });
  };
  const cost = (share: number): number =>
    amounts(share).reduce((sum, amount, place) => sum + amount * places[place]!, 0);
  // More than the whole search, where a cap leaves more to the others.
  let [low, high] = [0, most * Math.max(...places)];
  if (cost(high) <= search) return rungs.map((rung) => ({ ...rung, amount: most }));
  while (high - low > 1e-12 * high) {
    const middle = (low + high) / 2;
    if (cost(middle) > search) high = middle;
    else low = middle;
  }
  const found = amounts(low);
  return rungs.map((rung, place) => ({ ...rung, amount: found[place]! }));
}
