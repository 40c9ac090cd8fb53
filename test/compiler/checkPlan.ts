// Runs a plan without computing anything: follows every element that is read and written, group by group and repetition
// by repetition, and says what is wrong. Knows nothing of how the compiler reached the plan.
//
// Every element of memory carries the buffer that wrote it last. A read must find what its own buffer wrote; a state's old
// value must be read before the new one is written; within a stage, groups may not touch what another group writes;
// between barriers, stages may not either.

import type { EncodedPlan } from "../../src/backend/tape/encode.ts";
import type {
  Buffer,
  GroupStep,
  LoopStep,
  Plan,
  RowView,
  Stage,
  Step,
  View,
} from "../../src/compiler/plan.ts";
import type { DType } from "../../src/tensor/index.ts";

const bytesOf = (dtype: DType): number =>
  dtype === "bool" ? 1 : dtype === "f16" || dtype === "bf16" ? 2 : 4;

/** Stages in a row between which threads wait, as the tape says. */
type Barriers = Iterator<boolean>;

interface Memory {
  /** Code of the last writer by byte (arena) or element (external); 0: nobody. */
  readonly owner: Int32Array;
  readonly writtenIn: Int32Array;
  readonly writtenBy: Int32Array;
  readonly readIn: Int32Array;
  /** Group that read it in `readIn`; MANY for several. */
  readonly readBy: Int32Array;
  readonly writtenAt: Int32Array;
  readonly readAt: Int32Array;
}

const MANY = -2;
/** A position that is no other's. */
const NOWHERE = -3;

function createMemory(size: number): Memory {
  const array = (value: number) => new Int32Array(size).fill(value);
  return {
    owner: array(0),
    writtenIn: array(-1),
    writtenBy: array(-1),
    readIn: array(-1),
    readBy: array(-1),
    writtenAt: array(-1),
    readAt: array(-1),
  };
}

