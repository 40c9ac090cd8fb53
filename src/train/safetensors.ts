// The safetensors file format: an 8-byte length, a JSON header, then the tensors' bytes. Strict, because a file from
// elsewhere is hostile until checked. Knows no model. Format: github.com/huggingface/safetensors, "Format".
import { isObject, parseJson } from "../json.ts";
import { show } from "../strict.ts";

/** Element types a checkpoint may hold, and their bytes. */
const elementBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;
export type SafetensorsType = keyof typeof elementBytes;

/** What a tensor's elements are, and how many. */
export interface TensorKind {
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
}

export interface StoredTensor extends TensorKind {
  /** Row-major little-endian elements. */
  readonly bytes: Uint8Array;
}

/** The reference implementation's bound. */
const LONGEST_HEADER = 100_000_000;
const METADATA = "__metadata__";
const OPENING_BRACE = 0x7b;
const entryKeys = ["dtype", "shape", "data_offsets"];

/**
 * The parts of a file, to be written one after the other: the header, then each tensor's own memory, wide elements
 * first, so that every tensor begins at a multiple of its element's size.
 * @param metadata text about the file, under `__metadata__` in the header; default: none
 * Errors: RangeError for a tensor whose bytes are not those of its shape and for a header that no reader would take.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  for (const [name, { dtype, shape, bytes }] of tensors) requireSize(name, dtype, shape, bytes.length);
  const { head, order } = encodeHeader(tensors, metadata);
  return [head, ...order.map((name) => tensors.get(name)!.bytes)];
}

/**
 * What stands in front of the tensors of a file, and the order in which they have to follow, without a gap.
 * Errors: RangeError for a header that no reader would take.
 */
