// Gives arena and local buffers their offsets: values that are never alive together may share memory.
import { type Buffer, memoryOf, type Stage, stepViews } from "./plan.ts";
import { bufferBytes } from "./stages.ts";

const LINE = 64;

interface Lifetime {
  readonly buffer: Buffer;
  readonly bytes: number;
  first: number;
  last: number;
}

/** Sets the offsets of all buffers the stages use; returns the sizes of the arena and of a thread's local block. */
export function placeBuffers(stages: readonly Stage[]): { arenaBytes: number; localBytes: number } {
  const arena = new Map<Buffer, Lifetime>();
  let localBytes = 0;
  let clock = 0;
  const visit = (list: readonly Stage[], depth: number) => {
    for (const stage of list) {
      clock++;
      const loop = stage.steps.find((step) => step.kind === "loop");
      if (loop?.kind === "loop") {
        const start = clock;
        visit(loop.stages, depth + 1);
        clock++;
        // What comes from outside or is carried must outlive every repetition.
        for (const buffer of loop.carried) extend(arena, memoryOf(buffer), start, clock);
        const { reads, writes } = stepViews(loop);
        for (const { buffer, steps } of [...reads, ...writes]) {
          if (steps[depth] !== undefined && steps[depth] !== 0) extend(arena, memoryOf(buffer), start, clock);
        }
        for (const lifetime of arena.values()) {
          if (lifetime.first < start && lifetime.last >= start) lifetime.last = clock;
        }
        continue;
      }
      const local = new Map<Buffer, Lifetime>();
      stage.steps.forEach((step, i) => {
        const { reads, writes } = stepViews(step);
        for (const view of [...reads, ...writes]) {
          const memory = memoryOf(view.buffer);
          if (memory.home === "arena") extend(arena, memory, clock, clock);
          else if (memory.home === "local") extend(local, memory, i, i, stage.groups);
        }
      });
      localBytes = Math.max(localBytes, assign([...local.values()]));
    }
  };
  visit(stages, 0);
  return { arenaBytes: assign([...arena.values()]), localBytes };
}

function extend(
  lifetimes: Map<Buffer, Lifetime>,
  buffer: Buffer,
  first: number,
  last: number,
  groups = 1,
): void {
  if (buffer.home === "external") return;
  const before = lifetimes.get(buffer);
  if (before === undefined)
    lifetimes.set(buffer, { buffer, bytes: roundUp(bufferBytes(buffer) / groups), first, last });
  else {
    before.first = Math.min(before.first, first);
    before.last = Math.max(before.last, last);
  }
}

/** A line more than the value: vector loads may look past its end. */
function roundUp(bytes: number): number {
  return (Math.ceil(bytes / LINE) + 1) * LINE;
}

/** Largest first, each at the lowest place free for its whole life. */
function assign(lifetimes: Lifetime[]): number {
  const placed: Lifetime[] = [];
  let total = 0;
  const byPlace = (a: Lifetime, b: Lifetime) => a.buffer.offset - b.buffer.offset;
  for (const lifetime of lifetimes.sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    let offset = 0;
    for (const other of placed) {
      if (other.last < lifetime.first || lifetime.last < other.first) continue;
      if (offset + lifetime.bytes <= other.buffer.offset) break;
      offset = Math.max(offset, other.buffer.offset + other.bytes);
    }
    lifetime.buffer.offset = offset;
    total = Math.max(total, offset + lifetime.bytes);
    insertSorted(placed, lifetime, byPlace);
  }
  return total;
}

function insertSorted<T>(list: T[], item: T, compare: (a: T, b: T) => number): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(list[middle]!, item) < 0) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, item);
}