class Checker {
  readonly faults: string[] = [];
  readonly #plan: Plan;
  readonly #arena: Memory;
  readonly #external = new Map<Buffer, Memory>();
  /** Buffers whose old value may be read until a new one is there: states, and what loops carry. */
  readonly #states = new Set<Buffer>();
  readonly #counters: number[] = [];
  #local: Memory;
  #serial = 0;
  /** Whether the stage is one step, which may read its rows in any order. */
  #alone = false;
  #barrierAt = 0;
  #where = "";

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#arena = createMemory(plan.arenaBytes);
    this.#local = createMemory(plan.localBytes);
    for (const buffer of plan.bindings) {
      const memory = createMemory(buffer.elements);
      memory.owner.fill(codeOf(buffer, false));
      this.#external.set(buffer, memory);
      this.#states.add(buffer);
    }
    for (const buffer of plan.buffers)
      if (memoryOf(buffer).home === "arena") this.#checkBounds(memoryOf(buffer));
  }

  #checkBounds(buffer: Buffer): void {
    const end = buffer.offset + buffer.elements * bytesOf(buffer.dtype);
    // A buffer that nothing uses has no place.
    if (buffer.offset >= 0 && end > this.#plan.arenaBytes) this.#fault(`buffer ${buffer.id} ends at ${end}`);
  }

  #fault(what: string): void {
    if (this.faults.length < 5) this.faults.push(`${this.#where}: ${what}`);
  }

  run(stages: readonly Stage[], barriers: Barriers | undefined): void {
    stages.forEach((stage, i) => {
      const loop = stage.steps.find((step) => step.kind === "loop");
      if (loop?.kind === "loop") this.#loop(loop, barriers);
      else this.#stage(stage, `stage ${i} at depth ${this.#counters.length}`, barriers);
    });
  }

  #loop(loop: LoopStep, barriers: Barriers | undefined): void {
    const depth = this.#counters.length;
    const entered = loop.carried.filter((buffer) => !this.#states.has(buffer));
    for (const buffer of entered) this.#states.add(buffer);
    const inside = ownBuffers(loop, this.#plan);
    // The tape is the same in every repetition.
    const flags = barriers === undefined ? undefined : collect(barriers, loop);
    this.#counters.push(0);
    for (let turn = 0; turn < loop.count; turn++) {
      this.#counters[depth] = turn;
      this.run(loop.stages, flags?.values());
      for (const buffer of loop.carried) this.#rename(buffer);
      for (const buffer of inside) this.#forget(buffer);
    }
    this.#counters.pop();
    for (const buffer of entered) this.#states.delete(buffer);
  }

  /** The new value of a carried buffer is the next repetition's old one. */
  #rename(buffer: Buffer): void {
    const { memory, start, bytes } = this.#place(buffer, 0);
    memory.owner.fill(codeOf(buffer, false), start, start + buffer.elements * bytes);
  }

  #forget(buffer: Buffer): void {
    const { memory, start, bytes } = this.#place(buffer, 0);
    for (let at = start; at < start + buffer.elements * bytes; at++) {
      if (memory.owner[at]! >> 1 === buffer.id + 1) memory.owner[at] = 0;
    }
  }

  #place(buffer: Buffer, element: number): { memory: Memory; start: number; bytes: number } {
    const home = memoryOf(buffer);
    if (home.home === "external") return { memory: this.#external.get(home)!, start: element, bytes: 1 };
    const bytes = bytesOf(home.dtype);
    return { memory: this.#arena, start: home.offset + element * bytes, bytes };
  }

  #stage(stage: Stage, name: string, barriers: Barriers | undefined): void {
    this.#serial++;
    const barrier = barriers === undefined ? true : barriers.next().value === true;
    if (barrier) this.#barrierAt = this.#serial;
    const single = stage.groups === undefined;
    this.#alone = stage.steps.length === 1;
    const groups = stage.groups ?? 1;
    for (let group = 0; group < groups; group++) {
      this.#local = createMemory(this.#plan.localBytes);
      for (const [i, step] of stage.steps.entries()) {
        this.#where = `${name}, ${step.kind} ${i}, group ${group}`;
        if (step.kind === "group") this.#group(step, group, groups, single);
        else if (step.kind !== "loop") this.#opaque(step, group, groups);
      }
    }
  }

  #group(step: GroupStep, group: number, groups: number, single: boolean): void {
    const perGroup = Math.ceil(step.rows / groups);
    const [from, to] = [group * perGroup, Math.min(step.rows, (group + 1) * perGroup)];
    const positions = (
      view: RowView,
      extent: "tile" | "column",
      touch: (element: number, at: number, row: number) => void,
    ) => {
      const base = view.offset + this.#advance(view.steps);
      for (let row = from; row < to; row++) {
        let start = base;
        for (const { divisor, size, stride } of view.axes)
          start += (Math.floor(row / divisor) % size) * stride;
        if (extent === "column") touch(start, row * step.length, row);
        else
          for (let j = 0; j < step.length; j++)
            touch(start + j * view.columnStride, row * step.length + j, row);
      }
    };
    for (const { view, extent } of step.memory) {
      const isKey =
        view.axes.length === 0 &&
        view.columnStride === 0 &&
        step.instructions.some(({ name }) => name === "random");
      positions(view, isKey ? "column" : extent, (element, at, row) =>
        this.#read(view.buffer, element, single ? row : group, at, groups, group),
      );
    }
    for (const { memory } of step.stores) {
      positions(memory.view, memory.extent, (element, at, row) =>
        this.#write(memory.view.buffer, element, single ? row : group, at, groups, group),
      );
    }
    for (const { partial } of step.partials) {
      if (partial.groups !== groups)
        this.#fault(`${partial.groups} rows of partial sums for ${groups} groups`);
      for (let j = 0; j < partial.width; j++)
        this.#write(partial.buffer, group * partial.width + j, group, NOWHERE, groups, group);
    }
  }

  /** Steps whose work inside a group is unknown: what they read they may write only where they may do so in place. */
  #opaque(step: Exclude<Step, GroupStep | LoopStep>, group: number, groups: number): void {
    const { reads, writes } = opaqueViews(step);
    for (const { view, shared, inPlace } of reads) {
      this.#each(view, shared ? 0 : group, shared ? 1 : groups, (element, at) =>
        this.#read(
          view.buffer,
          element,
          shared && groups > 1 ? MANY : group,
          inPlace ? at : NOWHERE,
          groups,
          group,
        ),
      );
    }
    for (const view of writes) {
      this.#each(view, group, groups, (element, at) =>
        this.#write(view.buffer, element, group, at, groups, group),
      );
    }
  }

  /** Elements of a group's share of a view: equal runs in row-major order. */
  #each(
    { shape, strides, offset, steps }: View,
    group: number,
    groups: number,
    touch: (element: number, at: number) => void,
  ): void {
    const count = shape.reduce((n, size) => n * size, 1);
    if (count % groups !== 0) this.#fault(`[${shape}] in ${groups} parts`);
    const share = count / groups;
    const base = offset + this.#advance(steps);
    for (let i = group * share; i < (group + 1) * share; i++) {
      let rest = i;
      let element = base;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        element += (rest % shape[axis]!) * strides[axis]!;
        rest = Math.floor(rest / shape[axis]!);
      }
      touch(element, i);
    }
  }

  #advance(steps: readonly number[]): number {
    return steps.reduce((sum, step, depth) => sum + step * (this.#counters[depth] ?? 0), 0);
  }

  #locate(
    buffer: Buffer,
    element: number,
    groups: number,
    group: number,
  ): { memory: Memory; start: number; bytes: number } | undefined {
    const home = memoryOf(buffer);
    if (element < 0 || element >= home.elements) {
      this.#fault(`element ${element} of ${home.elements} in buffer ${home.id}`);
      return undefined;
    }
    if (home.home !== "local") return this.#place(buffer, element);
    const share = home.elements / groups;
    const own = element - group * share;
    if (own < 0 || own >= share) {
      this.#fault(`element ${element} of local buffer ${home.id} is not in the group's ${share}`);
      return undefined;
    }
    const bytes = bytesOf(home.dtype);
    const start = home.offset + own * bytes;
    if (start + bytes > this.#plan.localBytes) {
      this.#fault(`local byte ${start} of ${this.#plan.localBytes}`);
      return undefined;
    }
    return { memory: this.#local, start, bytes };
  }

  #read(buffer: Buffer, element: number, reader: number, at: number, groups: number, group: number): void {
    const place = this.#locate(buffer, element, groups, group);
    if (place === undefined) return;
    const { memory, start, bytes } = place;
    const own = codeOf(buffer, false);
    for (let byte = start; byte < start + bytes; byte++) {
      const owner = memory.owner[byte]!;
      if (owner !== own) this.#fault(`reads buffer ${buffer.id}[${element}] where ${describe(owner)} is`);
      const writtenIn = memory.writtenIn[byte]!;
      if (writtenIn === this.#serial && memory.writtenBy[byte] !== reader && memory !== this.#local) {
        this.#fault(`reads ${buffer.id}[${element}], which group ${memory.writtenBy[byte]} writes`);
      }
      if (writtenIn >= this.#barrierAt && writtenIn < this.#serial) {
        this.#fault(`reads ${buffer.id}[${element}] without waiting for stage ${writtenIn} of the run`);
      }
      if (memory.readIn[byte] === this.#serial) {
        if (memory.readBy[byte] !== reader) memory.readBy[byte] = MANY;
        if (memory.readAt[byte] !== at) memory.readAt[byte] = MANY;
      } else {
        memory.readBy[byte] = reader;
        memory.readAt[byte] = at;
      }
      memory.readIn[byte] = this.#serial;
    }
  }

  #write(buffer: Buffer, element: number, writer: number, at: number, groups: number, group: number): void {
    const place = this.#locate(buffer, element, groups, group);
    if (place === undefined) return;
    const { memory, start, bytes } = place;
    for (let byte = start; byte < start + bytes; byte++) {
      const [readIn, writtenIn] = [memory.readIn[byte]!, memory.writtenIn[byte]!];
      if (readIn === this.#serial && memory !== this.#local) {
        if (memory.readBy[byte] !== writer)
          this.#fault(`writes ${buffer.id}[${element}], which group ${memory.readBy[byte]} reads`);
        else if (this.#alone && memory.readAt[byte] !== at)
          this.#fault(`writes ${buffer.id}[${element}] elsewhere than it is read`);
      }
      if (readIn >= this.#barrierAt && readIn < this.#serial) {
        this.#fault(
          `writes ${buffer.id}[${element}] without waiting for its reader in stage ${readIn} of the run`,
        );
      }
      if (writtenIn === this.#serial && memory.writtenBy[byte] !== writer && memory !== this.#local) {
        this.#fault(`writes ${buffer.id}[${element}], which group ${memory.writtenBy[byte]} writes, too`);
      }
      if (writtenIn >= this.#barrierAt && writtenIn < this.#serial) {
        this.#fault(
          `writes ${buffer.id}[${element}] without waiting for its writer in stage ${writtenIn} of the run`,
        );
      }
      memory.owner[byte] = codeOf(buffer, this.#states.has(buffer));
      memory.writtenIn[byte] = this.#serial;
      memory.writtenBy[byte] = writer;
    }
  }
}

