// What a claim costs, as far as that is known without data or a clock. Trains nothing.
import { BESIDE_SECONDS, USUAL_SPEED } from "../study/usual.ts";
import type { Claim, Scale, StudyCost } from "./claim.ts";

/** Runs at most where rates are told apart by the first seed, and their training FLOPs. */
export function claimCost({ studies }: Claim, scale: Scale): StudyCost {
  const costs = studies[scale].map((study) => study.cost());
  const sum = (of: (cost: StudyCost) => number) => costs.reduce((total, cost) => total + of(cost), 0);
  return { runs: sum(({ runs }) => runs), flops: sum(({ flops }) => flops) };
}

/** About how long that takes. @param processes runs at a time, a core each */
export function usualSeconds({ runs, flops }: StudyCost, processes: number): number {
  return (BESIDE_SECONDS * runs + flops / USUAL_SPEED) / processes;
}
