// What the compiler's tests share: plans of programs for the C kernels, and their steps.
import { tapeKernels } from "../../src/backend/tape/capabilities.ts";
import { compile } from "../../src/compiler/compile.ts";
import type { Buffer, GroupStep, Plan, Stage, Step } from "../../src/compiler/plan.ts";
import { type Program, program, type Tensor } from "../../src/tensor/index.ts";

export function planOf(of: Program): Plan {
  return compile(of, tapeKernels);
}

/** The plan of one result. */
export function planFor(y: Tensor): Plan {
  return planOf(program({ y }));
}

/** All steps, those inside loops included. */
export function stepsOf(stages: readonly Stage[]): Step[] {
  return stages.flatMap((stage) =>
    stage.steps.flatMap((step) => (step.kind === "loop" ? [step, ...stepsOf(step.stages)] : [step])),
  );
}

export function groupsOf(plan: Plan): GroupStep[] {
  return stepsOf(plan.stages).filter((step) => step.kind === "group");
}

/** How many steps there are of each kind. */
export function kindsOf(plan: Plan): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of stepsOf(plan.stages)) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

export function memoryOf(buffer: Buffer): Buffer {
  return buffer.sameAs === undefined ? buffer : memoryOf(buffer.sameAs);
}

/** Names of the caller's values that a group reads, each different way of reading counted once. */
export function namesRead(group: GroupStep): string[] {
  const ways = new Set(
    group.memory.map(({ view, extent }) =>
      JSON.stringify([memoryOf(view.buffer).name, view.offset, view.axes, view.columnStride, extent]),
    ),
  );
  return [...ways].map((way) => (JSON.parse(way) as [string | null])[0] ?? "between").sort();
}

export function namesWritten(group: GroupStep): string[] {
  return group.stores.map(({ memory }) => memoryOf(memory.view.buffer).name ?? "between").sort();
}
