// How long a ladder will take on this machine, from steps of its smallest and its largest model. Trains nothing to keep.
import type { Machine } from "../backend/machine.ts";
import { timeSteps } from "../train/benchmarkSteps.ts";
import type { Ladder } from "./request.ts";
import type { LadderRun } from "./runs.ts";

/** Seconds until the first step: process, data, plan. */
const START_SECONDS = 2;
const STEPS = 8;
/** Operations of a step beyond which it is not tried out; the speed is then that of the smallest model. */
const TOO_MUCH = 3e10;

/** FLOP/s of one run with the machine's threads, by its operations for a token. */
export type Speed = (run: LadderRun) => number;

/** Errors: as the machine's. */
export async function measureSpeed(
  machine: Machine,
  { planned, request }: Ladder,
  signal?: AbortSignal,
): Promise<Speed> {
  const ordered = [...planned].sort((a, b) => perToken(a) - perToken(b));
  const ends = [ordered[0]!, ordered.findLast((run) => perStep(run) <= TOO_MUCH) ?? ordered[0]!];
  const measured: { x: number; speed: number }[] = [];
  for (const run of ends) {
    const { architecture } = run.spec;
    const timing = {
      batch: request.batch,
      steps: STEPS,
      seed: 0,
      ...(signal === undefined ? {} : { signal }),
    };
    const { tokensPerSecond } = await timeSteps(machine, architecture, timing);
    measured.push({ x: Math.log(perToken(run)), speed: tokensPerSecond * perToken(run) });
  }
  const [small, large] = measured as [(typeof measured)[0], (typeof measured)[0]];
  return (run) => {
    const share = large.x === small.x ? 0 : (Math.log(perToken(run)) - small.x) / (large.x - small.x);
    return small.speed + Math.max(0, Math.min(1, share)) * (large.speed - small.speed);
  };
}

/** Seconds of all planned runs' processes together. */
export function processSeconds({ planned }: Ladder, speed: Speed): number {
  return planned.reduce(
    (sum, run) => sum + START_SECONDS + (run.flops + evaluationFlops(run)) / speed(run),
    0,
  );
}

/** Operations of a run's evaluations: a third of training on as many tokens. */
function evaluationFlops(run: LadderRun): number {
  const { steps, evaluateEvery, evaluationTokens } = run.spec.training;
  const evaluations = Math.ceil(steps / (evaluateEvery ?? steps));
  return (evaluations * (evaluationTokens ?? 0) * perToken(run)) / 3;
}

function perToken({ flops, tokens }: LadderRun): number {
  return flops / tokens;
}

function perStep({ flops, steps }: LadderRun): number {
  return flops / steps;
}
