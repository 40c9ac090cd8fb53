// What a claim costs, as far as that is known without data or a clock. Trains nothing.
import type { Claim, Scale, StudyCost } from "./claim.ts";

/** FLOP/s of small models on one core of a machine of today. */
const usualSpeed = 15e9;
/** Seconds of a run beside its updates: process, data, plan, looks. */
const BESIDE_SECONDS = 2;

/** Runs at most, and their training FLOPs. */
export function claimCost({ studies }: Claim, scale: Scale): StudyCost {
  const costs = studies[scale].map((study) => study.cost());
  const sum = (of: (cost: StudyCost) => number) => costs.reduce((total, cost) => total + of(cost), 0);
  return { runs: sum(({ runs }) => runs), flops: sum(({ flops }) => flops) };
}

/** About how long that takes. @param processes runs at a time, a core each */
export function usualSeconds({ runs, flops }: StudyCost, processes: number): number {
  return (BESIDE_SECONDS * runs + flops / usualSpeed) / processes;
}
