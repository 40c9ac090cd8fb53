// What a plan on its tape takes while it runs. Knows sizes, not addresses.
import { planFlops } from "../../compiler/explain.ts";
import type { Plan } from "../../compiler/plan.ts";
import type { ProgramNeeds } from "../machine.ts";
import type { EncodedPlan } from "./encode.ts";

export function programNeeds(plan: Plan, encoded: EncodedPlan, threads: number): ProgramNeeds {
  const { arenaBytes, localBytes, scratchBytes } = encoded;
  return { arenaBytes, threadBytes: threads * (localBytes + scratchBytes), flops: planFlops(plan) };
}
