// The real walker and threads with probe kernels: a folder of sources for buildLibrary, and tapes for them.
import { copyFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { kernelSources } from "../../../../src/backend/native/build.ts";

const engine = ["walk.c", "runtime.c", "memory.c", "peak.c"];
const headers = ["walk.h", "runtime.h", "processor.h", "kernels.h", "opcodes.h", "tape.h"];

/** A new temporary folder; the caller removes it. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "scantling-test-"));
}

/** Copies the sources of a library with probe kernels into `folder`. */
export function writeProbeSources(folder: string): string {
  for (const name of [...engine, ...headers]) copyFileSync(join(kernelSources, name), join(folder, name));
  copyFileSync(fileURLToPath(new URL("./probe.c", import.meta.url)), join(folder, "probe.c"));
  return folder;
}

export const space = { arena: 0, local: 1, binding: 2 } as const;
const i32 = 1;
const maxLoops = 8;

/** An operand of i32 rows; `step` moves it by elements for each turn of the loops around it. */
export function rowsAt(where: number, element: number, step: readonly number[] = []): number[] {
  const steps = Array.from({ length: maxLoops }, (_, depth) => step[depth] ?? 0);
  return [where, i32, 0, element, 1, ...steps];
}

export interface Mixing {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly rows: number;
  readonly rowsPerGroup: number;
  readonly stride: number;
  readonly shift: number;
  readonly effort: number;
}

/** y[r] = 31 y[r] + x[(stride r + shift) % rows] */
export function mix({ x, y, rows, rowsPerGroup, stride, shift, effort }: Mixing): number[] {
  return instruction(1, rows, rowsPerGroup, [...x, ...y, stride, shift, effort]);
}

/** Real y[r] = a denormal, or 0 where denormals are flushed. */
export function halve(y: readonly number[], rows: number, rowsPerGroup: number): number[] {
  return instruction(4, rows, rowsPerGroup, y);
}

/** Repeats the instructions that follow; counts as one instruction itself. */
export function innerLoop(repeat: number, instructions: readonly (readonly number[])[]): number[][] {
  return [instruction(0, 0, 0, [repeat, instructions.length]), ...instructions.map((words) => [...words])];
}

function instruction(opcode: number, rows: number, rowsPerGroup: number, rest: readonly number[]): number[] {
  return [opcode, 4 + rest.length, rows, rowsPerGroup, ...rest];
}

export function segment(
  groups: number,
  barrier: 0 | 1,
  instructions: readonly (readonly number[])[],
): number[] {
  return entry(1, groups, barrier, instructions);
}

export function loop(turns: number, entries: readonly (readonly number[])[]): number[] {
  return entry(2, turns, 0, entries);
}

function entry(
  kind: number,
  groups: number,
  barrier: number,
  parts: readonly (readonly number[])[],
): number[] {
  const body = parts.flat();
  return [kind, 5 + body.length, groups, parts.length, barrier, ...body];
}
