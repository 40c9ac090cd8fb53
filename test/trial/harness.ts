// A small study and made-up results of its runs.
import type { Known } from "../../src/study/job.ts";
import { defineTrial, type Trial, type TrialContext } from "../../src/trial/define.ts";
import type { TrialInput } from "../../src/trial/input.ts";
import type { TrialRun } from "../../src/trial/runs.ts";
import type { TrialValue } from "../../src/trial/values.ts";

const small = { heads: 2, activation: "gelu", norm: "rms", positions: "rope" };

export const input: TrialInput = {
  arms: {
    wide: { architecture: { ...small, width: 16, layers: 1 } },
    deep: { architecture: { ...small, width: 8, layers: 4 } },
  },
  ...{ train: { tokens: 3200 }, length: 8, batch: 4, rates: [0.001, 0.01, 0.1], seeds: 3, stop: "full" },
};

export const context: TrialContext = {
  data: { name: "words", vocabulary: 11, trainingTokens: 1_000_000, validationTokens: 10_001 },
};

export const trialOf = (more: Partial<TrialInput> = {}, of: TrialContext = context): Trial =>
  defineTrial({ ...input, ...more }, of);

/** A result of every run, with a loss that the caller decides, falling to it along a line. */
export function resultsOf(trial: Trial, lossOf: (run: TrialRun) => number | null): Known {
  const results = trial.runs.flat(2).flatMap((run) => {
    const loss = lossOf(run);
    return loss === null ? [] : [resultOf(run, loss)];
  });
  const failures = trial.runs
    .flat(2)
    .filter((run) => lossOf(run) === null)
    .map(({ run, steps }) => ({ run, until: steps, reason: "out of bounds", attempts: 1 }));
  return { results, failures };
}

export function resultOf({ run, steps, flops, arm }: TrialRun, loss: number) {
  const accuracy = null;
  const curve = [0.25, 0.5, 0.75, 1].map((share) => ({
    step: share * steps,
    loss: loss + 1 - share,
    accuracy,
  }));
  const value: TrialValue = {
    ...{ selection: loss, test: loss, accuracy, curve, optimum: null },
    // The second arm is half as fast.
    ...{ tokensPerSecond: 1000 / (1 + arm), stageTokensPerSecond: [], statistics: {} },
    backend: "native",
  };
  return { run, until: steps, value, flops, seconds: 1 };
}
