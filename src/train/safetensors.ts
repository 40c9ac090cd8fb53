// The safetensors file format: an 8-byte length, a JSON header, then the tensors' bytes. Strict, because a file from
// elsewhere is hostile until checked. Knows no model. Format: github.com/huggingface/safetensors, "Format".
import { z } from "zod";

/** Element types a checkpoint may hold, and their bytes. */
const elementBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  U32: 4,
  U16: 2,
  U8: 1,
  I8: 1,
  BOOL: 1,
} as const;
export type SafetensorsType = keyof typeof elementBytes;

export interface StoredTensor {
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
  /** Row-major little-endian elements. */
  readonly bytes: Uint8Array;
}

const LONGEST_HEADER = 100_000_000;

const entrySchema = z.strictObject({
  dtype: z.enum(Object.keys(elementBytes) as [SafetensorsType, ...SafetensorsType[]]),
  shape: z.array(z.int().min(0)).max(32),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});

/** The parts of a file, to be written one after the other: the header, then each tensor's own memory. */
export function encodeSafetensors(tensors: ReadonlyMap<string, StoredTensor>): Uint8Array[] {
  const header: Record<string, unknown> = Object.create(null);
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // Padding with spaces lets the elements start on a multiple of 8.
  const padded = new Uint8Array(8 + 8 * Math.ceil(json.length / 8)).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true);
  padded.set(json, 8);
  return [padded, ...[...tensors.values()].map(({ bytes }) => bytes)];
}

/**
 * The tensors of a file, as views of it. Throws a RangeError that says what is wrong with a file that is not exactly one
 * header and the bytes it describes: nothing missing, left over, overlapping or of another size than its shape says.
 */
export function decodeSafetensors(file: Uint8Array): Map<string, StoredTensor> {
  const { entries, start } = readHeader(file);
  const tensors = new Map<string, StoredTensor>();
  let end = 0;
  const inOrder = entries.sort(
    ([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  );
  for (const [name, { dtype, shape, data_offsets }] of inOrder) {
    const [from, to] = data_offsets;
    if (from !== end || to < from) {
      throw new RangeError(`tensor "${name}" is at bytes ${from} to ${to}; expected it to begin at ${end}`);
    }
    const size = shape.reduce((product, dimension) => product * dimension, elementBytes[dtype]);
    if (to - from !== size) {
      throw new RangeError(
        `tensor "${name}" has ${to - from} bytes; expected ${size} for ${dtype} [${shape}]`,
      );
    }
    if (start + to > file.length) {
      throw new RangeError(`tensor "${name}" ends at byte ${start + to} of a file of ${file.length}`);
    }
    tensors.set(name, { dtype, shape, bytes: file.subarray(start + from, start + to) });
    end = to;
  }
  if (start + end !== file.length) {
    throw new RangeError(`${file.length - start - end} bytes are left over after the last tensor`);
  }
  return tensors;
}

function readHeader(file: Uint8Array): { entries: [string, z.infer<typeof entrySchema>][]; start: number } {
  if (file.length < 8) throw new RangeError(`the file has ${file.length} bytes; expected at least 8`);
  const length = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(Math.min(LONGEST_HEADER, file.length - 8))) {
    throw new RangeError(`its header claims ${length} bytes of a file of ${file.length}`);
  }
  const start = 8 + Number(length);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(file.subarray(8, start)));
  } catch {
    throw new RangeError("its header is not JSON");
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new RangeError("its header is not an object");
  }
  const entries = Object.entries(json)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, entry]): [string, z.infer<typeof entrySchema>] => {
      const parsed = entrySchema.safeParse(entry);
      if (parsed.success) return [name, parsed.data];
      const { path, message } = parsed.error.issues[0]!;
      throw new RangeError(`tensor "${name}": ${[path.join("."), message].filter(Boolean).join(": ")}`);
    });
  return { entries, start };
}
