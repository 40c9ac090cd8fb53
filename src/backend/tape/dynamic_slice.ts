// Words of OP_DYNAMIC_SLICE and OP_DYNAMIC_UPDATE after the header (the twin of src/kernels/dynamic_slice.h).
import { maxAxes, type Operand, type TapeWriter } from "./writer.ts";

/** A window of shape `window` in x of shape `full`, beginning where the starts say, clamped so that it fits. */
interface DynamicWindow {
  readonly full: readonly number[];
  readonly window: readonly number[];
  /** An i32 scalar by axis; undefined: 0. */
  readonly start: readonly (Operand | undefined)[];
  /** Strides in elements by axis. */
  readonly xStrides: readonly number[];
  readonly partStrides: readonly number[];
  readonly x: Operand;
  /** What is cut out, or what is put in. */
  readonly part: Operand;
}

export type DynamicSliceInstruction = DynamicWindow;

/** whole = x with the window replaced by part; where whole is x itself, only the window is written. */
export interface DynamicUpdateInstruction extends DynamicWindow {
  readonly wholeStrides: readonly number[];
  readonly whole: Operand;
}

interface Axis {
  readonly full: number;
  readonly window: number;
  readonly start: Operand | undefined;
  /** Strides of x, part and whole. */
  readonly strides: readonly number[];
}

/** Drops axes of size 1 and joins neighbours that no window cuts, so that rows are long; `maxAxes` axes, unused ones in front. */
function canonicalAxes(instruction: DynamicSliceInstruction | DynamicUpdateInstruction): Axis[] {
  const { full, window, start, xStrides, partStrides } = instruction;
  const wholeStrides = "wholeStrides" in instruction ? instruction.wholeStrides : xStrides;
  const axes: Axis[] = [];
  full.forEach((size, i) => {
    if (size === 1 && window[i] === 1) return;
    const strides = [xStrides[i]!, partStrides[i]!, wholeStrides[i]!];
    const outer = axes.at(-1);
    const uncut =
      start[i] === undefined && window[i] === size && outer !== undefined && outer.start === undefined;
    if (uncut && strides.every((stride, k) => outer.strides[k] === stride * size)) {
      axes.pop();
      axes.push({ full: outer.full * size, window: outer.window * size, start: undefined, strides });
    } else axes.push({ full: size, window: window[i]!, start: start[i], strides });
  });
  if (axes.length > maxAxes) throw new RangeError(`a window of ${axes.length} axes; at most ${maxAxes}`);
  while (axes.length < maxAxes) axes.unshift({ full: 1, window: 1, start: undefined, strides: [0, 0, 0] });
  return axes;
}

function words(instruction: DynamicSliceInstruction | DynamicUpdateInstruction, writer: TapeWriter): void {
  const axes = canonicalAxes(instruction);
  for (const axis of axes) writer.word(axis.full);
  for (const axis of axes) writer.word(axis.window);
  for (let k = 0; k < 3; k++) for (const axis of axes) writer.word(axis.strides[k]!);
  writer.operand(instruction.x);
  writer.operand(instruction.part);
  writer.operand("whole" in instruction ? instruction.whole : undefined);
  for (const axis of axes) writer.operand(axis.start);
}

export function dynamicSliceRows(instruction: DynamicSliceInstruction): number {
  return canonicalAxes(instruction)
    .slice(0, -1)
    .reduce((rows, axis) => rows * axis.window, 1);
}

export function dynamicSliceWords(instruction: DynamicSliceInstruction, writer: TapeWriter): void {
  words(instruction, writer);
}

export function dynamicUpdateRows(instruction: DynamicUpdateInstruction): number {
  return canonicalAxes(instruction)
    .slice(0, -1)
    .reduce((rows, axis) => rows * axis.full, 1);
}

export function dynamicUpdateWords(instruction: DynamicUpdateInstruction, writer: TapeWriter): void {
  words(instruction, writer);
}
