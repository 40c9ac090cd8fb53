// How a tensor of a file grows, row by row: which stretches of a row are old numbers, multiplied or not, new ones, zeros, or means.
// Numbers stay in the file's format, and only some rows are in memory at a time. Knows no file and no network.
import { RequestError } from "../errors.ts";
import { ARBITRARY, type AxisGrowth, MEAN, OLD, ZERO } from "../growth/axes.ts";
import type { ParameterGrowth } from "../growth/plan.ts";
import { keyOf } from "../nn/initialize.ts";
import type { Initializer } from "../nn/parameters.ts";
import type { ShapedTensor } from "./model.ts";
import {
  fromFloats,
  type NumberType,
  normalQuantiles,
  type Stored,
  storedArray,
  toFloats,
} from "./numbers.ts";

/** A stretch of a row whose numbers are all of one kind, and next to each other before as well. */
interface Stretch {
  readonly kind: number;
  /** Where it begins in the new row, and in the old one where it is old. */
  readonly to: number;
  readonly from: number;
  readonly length: number;
  readonly scale: number;
  readonly initializer: Initializer;
}

/** How a matrix of a file grows. */
export interface RowGrowth {
  readonly rows: AxisGrowth;
  /** Of each row; those of columns are in their stretches. */
  readonly rowScale: Float64Array;
  readonly stretches: readonly Stretch[];
  readonly columns: number;
  readonly columnsBefore: number;
  /** For each row that may be new the parameter it belongs to. */
  readonly initializerOfRow: readonly Initializer[] | null;
  /** Old rows are as they were, in full. */
  readonly keepsRows: boolean;
  /** Some of its numbers are rounded anew in a format that is shorter than float32. */
  readonly rounds: boolean;
  readonly key: readonly [number, number];
}

/** How a tensor grows whose parameters, in their order, grow so. */
export function rowGrowth(tensor: ShapedTensor, parts: readonly ParameterGrowth[], seed: number): RowGrowth {
  const isVector = parts[0]!.axes.length === 1;
  const across = isVector ? sameAxis(1) : parts[0]!.axes[0]!;
  if (parts.some((part) => !isVector && !alike(part.axes[0]!, across))) {
    throw new RangeError(`growth: the parts of ${tensor.name} do not grow alike`);
  }
  if (parts.some(({ axes }) => axes.some(({ factors }) => factors !== undefined))) {
    throw new RequestError(
      `grow: ${tensor.name} grows by copies that are shared out, which public folders do not; import the folder and grow the run`,
    );
  }
  const along = joined(parts.map(({ axes }) => axes.at(-1)!));
  const scales = Float64Array.from(
    parts.flatMap(({ axes, scale }) => Array.from(axes.at(-1)!.from, () => scale)),
  );
  const owners = parts.flatMap(({ axes, declaration }) =>
    Array.from(axes.at(-1)!.from, () => declaration.initializer),
  );
  const [rows, columns] = tensor.transposed ? [along, across] : [across, along];
  const byRow = tensor.transposed;
  const ones = (axis: AxisGrowth) => new Float64Array(axis.from.length).fill(1);
  const first = parts[0]!.declaration.initializer;
  const stretches = stretchesOf(
    columns,
    byRow ? ones(columns) : scales,
    byRow ? () => first : (i) => owners[i]!,
  );
  const rowScale = byRow ? scales : ones(rows);
  const isWhole =
    stretches.length === 1 && stretches[0]!.kind === OLD && columns.from.length === columns.before;
  const scaled = [...stretches.map(({ scale }) => scale), ...new Set(rowScale)].some(
    (scale) => !isPowerOfTwo(scale),
  );
  const hasMeans = rows.kind.includes(MEAN) || columns.kind.includes(MEAN);
  return {
    ...{ rows, rowScale, stretches, columns: columns.from.length, columnsBefore: columns.before },
    initializerOfRow: byRow ? owners : null,
    keepsRows: isWhole && stretches[0]!.scale === 1 && rowScale.every((scale) => scale === 1),
    rounds: scaled || hasMeans,
    key: keyOf(tensor.name, seed),
  };
}

function sameAxis(count: number): AxisGrowth {
  return {
    from: Int32Array.from({ length: count }, (_, i) => i),
    kind: new Uint8Array(count),
    before: count,
  };
}

