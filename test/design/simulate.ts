// A small design, and runs of its search without training: losses come from known curves.

import type { Design } from "../../src/design/define.ts";
import { defineDesign } from "../../src/design/define.ts";
import { halving } from "../../src/design/halving.ts";
import { type DesignInput, readDesign } from "../../src/design/input.ts";
import { givenCandidates } from "../../src/design/sizes.ts";
import type { Known, Result } from "../../src/study/job.ts";
import { replay } from "../../src/study/racing/rule.ts";
import type { TrialRun } from "../../src/trial/runs.ts";
import { noise } from "../ladder/simulate.ts";

const small = { width: 8, heads: 2, activation: "gelu", positions: "none" };
const data = { name: "words", vocabulary: 11, trainingTokens: 1_000_000, validationTokens: 10_001 };

/** Candidates of 1 to `count` repetitions. */
export function designOf(
  count: number,
  more: Partial<DesignInput> = {},
  secondsPerStep?: readonly number[],
  processes = 2,
): Design {
  const names = Array.from({ length: count }, (_, i) => [
    `deep-${i + 1}`,
    { architecture: { ...small, layers: i + 1 } },
  ]);
  const candidates = Object.fromEntries(names);
  const input = {
    candidates,
    budget: "1e11flops",
    length: 8,
    batch: 4,
    rates: [0.001, 0.003, 0.01],
    ...more,
  };
  const settings = readDesign(input);
  const request = { parameters: undefined, state: undefined, vocabulary: data.vocabulary, length: 8 };
  return defineDesign(settings, {
    ...{
      ...givenCandidates(candidates, false, request),
      data,
      sizedBy: null,
      processes,
      screen: null,
      screened: null,
      secondsPerStep,
    },
  });
}

/** Learning curves: what is left at the end, and how fast it is come to. */
export interface Truth {
  readonly end: readonly number[];
  readonly speed: readonly number[];
  /** Number of the best rate of each. */
  readonly rate: readonly number[];
  /** Of a run, nats. */
  readonly spread: number;
  readonly seed: number;
}

export function lossOf({ arm, candidate, seed, flops }: TrialRun, truth: Truth): number {
  const { end, speed, rate, spread } = truth;
  const mistuned = 0.03 * Math.abs(candidate - rate[arm]!);
  const drawn = noise(
    truth.seed,
    1 + arm + 100 * candidate + 1000 * seed + Math.round(1e4 * Math.log(flops)),
  );
  return end[arm]! + mistuned + speed[arm]! * (flops / 1e8) ** -0.3 + spread * drawn;
}

export function resultOf(run: TrialRun, loss: number): Result {
  const curve = [{ step: run.steps, loss }];
  const value = { selection: loss, test: loss, curve, tokensPerSecond: 1000, optimum: null };
  return { run: run.run, until: run.steps, value, flops: run.flops, seconds: 1 };
}

/** All results of a search, stage after stage. @param before what an earlier call has done */
export function searched(
  design: Design,
  lossOfRun: (run: TrialRun) => number | null,
  before: Known = { results: [], failures: [] },
): Known {
  const runs = new Map(design.rungs.flatMap(({ trial }) => trial.runs.flat(2)).map((run) => [run.run, run]));
  let known = before;
  for (;;) {
    const { jobs, finished } = replay(halving(design), known);
    if (finished) return known;
    const ended = jobs.map(({ run }) => runs.get(run)!).map((run) => ({ run, loss: lossOfRun(run) }));
    known = {
      results: [
        ...known.results,
        ...ended.flatMap(({ run, loss }) => (loss === null ? [] : [resultOf(run, loss)])),
      ],
      failures: [
        ...known.failures,
        ...ended.flatMap(({ run, loss }) =>
          loss === null ? [{ run: run.run, until: run.steps, reason: "out of bounds", attempts: 1 }] : [],
        ),
      ],
    };
  }
}