function codeOf(buffer: Buffer, isNew: boolean): number {
  return (buffer.id + 1) * 2 + (isNew ? 1 : 0);
}

function describe(owner: number): string {
  if (owner === 0) return "nothing";
  return `${owner & 1 ? "the new value" : "the value"} of buffer ${(owner >> 1) - 1}`;
}

function memoryOf(buffer: Buffer): Buffer {
  return buffer.sameAs === undefined ? buffer : memoryOf(buffer.sameAs);
}

interface Access {
  readonly view: View;
  /** Every group reads all of it. */
  readonly shared: boolean;
  /** The step reads an element before it writes the one at the same place of its output. */
  readonly inPlace: boolean;
}

/** Kernels that may overwrite their first input. */
const inPlaceKernels = new Set(["dynamicUpdate", "rotary"]);

function opaqueViews(step: Exclude<Step, GroupStep | LoopStep>): { reads: Access[]; writes: View[] } {
  const whole = (buffer: Buffer): View => ({
    buffer,
    steps: [],
    shape: [buffer.elements],
    offset: 0,
    strides: [1],
  });
  switch (step.kind) {
    case "contract": {
      const { a, b, addend, prepared, output } = step;
      const single = output.shape.slice(0, -2).every((size) => size === 1);
      const right =
        prepared === undefined ? { view: b, shared: single } : { view: whole(prepared), shared: true };
      const reads = [
        { view: a, shared: false, inPlace: false },
        { ...right, inPlace: false },
        ...(addend === undefined ? [] : [{ view: addend, shared: false, inPlace: true }]),
      ];
      return { reads, writes: [output] };
    }
    case "prepare":
      return { reads: [{ view: step.b, shared: true, inPlace: false }], writes: [whole(step.output)] };
    case "reduce": {
      const input = step.partial === undefined ? step.input : whole(step.partial.buffer);
      return { reads: [{ view: input, shared: true, inPlace: false }], writes: [step.output] };
    }
    case "kernel": {
      const { name, independent } = step.node.op;
      const shared = independent?.(step.node).shared ?? [];
      const reads = step.inputs.map((view, i) => ({
        view,
        shared: shared.includes(i),
        inPlace: i === 0 && inPlaceKernels.has(name),
      }));
      return { reads, writes: [...step.outputs] };
    }
  }
}