function alike(a: AxisGrowth, b: AxisGrowth): boolean {
  return a === b || (a.from.join() === b.from.join() && a.kind.join() === b.kind.join());
}

function joined(axes: readonly AxisGrowth[]): AxisGrowth {
  let before = 0;
  const from: number[] = [];
  const kind: number[] = [];
  for (const axis of axes) {
    for (const place of axis.from) from.push(place < 0 ? -1 : place + before);
    for (const each of axis.kind) kind.push(each);
    before += axis.before;
  }
  return { from: Int32Array.from(from), kind: Uint8Array.from(kind), before };
}

const isPowerOfTwo = (scale: number): boolean => scale > 0 && Number.isInteger(Math.log2(scale));

function stretchesOf(
  { from, kind }: AxisGrowth,
  scales: Float64Array,
  owner: (place: number) => Initializer,
): Stretch[] {
  const found: Stretch[] = [];
  for (let start = 0, end = 1; start < from.length; start = end++) {
    const continues = (i: number): boolean =>
      i < from.length &&
      kind[i] === kind[start] &&
      scales[i] === scales[start] &&
      owner(i) === owner(start) &&
      (kind[start] !== OLD || from[i] === from[start]! + i - start);
    while (continues(end)) end++;
    found.push({
      ...{ kind: kind[start]!, to: start, from: from[start]!, length: end - start },
      ...{ scale: scales[start]!, initializer: owner(start) },
    });
  }
  return found;
}

/** Gives `count` old rows from `first` on, in `into`, which has room for exactly them. */
export type RowReader = (first: number, count: number, into: Stored) => void;

/** Rows that are read or written at a time, in bytes. */
const SLAB_BYTES = 2 ** 24;

/** Calls `write` with the new rows, some at a time and in order; the array is one and the same. */
export function* growRows(growth: RowGrowth, type: NumberType, read: RowReader): Generator<Stored> {
  const { rows, columns, columnsBefore } = growth;
  const bytes = type === "F32" ? 4 : 2;
  const most = Math.max(1, Math.floor(SLAB_BYTES / (bytes * Math.max(columns, columnsBefore, 1))));
  const count = rows.from.length;
  const slab = storedArray(type, Math.min(most, count) * columns);
  const old = growth.keepsRows ? slab : storedArray(type, Math.min(most, count) * columnsBefore);
  const hasOld = growth.stretches.some(({ kind }) => kind === OLD);
  const means = rows.kind.includes(MEAN) ? columnMeans(growth, type, read, most) : undefined;
  for (let first = 0; first < count; first += most) {
    const last = Math.min(count, first + most);
    const out = slab.subarray(0, (last - first) * columns);
    if (!growth.keepsRows) out.fill(0);
    for (let row = first, end: number; row < last; row = end) {
      end = endOfRun(rows, row, last);
      const at = (row - first) * columns;
      if (rows.kind[row] !== OLD) {
        if (growth.keepsRows) out.fill(0, at, (end - first) * columns);
        for (let i = row; i < end; i++) newRow(growth, type, i, out, (i - first) * columns, means);
        continue;
      }
      const before = (growth.keepsRows ? out.subarray(at) : old).subarray(0, (end - row) * columnsBefore);
      if (hasOld) read(rows.from[row]!, end - row, before);
      if (growth.keepsRows) continue;
      for (let i = row; i < end; i++) {
        oldRow(growth, type, i, before.subarray((i - row) * columnsBefore), out, (i - first) * columns);
      }
    }
    yield out;
  }
}

/** Rows of one kind, old ones next to each other before as well. */
function endOfRun({ from, kind }: AxisGrowth, row: number, last: number): number {
  let end = row + 1;
  while (end < last && kind[end] === kind[row] && (kind[row] !== OLD || from[end] === from[row]! + end - row))
    end++;
  return end;
}

