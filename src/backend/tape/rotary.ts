// Words of OP_ROTARY after the header (the twin of src/kernels/rotary.h).
import type { HeadsView } from "./attention.ts";
import type { Operand, TapeWriter } from "./writer.ts";

export interface RotaryInstruction {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  /** Even. */
  readonly width: number;
  /** A row is one position of one batch entry, instead of one batch entry. Not where an operand is LOCAL. */
  readonly fine: boolean;
  readonly x: HeadsView;
  /** May be x itself. */
  readonly result: HeadsView;
  /** [length, width / 2] with unit stride in width; `token` is the stride of length. */
  readonly cosines: { readonly operand: Operand; readonly token: number };
  readonly sines: { readonly operand: Operand; readonly token: number };
}

export function rotaryRows(sizes: Pick<RotaryInstruction, "batch" | "length" | "fine">): number {
  return sizes.fine ? sizes.batch * sizes.length : sizes.batch;
}

export function rotaryWords(instruction: RotaryInstruction, writer: TapeWriter): void {
  const { length, heads, width, x, result, cosines, sines } = instruction;
  for (const size of [instruction.fine ? 1 : length, length, heads, width]) writer.word(size);
  for (const view of [x, result, cosines, sines]) writer.operand(view.operand);
  for (const view of [x, result]) {
    writer.word(view.token);
    writer.word(view.head);
  }
  writer.word(cosines.token);
  writer.word(sines.token);
}
