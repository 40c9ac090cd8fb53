// A plan as a tape: entries for stages and loops, an instruction for each step, barriers where one thread reads what
// another wrote. Knows the kernels only through their encoders.
import {
  type Buffer,
  type GroupStep,
  type LoopStep,
  memoryOf,
  type Plan,
  type RowView,
  type Stage,
  type Step,
  stepViews,
  type View,
} from "../../compiler/plan.ts";
import { bufferBytes } from "../../compiler/stages.ts";
import { encodeGroup } from "./group.ts";
import type { Encoded } from "./kernelEncoder.ts";
import { kernelEncoder } from "./kernels.ts";
import { opcode } from "./opcodes.ts";
import { type Layout, operandAt } from "./place.ts";
import { encodeContraction, encodePacking } from "./product.ts";
import { reduceRows, reduceRowsPerGroup, reduceWords } from "./reduce.ts";
import { createTapeWriter, type TapeWriter } from "./writer.ts";

/** Everything a runtime needs; sizes in bytes. */
export interface EncodedPlan {
  readonly words: Int32Array;
  readonly arenaBytes: number;
  readonly localBytes: number;
  readonly scratchBytes: number;
  /** Offset in words of every instruction, for profiles. */
  readonly instructions: readonly { readonly word: number; readonly step: Step }[];
}

const entryKind = { segment: 1, loop: 2 } as const;

interface Encoder {
  readonly layout: Layout;
  readonly writer: TapeWriter;
  readonly hazards: Hazards;
  readonly instructions: { word: number; step: Step }[];
  scratchBytes: number;
}

export function encodePlan(plan: Plan, realBytes: 4 | 8, threads: number): EncodedPlan {
  const binding = new Map(plan.bindings.map((buffer, i) => [buffer, i]));
  const encoder: Encoder = {
    layout: { realBytes, binding, threads },
    writer: createTapeWriter(),
    hazards: new Hazards(),
    instructions: [],
    scratchBytes: 0,
  };
  for (const stage of plan.stages) encodeStage(encoder, stage);
  const scale = realBytes / 4;
  return {
    words: Int32Array.from(encoder.writer.words),
    arenaBytes: plan.arenaBytes * scale,
    localBytes: plan.localBytes * scale,
    scratchBytes: encoder.scratchBytes,
    instructions: encoder.instructions,
  };
}

/** Writes an entry's header around what `body` writes. */
function encodeEntry(
  encoder: Encoder,
  kind: number,
  groups: number,
  count: number,
  barrier: boolean,
  body: () => void,
): void {
  const { words, word } = { words: encoder.writer.words, word: encoder.writer.word };
  const start = words.length;
  for (const value of [kind, 0, groups, count, barrier ? 1 : 0]) word(value);
  body();
  words[start + 1] = words.length - start;
}

function encodeStage(encoder: Encoder, stage: Stage): void {
  const [only] = stage.steps;
  if (only?.kind === "loop") {
    encodeLoop(encoder, only);
    return;
  }
  const chained = stage.steps.length > 1;
  const encoded = stage.steps.map((step) => encodeStep(encoder, step, stage, chained));
  const groups = stage.groups ?? groupsOf(encoded[0]!);
  const barrier = encoder.hazards.enter(stage);
  encodeEntry(encoder, entryKind.segment, groups, encoded.length, barrier, () => {
    encoded.forEach((instruction, i) => {
      const perGroup =
        stage.groups === undefined ? instruction.rowsPerGroup : Math.ceil(instruction.rows / groups);
      encodeInstruction(encoder, instruction, perGroup, stage.steps[i]!);
    });
  });
}

function groupsOf({ rows, rowsPerGroup }: Cut): number {
  return Math.max(1, Math.ceil(rows / rowsPerGroup));
}

function encodeLoop(encoder: Encoder, loop: LoopStep): void {
  encodeEntry(encoder, entryKind.loop, loop.count, loop.stages.length, false, () => {
    encoder.hazards.flush();
    for (const stage of loop.stages) encodeStage(encoder, stage);
    // The first stage of the next repetition, and whatever follows, waits.
    encoder.hazards.flush();
  });
}

function encodeInstruction(encoder: Encoder, encoded: Encoded, rowsPerGroup: number, step: Step): void {
  const { writer } = encoder;
  const start = writer.words.length;
  encoder.instructions.push({ word: start, step });
  for (const value of [encoded.opcode, 0, encoded.rows, rowsPerGroup]) writer.word(value);
  encoded.words(writer);
  writer.words[start + 1] = writer.words.length - start;
  encoder.scratchBytes = Math.max(encoder.scratchBytes, encoded.scratchBytes);
}

/** An instruction with the rows that one thread takes at a time where it runs alone. */
interface Cut extends Encoded {
  readonly rowsPerGroup: number;
}

