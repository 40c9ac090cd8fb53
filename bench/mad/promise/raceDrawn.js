// The racing rule that ships, on scores that are drawn and cost 1 each. Knows no truth.
import { race, replay } from "../../../dist/index.js";

/** Where the race stands at its end. @param read score and selection of an arm's candidate on an item under a seed; the highest wins */
export function raceDrawn({ arms, items, candidates, seeds, read }) {
  const rule = race({
    ...{ arms, items, candidates, seeds, rungs: [1], budget: null, margin: 0 },
    price: () => 1,
    cost: ({ flops }) => flops,
    job: (entry, until) => ({
      run: `${entry.arm}.${entry.item}.${entry.candidate}.${entry.seed}`,
      ...{ until, spec: entry },
    }),
    read: (entry) => ({ ...read(entry), itemVariance: 0, stopped: null }),
  });
  const results = [];
  for (;;) {
    const { jobs, standing, finished } = replay(rule, { results, failures: [] });
    if (finished) return standing;
    for (const { run, until, spec } of jobs) results.push({ run, until, value: spec, flops: 1, seconds: 1 });
  }
}