/** Buffers of one repetition: nothing outside the loop touches them, and they keep nothing for the next repetition. */
function ownBuffers(loop: LoopStep, plan: Plan): Buffer[] {
  const used = (stages: readonly Stage[], skip?: Step): Set<Buffer> => {
    const result = new Set<Buffer>();
    for (const step of stages.flatMap((stage) => stage.steps)) {
      if (step === skip) continue;
      if (step.kind === "loop") for (const buffer of used(step.stages, skip)) result.add(buffer);
      else for (const { buffer } of accesses(step)) result.add(buffer);
    }
    return result;
  };
  const outside = used(plan.stages, loop);
  const kept = new Set(loop.carried.map(memoryOf));
  const inside = [...used(loop.stages)];
  const stacked = new Set(inside.filter((buffer) => isStacked(loop.stages, buffer)));
  return inside.filter(
    (buffer) =>
      memoryOf(buffer).home === "arena" &&
      !outside.has(buffer) &&
      !kept.has(memoryOf(buffer)) &&
      !stacked.has(buffer),
  );
}

function accesses(step: Exclude<Step, LoopStep>): (View | RowView)[] {
  if (step.kind === "group") {
    const partial = ({ buffer }: { buffer: Buffer }): View => ({
      buffer,
      steps: [],
      shape: [],
      offset: 0,
      strides: [],
    });
    return [
      ...step.memory.map(({ view }) => view),
      ...step.stores.map(({ memory }) => memory.view),
      ...step.partials.map((entry) => partial(entry.partial)),
    ];
  }
  const { reads, writes } = opaqueViews(step);
  return [...reads.map(({ view }) => view), ...writes];
}

function isStacked(stages: readonly Stage[], buffer: Buffer): boolean {
  return stages.some((stage) =>
    stage.steps.some((step) =>
      step.kind === "loop"
        ? isStacked(step.stages, buffer)
        : accesses(step).some((view) => view.buffer === buffer && view.steps.some((by) => by !== 0)),
    ),
  );
}

/** The barrier flags of one repetition, in the order in which stages come. */
function collect(barriers: Barriers, loop: LoopStep): boolean[] {
  const count = (stages: readonly Stage[]): number =>
    stages.reduce((n, stage) => {
      const inner = stage.steps.find((step) => step.kind === "loop");
      return n + (inner?.kind === "loop" ? count(inner.stages) : 1);
    }, 0);
  return Array.from({ length: count(loop.stages) }, () => barriers.next().value === true);
}

/** Barrier flags of a tape's segments, in order. */
function* barriersOf(words: Int32Array, from = 0, to = words.length): Generator<boolean> {
  for (let at = from; at < to; at += words[at + 1]!) {
    if (words[at] === 2) yield* barriersOf(words, at + 5, at + words[at + 1]!);
    else yield words[at + 4] === 1;
  }
}

/** What is wrong with a plan, and with the barriers of its tape if one is given. */
export function planFaults(plan: Plan, encoded?: EncodedPlan): readonly string[] {
  const checker = new Checker(plan);
  checker.run(plan.stages, encoded && barriersOf(encoded.words));
  return checker.faults;
}