/** About this many elements are worth a trip to the group counter, or as many instructions on single elements. */
const ELEMENTS_PER_GROUP = 16384;
/** Groups that are enough to keep threads busy: no more are made of a step for the sake of its instructions. */
const ENOUGH_GROUPS = 16;
/** Functions that take several times as long as an addition. */
const slowFunctions = new Set(["cosine", "erf", "exp", "log", "power", "random", "sigmoid", "sine", "tanh"]);
const SLOWNESS = 8;
const MOST_GROUPS = 64;

function encodeStep(encoder: Encoder, step: Step, stage: Stage, chained: boolean): Cut {
  const { layout } = encoder;
  switch (step.kind) {
    case "group": {
      const group = encodeGroup(step, layout);
      const rowsPerGroup = groupRows(step, group.tileRows);
      return { opcode: opcode.group, rows: step.rows, rowsPerGroup, ...group };
    }
    case "contract":
      return encodeContraction(step, layout, chained ? stage.groups : undefined);
    case "prepare":
      return encodePacking(step, layout);
    case "reduce": {
      const [outer, depth, columns] = step.partial
        ? [1, step.partial.groups, step.partial.width]
        : (step.input.shape as [number, number, number]);
      const [inputOuter, inputDepth, inputColumn] = step.input.strides as [number, number, number];
      const input = operandAt(layout, step.input, 0);
      const output = operandAt(layout, step.output, 0);
      const shape = {
        kind: step.name,
        outer,
        depth,
        columns,
        inputOuter,
        inputDepth,
        inputColumn,
        input,
        output,
      };
      return {
        opcode: opcode.reduce,
        rows: reduceRows(shape),
        rowsPerGroup: reduceRowsPerGroup(shape),
        scratchBytes: 0,
        words: (writer) => reduceWords(shape, writer),
      };
    }
    case "kernel": {
      const encoded = kernelEncoder(step.node)!.encode(step, layout, chained);
      return { ...encoded, rowsPerGroup: Math.ceil(encoded.rows / Math.min(encoded.rows, MOST_GROUPS)) || 1 };
    }
    case "loop":
      throw new Error(`a loop beside other steps in a stage of ${stage.steps.length}`);
  }
}

/** Rows of a lone group step that one thread takes at a time: whole tiles, but parts of one where there is little else. */
function groupRows({ rows, length, instructions }: GroupStep, tileRows: number): number {
  const time = instructions.reduce((sum, { name }) => sum + (slowFunctions.has(name) ? SLOWNESS : 1), 0);
  const worth = Math.ceil((rows * length * time) / ELEMENTS_PER_GROUP);
  const shared = Math.ceil(rows / Math.max(1, Math.min(worth, ENOUGH_GROUPS)));
  const wanted = Math.min(shared, Math.ceil(ELEMENTS_PER_GROUP / length));
  return wanted < tileRows ? wanted : Math.min(rows, Math.ceil(wanted / tileRows) * tileRows);
}

/** Tracks what was touched since the last barrier. */
class Hazards {
  #reads = new Map<string, [number, number][]>();
  #writes = new Map<string, [number, number][]>();
  #pending = false;

  /** Whether a stage must wait for those before it; if so it starts a new account. */
  enter(stage: Stage): boolean {
    const views = stage.steps.map(stepViews);
    const reads = ranges(views.flatMap((view) => view.reads));
    const writes = ranges(views.flatMap((view) => view.writes));
    const barrier =
      this.#pending ||
      reads.some((range) => overlaps(this.#writes, range)) ||
      writes.some((range) => overlaps(this.#writes, range) || overlaps(this.#reads, range));
    if (barrier) {
      this.#reads.clear();
      this.#writes.clear();
      this.#pending = false;
    }
    for (const range of reads) note(this.#reads, range);
    for (const range of writes) note(this.#writes, range);
    return barrier;
  }

  /** The next stage waits, whatever it touches. */
  flush(): void {
    this.#pending = true;
  }
}

interface Range {
  readonly space: string;
  readonly start: number;
  readonly end: number;
}

function ranges(views: readonly (View | RowView)[]): Range[] {
  const seen = new Set<Buffer>();
  const result: Range[] = [];
  for (const { buffer } of views) {
    const memory = memoryOf(buffer);
    if (memory.home === "local" || seen.has(memory)) continue;
    seen.add(memory);
    if (memory.home === "external") result.push({ space: `${memory.id}`, start: 0, end: 1 });
    else result.push({ space: "arena", start: memory.offset, end: memory.offset + bufferBytes(memory) });
  }
  return result;
}

function overlaps(touched: Map<string, [number, number][]>, { space, start, end }: Range): boolean {
  return touched.get(space)?.some(([from, to]) => from < end && start < to) ?? false;
}

function note(touched: Map<string, [number, number][]>, { space, start, end }: Range): void {
  const list = touched.get(space);
  if (list === undefined) touched.set(space, [[start, end]]);
  else list.push([start, end]);
}