function oldRow(
  growth: RowGrowth,
  type: NumberType,
  row: number,
  old: Stored,
  out: Stored,
  at: number,
): void {
  for (const stretch of growth.stretches) {
    const { kind, to, from, length } = stretch;
    switch (kind) {
      case OLD: {
        const scale = stretch.scale * growth.rowScale[row]!;
        const numbers = old.subarray(from, from + length);
        if (scale === 1) out.set(numbers, at + to);
        else
          fromFloats(
            type,
            toFloats(type, numbers).map((value) => scale * value),
            out,
            at + to,
          );
        break;
      }
      case ARBITRARY:
        fillNew(growth, type, row, stretch, out, at);
    }
  }
  fillRowMeans(growth, type, out, at);
}

function newRow(
  growth: RowGrowth,
  type: NumberType,
  row: number,
  out: Stored,
  at: number,
  means: Stored | undefined,
): void {
  const kind = growth.rows.kind[row]!;
  if (kind === ZERO) return;
  for (const stretch of growth.stretches) {
    if (Math.max(kind, stretch.kind) === ARBITRARY) fillNew(growth, type, row, stretch, out, at);
    else if (kind === MEAN && stretch.kind === OLD) {
      out.set(means!.subarray(stretch.to, stretch.to + stretch.length), at + stretch.to);
    } else if (kind === MEAN && stretch.kind !== ZERO) {
      throw new RangeError("growth: a mean of numbers that are new");
    }
  }
  if (kind === ARBITRARY) fillRowMeans(growth, type, out, at);
}

/** Of the stretches of a row that are known. */
function fillRowMeans({ stretches }: RowGrowth, type: NumberType, out: Stored, at: number): void {
  const wanted = stretches.filter(({ kind }) => kind === MEAN);
  if (wanted.length === 0) return;
  let [sum, count] = [0, 0];
  for (const { kind, to, length } of stretches) {
    if (kind !== OLD) continue;
    for (const value of toFloats(type, out.subarray(at + to, at + to + length))) sum += value;
    count += length;
  }
  const mean = Float32Array.of(sum / count);
  for (const { to, length } of wanted) {
    fromFloats(type, mean, out, at + to);
    out.fill(out[at + to]!, at + to, at + to + length);
  }
}

/** The means over all old rows, at the new columns; zero where a column is not old. */
function columnMeans(growth: RowGrowth, type: NumberType, read: RowReader, most: number): Stored {
  const { rows, columnsBefore, columns, stretches } = growth;
  const sums = new Float64Array(columnsBefore);
  const slab = storedArray(type, Math.min(most, rows.before) * columnsBefore);
  for (let first = 0; first < rows.before; first += most) {
    const count = Math.min(most, rows.before - first);
    const numbers = slab.subarray(0, count * columnsBefore);
    read(first, count, numbers);
    const floats = toFloats(type, numbers);
    for (let i = 0; i < floats.length; i++) sums[i % columnsBefore]! += floats[i]!;
  }
  const out = storedArray(type, columns);
  for (const { kind, to, from, length } of stretches) {
    if (kind !== OLD) continue;
    const means = Float32Array.from({ length }, (_, i) => sums[from + i]! / rows.before);
    fromFloats(type, means, out, to);
  }
  return out;
}

/** New numbers of a stretch; each depends on its place, the tensor's name and the seed alone. */
function fillNew(
  growth: RowGrowth,
  type: NumberType,
  row: number,
  { to, length, initializer: own }: Stretch,
  out: Stored,
  at: number,
): void {
  const initializer = growth.initializerOfRow?.[row] ?? own;
  switch (initializer.kind) {
    case "constant":
      fromFloats(type, new Float32Array(length).fill(initializer.value), out, at + to);
      return;
    case "normal": {
      const table = normalQuantiles(type, initializer.standardDeviation);
      const start = row * growth.columns + to;
      const [first, second] = growth.key;
      // Each mixed number gives two.
      for (let i = 0; i < length; i += 2) {
        const drawn = mixed(start + i, first, second);
        out[at + to + i] = table[drawn >>> 16]!;
        if (i + 1 < length) out[at + to + i + 1] = table[drawn & 0xffff]!;
      }
      return;
    }
    default:
      throw new RangeError(`growth: no layout has parameters that begin as ${initializer.kind}`);
  }
}

/** 32 well mixed bits of a place (Wellons 2018, "lowbias32"). */
function mixed(place: number, first: number, second: number): number {
  let x = Math.imul(place ^ first, 0x9e3779b1) ^ second;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
