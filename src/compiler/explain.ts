// A plan in words: what runs, over how many bytes and operations, and what it needs at its peak.
import { type Buffer, type Plan, type RowView, type Stage, type Step, stepViews, type View } from "./plan.ts";
import { bufferBytes } from "./stages.ts";

/** Lines for people: a summary, then every stage with its steps; loops are indented. */
export function explainPlan(plan: Plan): string {
  const external = plan.bindings.reduce((total, buffer) => total + bufferBytes(buffer), 0);
  const steps = countSteps(plan.stages);
  const lines = [
    `${plan.stages.length} stages, ${steps} steps, ${formatCount(planFlops(plan))} operations`,
    `memory: arena ${formatBytes(plan.arenaBytes)}, ${formatBytes(plan.localBytes)} per thread, values of the caller ${formatBytes(external)}`,
  ];
  explainStages(plan.stages, "", lines);
  return lines.join("\n");
}

function explainStages(stages: readonly Stage[], indent: string, lines: string[]): void {
  stages.forEach((stage, i) => {
    const [only] = stage.steps;
    if (only?.kind === "loop") {
      lines.push(`${indent}${i}: loop × ${only.count}`);
      explainStages(only.stages, `${indent}  `, lines);
      return;
    }
    lines.push(`${indent}${i}:${stage.groups === undefined ? "" : ` ${stage.groups} groups of rows`}`);
    for (const step of stage.steps) lines.push(`${indent}  ${explainStep(step)}`);
  });
}

function explainStep(step: Step): string {
  const { reads, writes } = stepViews(step);
  const traffic = `${formatBytes(viewBytes(reads))} in, ${formatBytes(viewBytes(writes))} out, ${formatCount(stepFlops(step))} operations`;
  switch (step.kind) {
    case "group":
      return `group ${step.rows} x ${step.length}: ${step.instructions.map(({ name }) => name).join(" ")} (${traffic})`;
    case "contract":
      return `product [${step.a.shape}] · [${step.b.shape}]${step.addend ? " + addend" : ""}${step.prepared ? ", b prepared" : ""} (${traffic})`;
    case "prepare":
      return `prepare [${step.b.shape}] (${traffic})`;
    case "reduce":
      return `${step.name} [${step.input.shape}] over its middle axis (${traffic})`;
    case "kernel":
      return `${step.node.op.name} ${step.inputs.map((view) => `[${view.shape}]`).join(" ")} (${traffic})`;
    case "loop":
      return `loop × ${step.count}`;
  }
}

/** Floating-point operations of one run. */
export function planFlops(plan: Plan): number {
  return stagesFlops(plan.stages);
}

function countSteps(stages: readonly Stage[]): number {
  return stages.reduce(
    (total, stage) =>
      total + stage.steps.reduce((n, step) => n + (step.kind === "loop" ? countSteps(step.stages) : 1), 0),
    0,
  );
}

function stagesFlops(stages: readonly Stage[]): number {
  return stages.reduce((total, stage) => total + stage.steps.reduce((n, step) => n + stepFlops(step), 0), 0);
}

/** Operations a step performs: twice a product's multiply-adds, one per element and group instruction, the op's own count. */
export function stepFlops(step: Step): number {
  switch (step.kind) {
    case "group":
      return step.instructions.reduce(
        (n, { extent }) => n + step.rows * (extent === "tile" ? step.length : 1),
        0,
      );
    case "contract":
      return 2 * elements(step.output) * step.a.shape.at(-1)!;
    case "kernel":
      return step.node.op.flops(step.node);
    case "reduce":
      return elements(step.input);
    case "prepare":
      return 0;
    case "loop":
      return step.count * stagesFlops(step.stages);
  }
}

const elements = (view: View): number => view.shape.reduce((n, size) => n * size, 1);

/** Distinct bytes behind the views; a buffer counts once. */
function viewBytes(views: readonly (View | RowView)[]): number {
  const buffers = new Set<Buffer>(views.map((view) => view.buffer));
  return [...buffers].reduce((total, buffer) => total + bufferBytes(buffer), 0);
}

function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toPrecision(3)} ${units[unit]}`;
}

function formatCount(count: number): string {
  const units = ["", "k", "M", "G", "T", "P"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toPrecision(3)}${units[unit]}`;
}
