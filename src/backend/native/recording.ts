// A recorded run: a tape, the values it starts from and those it should leave, in one file that src/kernels/replay.c
// runs again, for instance under a sanitizer. Knows neither plans nor how anything ran.
//
// Layout, little-endian, every part padded to 8 bytes:
//   "SCANTAPE", then int64: bytes of a real (4, 8), words, arena bytes, local bytes, scratch bytes, bindings
//   the tape
//   for each binding, int64: element type (as in tape.h), elements, 1 if expected values follow the initial ones; then
//   float64: tolerance; then the initial values; then the expected ones
import { writeFileSync } from "node:fs";
import type { DType } from "../../tensor/tensor.ts";
import type { NumericArray } from "../machine.ts";
import { elementBytes } from "../store.ts";
import type { TapeImage } from "./library.ts";

export interface RecordedBinding {
  readonly dtype: DType;
  /** Values before the run, as a native store holds them. */
  readonly initial: NumericArray;
  /** Values after it. Absent: not compared. */
  readonly expected?: NumericArray;
  /** Largest |difference| / (1 + |expected|) that passes; 0, the default, asks for equal bits. Floats only. */
  readonly tolerance?: number;
}

export interface Recording extends Omit<TapeImage, "bindings"> {
  readonly realBytes: 4 | 8;
  readonly bindings: readonly RecordedBinding[];
}

// The numbers of TYPE_… in tape.h.
const elementTypes: Record<DType, number> = { f32: 0, i32: 1, u32: 2, bool: 3, f16: 4, bf16: 5 };

/** Writes a recording, replacing the file. @throws RangeError when values do not have the type they are recorded as. */
export function writeRecording(path: string, recording: Recording): void {
  const { realBytes, tape, arenaBytes, localBytes, scratchBytes, bindings } = recording;
  const parts: Uint8Array[] = [
    Buffer.from("SCANTAPE", "latin1"),
    integers(realBytes, tape.length, arenaBytes, localBytes, scratchBytes, bindings.length),
    ...padded(tape),
  ];
  bindings.forEach(({ dtype, initial, expected, tolerance = 0 }, i) => {
    for (const values of expected === undefined ? [initial] : [initial, expected]) {
      if (values.BYTES_PER_ELEMENT !== elementBytes(dtype, realBytes) || values.length !== initial.length) {
        throw new RangeError(
          `binding ${i}: ${values.length} values of ${values.BYTES_PER_ELEMENT} bytes as ${dtype}`,
        );
      }
    }
    parts.push(integers(elementTypes[dtype], initial.length, expected === undefined ? 0 : 1));
    parts.push(...padded(Float64Array.of(tolerance)), ...padded(initial));
    if (expected !== undefined) parts.push(...padded(expected));
  });
  writeFileSync(path, Buffer.concat(parts));
}

function integers(...values: number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
}

function padded(values: Int32Array | NumericArray): Uint8Array[] {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return [bytes, new Uint8Array(-bytes.length & 7)];
}
