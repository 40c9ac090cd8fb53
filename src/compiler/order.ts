import type { Ordered } from "./context.ts";
import {
  type Buffer,
  type Kernels,
  memoryOf,
  type RowView,
  type Step,
  stepViews,
  type View,
} from "./plan.ts";
import { isWhole } from "./rows.ts";

/** A copy of a result into memory that outlives the graph, where `target` may hold an older value that others read. */
export interface Delivery {
  readonly step: Step;
  readonly source: View;
  readonly target: Buffer;
  /** The source is a whole buffer made by this graph, in row-major order, and the target takes all of it. */
  readonly whole: boolean;
}

interface Graph {
  readonly steps: readonly Ordered[];
  readonly after: Set<number>[];
  readonly before: number[];
  readonly readers: Map<Buffer, number[]>;
  readonly writers: Map<Buffer, number[]>;
}

/** Steps in running order, without the deliveries that became unnecessary. What `isBefore` sees is written by none. */
export function orderSteps(
  steps: readonly Ordered[],
  deliveries: readonly Delivery[],
  kernels: Pick<Kernels, "inPlaceInput">,
  isBefore: (view: View | RowView) => boolean,
): Step[] {
  const graph = dependencies(steps, new Set(deliveries.map((delivery) => delivery.target)), isBefore);
  const index = new Map(steps.map(({ step }, i) => [step, i]));
  const dropped = new Set<number>();
  for (const delivery of deliveries) {
    const copy = index.get(delivery.step)!;
    const maker = directWriter(graph, delivery, copy, kernels);
    const writer = maker ?? copy;
    if (maker !== undefined) {
      delivery.source.buffer.sameAs = delivery.target;
      dropped.add(copy);
    }
    for (const reader of graph.readers.get(delivery.target) ?? []) {
      if (reader !== writer && reader !== copy) connect(graph, reader, writer);
    }
  }
  return run(graph, dropped);
}

/** Steps read what others write, but for targets: their old value is read, and their writers come last. */
function dependencies(
  steps: readonly Ordered[],
  targets: ReadonlySet<Buffer>,
  isBefore: (view: View | RowView) => boolean,
): Graph {
  const graph: Graph = {
    steps,
    after: steps.map(() => new Set<number>()),
    before: steps.map(() => 0),
    readers: new Map(),
    writers: new Map(),
  };
  const views = steps.map(({ step }) => stepViews(step));
  const note = (map: Map<Buffer, number[]>, buffer: Buffer, step: number) => {
    const list = map.get(buffer);
    if (list === undefined) map.set(buffer, [step]);
    else if (list.at(-1) !== step) list.push(step);
  };
  views.forEach(({ reads, writes }, i) => {
    // Inside a loop, a buffer may already stand for the carry it is delivered to.
    for (const view of reads) if (!isBefore(view)) note(graph.readers, memoryOf(view.buffer), i);
    for (const view of writes) note(graph.writers, memoryOf(view.buffer), i);
  });
  for (const [buffer, writers] of graph.writers) {
    if (targets.has(buffer)) continue;
    for (const reader of graph.readers.get(buffer) ?? []) {
      for (const writer of writers) if (writer !== reader) connect(graph, writer, reader);
    }
  }
  return graph;
}

function connect(graph: Graph, first: number, second: number): void {
  if (graph.after[first]!.has(second)) return;
  graph.after[first]!.add(second);
  graph.before[second]!++;
}

/** The step that can write the delivered value straight into the target, if there is one. */
function directWriter(
  graph: Graph,
  { source, target, whole }: Delivery,
  copy: number,
  kernels: Pick<Kernels, "inPlaceInput">,
): number | undefined {
  const made = source.buffer;
  if (!whole || made.home !== "arena" || made.sameAs !== undefined) return undefined;
  const writers = graph.writers.get(made) ?? [];
  if (writers.length !== 1) return undefined;
  const writer = writers[0]!;
  if (!writesInStep(graph.steps[writer]!.step, made, target, kernels)) return undefined;
  const readers = (graph.readers.get(target) ?? []).filter((reader) => reader !== writer && reader !== copy);
  if (readers.length === 0) return writer;
  const later = reachable(graph, writer, copy);
  return readers.some((reader) => later.has(reader)) ? undefined : writer;
}

/** Whether a step reads `target` only at the very elements it writes to `made`, so that it may write them in place. */
function writesInStep(
  step: Step,
  made: Buffer,
  target: Buffer,
  kernels: Pick<Kernels, "inPlaceInput">,
): boolean {
  if (step.kind === "loop") return false;
  const { reads } = stepViews(step);
  if (!reads.some((view) => view.buffer === target)) return true;
  if (step.kind === "contract") {
    return (
      [step.a, step.b].every((view) => view.buffer !== target) &&
      (step.addend === undefined || step.addend.buffer !== target || isWhole(step.addend))
    );
  }
  if (step.kind === "kernel") {
    const index = kernels.inPlaceInput(step);
    return step.inputs.every((view, i) => view.buffer !== target || (i === index && isWhole(view)));
  }
  if (step.kind !== "group" || step.partials.length > 0) return false;
  const store = step.stores.find(({ memory }) => memory.view.buffer === made)!;
  return step.memory.every(
    ({ view, extent }) =>
      view.buffer !== target || (extent === store.memory.extent && sameRows(view, store.memory.view)),
  );
}

function sameRows(a: RowView, b: RowView): boolean {
  return (
    a.offset === b.offset &&
    a.columnStride === b.columnStride &&
    a.axes.length === b.axes.length &&
    a.axes.every((axis, i) => axis.size === b.axes[i]!.size && axis.stride === b.axes[i]!.stride)
  );
}

function reachable(graph: Graph, from: number, except: number): Set<number> {
  const seen = new Set<number>([from]);
  const stack = [from];
  while (stack.length > 0) {
    for (const next of graph.after[stack.pop()!]!) {
      if (next === except || seen.has(next)) continue;
      seen.add(next);
      stack.push(next);
    }
  }
  return seen;
}

/** Of the steps that can run, always the earliest in the natural order. */
function run(graph: Graph, dropped: ReadonlySet<number>): Step[] {
  const waiting = [...graph.before];
  const ready = new Heap((a, b) => graph.steps[a]!.order - graph.steps[b]!.order || a - b);
  waiting.forEach((count, i) => {
    if (count === 0) ready.push(i);
  });
  const result: Step[] = [];
  let finished = 0;
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    finished++;
    if (!dropped.has(next)) result.push(graph.steps[next]!.step);
    for (const later of graph.after[next]!) {
      waiting[later]!--;
      if (waiting[later] === 0) ready.push(later);
    }
  }
  if (finished !== graph.steps.length)
    throw new Error("the steps of a plan depend on each other in a circle");
  return result;
}

class Heap {
  readonly #items: number[] = [];
  readonly #compare: (a: number, b: number) => number;
  constructor(compare: (a: number, b: number) => number) {
    this.#compare = compare;
  }
  push(item: number): void {
    const items = this.#items;
    items.push(item);
    let at = items.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#compare(items[at]!, items[parent]!) >= 0) break;
      [items[at], items[parent]] = [items[parent]!, items[at]!];
      at = parent;
    }
  }
  pop(): number | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return top;
    items[0] = last;
    let at = 0;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < items.length && this.#compare(items[child]!, items[least]!) < 0) least = child;
      }
      if (least === at) return top;
      [items[at], items[least]] = [items[least]!, items[at]!];
      at = least;
    }
  }
}