export function encodeHeader(
  tensors: ReadonlyMap<string, TensorKind>,
  metadata: Readonly<Record<string, string>> = {},
): { readonly head: Uint8Array; readonly order: readonly string[] } {
  const inOrder = [...tensors].sort(([, a], [, b]) => elementBytes[b.dtype] - elementBytes[a.dtype]);
  const header: Record<string, unknown> = Object.create(null);
  if (Object.keys(metadata).length > 0) header[METADATA] = metadata;
  let offset = 0;
  for (const [name, { dtype, shape }] of inOrder) {
    if (name === METADATA) throw new RangeError(`a tensor cannot be called ${METADATA}`);
    const end = offset + tensorBytes(name, dtype, shape);
    header[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  if (json.length > LONGEST_HEADER) {
    throw new RangeError(
      `a header of ${json.length} bytes; expected at most ${LONGEST_HEADER}, in fewer tensors`,
    );
  }
  // Padding with spaces lets the elements start on a multiple of 8.
  const head = new Uint8Array(8 + 8 * Math.ceil(json.length / 8)).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(json, 8);
  return { head, order: inOrder.map(([name]) => name) };
}

/**
 * The tensors of a file, as views of it, in the order in which they lie there. Throws a RangeError that says what is
 * wrong with a file that is not exactly one header and the bytes it describes: nothing missing, left over, overlapping,
 * named twice or of another size than its shape says.
 */
export function decodeSafetensors(file: Uint8Array): Map<string, StoredTensor> {
  const placed = decodeHeader(file, file.length);
  return new Map(
    placed.map(({ name, dtype, shape, from, to }) => [
      name,
      { dtype, shape, bytes: file.subarray(from, to) },
    ]),
  );
}

/** Where a tensor lies in its file, from byte `from` to byte `to`. */
export interface PlacedTensor extends TensorKind {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Where the tensors of a file of `size` bytes lie, in order; `head` are its first bytes, at least `headerEnd` of them.
 * Errors: as for `decodeSafetensors`.
 */
export function decodeHeader(head: Uint8Array, size: number): PlacedTensor[] {
  const { entries, start } = readHeader(head, size);
  let end = 0;
  entries.sort((a, b) => a.from - b.from || a.to - b.to);
  const placed = entries.map(({ name, dtype, shape, from, to }): PlacedTensor => {
    if (from !== end || to < from) {
      throw new RangeError(
        `tensor ${show(name)} is at bytes ${from} to ${to}; expected it to begin at ${end}`,
      );
    }
    requireSize(name, dtype, shape, to - from);
    if (start + to > size) {
      throw new RangeError(
        `tensor ${show(name)} ends at byte ${start + to} of a file of ${size}; it is cut short`,
      );
    }
    end = to;
    return { name, dtype, shape, from: start + from, to: start + to };
  });
  if (start + end !== size) {
    throw new RangeError(`${size - start - end} bytes are left over after the last tensor`);
  }
  return placed;
}

/** Where the header of a file of `size` bytes ends, from its first 8. Errors: RangeError for one that cannot be. */
export function headerEnd(first: Uint8Array, size: number): number {
  if (size < 8) throw new RangeError(`the file has ${size} bytes; expected at least 8`);
  const length = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(Math.min(LONGEST_HEADER, size - 8))) {
    throw new RangeError(
      `its header claims ${length} bytes of a file of ${size}; expected at most ${LONGEST_HEADER}`,
    );
  }
  return 8 + Number(length);
}

function requireSize(name: string, dtype: SafetensorsType, shape: readonly number[], bytes: number): void {
  const size = tensorBytes(name, dtype, shape);
  if (bytes === size) return;
  throw new RangeError(
    `tensor ${show(name)} has ${bytes} bytes; expected ${size} for ${dtype} ${show(shape)}`,
  );
}

/** Errors: RangeError for more bytes than can be counted. */
function tensorBytes(name: string, dtype: SafetensorsType, shape: readonly number[]): number {
  let size: number = elementBytes[dtype];
  for (const dimension of shape) {
    size *= dimension;
    if (!Number.isSafeInteger(size)) {
      throw new RangeError(`tensor ${show(name)} has the shape ${show(shape)}, beyond any file`);
    }
  }
  return size;
}

interface Entry {
  readonly name: string;
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

function readHeader(file: Uint8Array, size: number): { entries: Entry[]; start: number } {
  const start = headerEnd(file, size);
  if (start === 8 || file[8] !== OPENING_BRACE) throw new RangeError("its header is not an object");
  const header = parseHeader(file.subarray(8, start));
  const entries: Entry[] = [];
  for (const name of Object.keys(header)) {
    if (name === METADATA) requireTexts(header[name]);
    else entries.push(readEntry(name, header[name]));
  }
  return { entries, start };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    return parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Record<string, unknown>;
  } catch (error) {
    throw new RangeError(
      `its header is damaged: ${error instanceof SyntaxError ? error.message : "it is not UTF-8"}`,
    );
  }
}

function requireTexts(metadata: unknown): void {
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw new RangeError(`its ${METADATA} is ${show(metadata)}; expected an object of texts`);
  }
}

function readEntry(name: string, entry: unknown): Entry {
  const fault = (what: string) => new RangeError(`tensor ${show(name)}: ${what}`);
  if (!isObject(entry)) throw fault(`expected an object, got ${show(entry)}`);
  const unknown = Object.keys(entry).find((key) => !entryKeys.includes(key));
  if (unknown !== undefined) throw fault(`unknown key ${show(unknown)}`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== "string" || !Object.hasOwn(elementBytes, dtype)) {
    throw fault(`dtype is ${show(dtype)}; expected one of ${Object.keys(elementBytes).join(", ")}`);
  }
  if (!isSizes(shape)) throw fault(`shape is ${show(shape)}; expected a list of sizes`);
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw fault(`data_offsets is ${show(offsets)}; expected where it begins and ends`);
  }
  return { name, dtype: dtype as SafetensorsType, shape, from: offsets[0]!, to: offsets[1]! };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
