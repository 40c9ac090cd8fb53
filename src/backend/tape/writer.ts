// The words of a tape: places in memory and the few kinds of number an instruction is made of (the twin of
// src/kernels/tape.h). Knows no instruction.
import { RequestError } from "../../errors.ts";

/** Where an operand lives; `binding(i)` is the i-th of the caller's named values. */
export const space = { none: -1, arena: 0, local: 1, binding: (index: number): number => 2 + index } as const;

/** Element types in memory. */
export const elementType = { real: 0, i32: 1, u32: 2, bool: 3, f16: 4, bf16: 5 } as const;
export type ElementType = (typeof elementType)[keyof typeof elementType];

export const maxLoops = 8;
export const maxAxes = 8;
export const lineBytes = 64;

/** base(space) + line · 64 bytes + (element + Σ step[d] · loop[d]) elements; a row is `item` elements after the one before. */
export interface Operand {
  readonly space: number;
  readonly type: ElementType;
  readonly line: number;
  readonly element: number;
  readonly item: number;
  /** One step per running loop, outermost first; missing ones are 0. */
  readonly step: readonly number[];
}

export interface TapeWriter {
  readonly words: number[];
  /** An int32. */
  word(value: number): void;
  /** A float in one word. */
  real(value: number): void;
  /** A double in two words, the low one first: exact in the double build, too. */
  double(value: number): void;
  /** Thirteen words; `undefined` is an operand that is absent. */
  operand(value: Operand | undefined): void;
}

export function createTapeWriter(): TapeWriter {
  const words: number[] = [];
  const view = new DataView(new ArrayBuffer(8));
  const word = (value: number): void => {
    if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 31) {
      throw new RequestError(
        `the model has a place ${value}, and kernels count to ${2 ** 31 - 1}: make it, the batch or the length smaller`,
      );
    }
    words.push(value);
  };
  return {
    words,
    word,
    real(value) {
      view.setFloat32(0, value, true);
      words.push(view.getInt32(0, true));
    },
    double(value) {
      view.setFloat64(0, value, true);
      words.push(view.getInt32(0, true), view.getInt32(4, true));
    },
    operand(value) {
      const { space: at, type, line, element, item, step } = value ?? absent;
      if (step.length > maxLoops)
        throw new RangeError(`an operand in ${step.length} loops; at most ${maxLoops}`);
      for (const part of [at, type, line, element, item]) word(part);
      for (let d = 0; d < maxLoops; d++) word(step[d] ?? 0);
    },
  };
}

const absent: Operand = { space: space.none, type: elementType.real, line: 0, element: 0, item: 0, step: [] };
