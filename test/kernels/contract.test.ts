// OP_CONTRACT and OP_PACK against sums in float64: odd sizes, all storage orders, every way to cut; under sanitizers, in
// both precisions. Every cut of a product must give the same bits.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Contraction,
  type Cut,
  chooseCut,
  contractionBlocks,
  contractionItems,
  contractionOf,
  contractionScratchBytes,
  contractionWords,
  cutIntoGroups,
  packedElements,
  packRows,
  packWords,
  worthPacking,
} from "../../src/backend/tape/contract.ts";
import { opcode } from "../../src/backend/tape/opcodes.ts";
import {
  createTapeWriter,
  elementType,
  type Operand,
  space,
  type TapeWriter,
} from "../../src/backend/tape/writer.ts";
import { rowMajorStrides, type Strided, sizeOf } from "../../src/tensor/tensor.ts";
import { noise } from "./cases.ts";

const sources = new URL("../../src/kernels/", import.meta.url).pathname;
const driver = new URL("./contract_driver.c", import.meta.url).pathname;

type Reals = Float32Array | Float64Array;

interface Instruction {
  readonly code: number;
  readonly rows: number;
  readonly rowsPerGroup: number;
  readonly write: (writer: TapeWriter) => void;
}

interface Case {
  readonly scratchBytes: number;
  readonly instructions: readonly Instruction[];
  /** a, b, output, addend, packed b. */
  readonly bindings: readonly Reals[];
}

/** One product of views into arrays, and how to compute it. */
interface Problem {
  readonly name: string;
  readonly a: Strided;
  readonly b: Strided;
  readonly batch: readonly number[];
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** Strides of the addend (0: repeated), "output" for the output itself; none without. */
  readonly addend: Strided | "output" | undefined;
  readonly scale: number;
  /** Elements from row to row of the output. */
  readonly outputRow: number;
}

interface Layout {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly spread?: number;
  readonly sharedB?: boolean;
}

const maximum = (view: Strided): number =>
  view.offset +
  view.shape.reduce((last, size, axis) => last + Math.max(0, size - 1) * view.strides[axis]!, 0) +
  1;

/** A matrix [batch…, rows, columns]; `spread` leaves holes between rows' elements and between rows. */
function stored(
  batch: readonly number[],
  rows: number,
  columns: number,
  transposed: boolean,
  spread: number,
): Strided {
  const shape = [...batch, ...(transposed ? [columns, rows] : [rows, columns]).map((size) => size * spread)];
  const strides = rowMajorStrides(shape).map((stride, axis) =>
    axis >= batch.length ? stride * spread : stride,
  );
  if (transposed) strides.push(...strides.splice(-2).reverse());
  return { shape: [...batch, rows, columns], offset: spread - 1, strides };
}

function problem(
  [rows, columns, depth]: readonly [number, number, number],
  batch: readonly number[] = [],
  layout: Layout = {},
  more: Partial<Pick<Problem, "addend" | "scale">> = {},
): Problem {
  const b = stored(
    layout.sharedB ? batch.map(() => 1) : batch,
    depth,
    columns,
    layout.transposeB ?? false,
    layout.spread ?? 1,
  );
  return {
    name: `${[...batch, rows, columns, depth].join("x")} ${JSON.stringify({ ...layout, ...more })}`,
    a: stored(batch, rows, depth, layout.transposeA ?? false, layout.spread ?? 1),
    b: layout.sharedB
      ? {
          ...b,
          shape: [...batch, depth, columns],
          strides: b.strides.map((s, i) => (i < batch.length ? 0 : s)),
        }
      : b,
    batch,
    rows,
    columns,
    depth,
    addend: more.addend,
    scale: more.scale ?? 1,
    outputRow: columns + (layout.spread ?? 1) - 1,
  };
}

const outputView = ({ batch, rows, columns, outputRow }: Problem): Strided => ({
  shape: [...batch, rows, columns],
  offset: 0,
  strides: [...rowMajorStrides([...batch, rows * outputRow]).slice(0, -1), outputRow, 1],
});

function contractionFor(p: Problem): Contraction {
  const addend = p.addend === "output" ? outputView(p) : p.addend;
  return contractionOf(p.a, p.b, outputView(p), addend);
}

/** Every way the engine could cut the product, packed beforehand or not. */
function cutsOf(contraction: Contraction): { cut: Cut; packed: boolean }[] {
  const { rows, columns, batch } = contraction;
  const products = batch.reduce((n, size) => n * size, 1);
  const tiled = (tileRows: number, tileColumns: number, rowsPerGroup: number): Cut => {
    const tiles = products * Math.ceil(rows / tileRows) * Math.ceil(columns / tileColumns);
    return { split: "tiles", rows: tiles, rowsPerGroup, tileRows, tileColumns };
  };
  const cuts = [chooseCut(contraction, false, 2), chooseCut(contraction, false, 7)];
  cuts.push(tiled(rows, columns, 1), tiled(Math.ceil(rows / 3), Math.min(columns, 64), 2));
  if (products === 1 || batch.length > 0)
    cuts.push(cutIntoGroups(contraction, 1), cutIntoGroups(contraction, 3));
  const packable = worthPacking(contraction, 1, true);
  return cuts.flatMap((cut) =>
    packable
      ? [
          { cut, packed: false },
          { cut, packed: true },
        ]
      : [{ cut, packed: false }],
  );
}

const operand = (binding: number, element: number, item: number): Operand => ({
  space: space.binding(binding),
  type: elementType.real,
  line: 0,
  element,
  item,
  step: [],
});

function caseOf(p: Problem, cut: Cut, packed: boolean, values: readonly Reals[]): Case {
  const contraction = contractionFor(p);
  const items = contractionItems(contraction, cut);
  const { rows: count, rowsPerGroup } = cut;
  const addend =
    p.addend === "output"
      ? operand(2, 0, items.output)
      : p.addend && operand(3, p.addend.offset, items.addend);
  const multiply: Instruction = {
    code: opcode.contract,
    rows: count,
    rowsPerGroup,
    write: (writer) =>
      contractionWords(
        {
          contraction,
          cut,
          packed,
          scale: p.scale,
          a: operand(0, p.a.offset, items.a),
          b: packed ? operand(4, 0, 0) : operand(1, p.b.offset, items.b),
          output: operand(2, 0, items.output),
          addend,
        },
        writer,
      ),
  };
  const { columns, depth, b } = contraction;
  const pack: Instruction = {
    code: opcode.pack,
    rows: packRows({ columns }),
    rowsPerGroup: 1,
    write: (writer) =>
      packWords(
        {
          columns,
          depth,
          b: operand(1, p.b.offset, 0),
          packed: operand(4, 0, 0),
          depthStride: b.row,
          columnStride: b.column,
        },
        writer,
      ),
  };
  return {
    scratchBytes: contractionScratchBytes(contraction, packed, values[0]!.BYTES_PER_ELEMENT),
    instructions: packed ? [pack, multiply] : [multiply],
    bindings: values,
  };
}

function inputs(p: Problem, real: (values: ArrayLike<number>) => Reals, seed: number): Reals[] {
  const output = maximum(outputView(p));
  const addend = typeof p.addend === "object" ? maximum(p.addend) : 0;
  const contraction = contractionFor(p);
  const packed = contraction.batch.length === 0 ? packedElements(contraction) : 0;
  const sizes = [maximum(p.a), maximum(p.b), output, addend, packed];
  return sizes.map((size, i) => real(noise(Math.max(0, size), seed + i)));
}

/** Index of every element of a view in row-major order. */
function indices({ shape, offset, strides }: Strided): Int32Array {
  const counter = shape.map(() => 0);
  return Int32Array.from({ length: sizeOf(shape) }, () => {
    const index = counter.reduce((sum, i, axis) => sum + i * strides[axis]!, offset);
    for (let axis = shape.length - 1; axis >= 0 && ++counter[axis]! === shape[axis]; axis--)
      counter[axis] = 0;
    return index;
  });
}

function expected(p: Problem, [a, b, output, addend]: readonly Reals[]): Float64Array {
  const result = Float64Array.from(output!);
  const places = indices(outputView(p));
  const added = p.addend === "output" ? places : p.addend && indices(p.addend);
  const [left, right] = [indices(p.a), indices(p.b)];
  const { rows, columns, depth } = p;
  for (let at = 0; at < places.length; at++) {
    const [batch, i, j] = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
    let sum = 0;
    for (let k = 0; k < depth; k++) {
      sum += a![left[(batch * rows + i) * depth + k]!]! * b![right[(batch * depth + k) * columns + j]!]!;
    }
    const extra = added === undefined ? 0 : (p.addend === "output" ? output! : addend!)[added[at]!]!;
    result[places[at]!] = p.scale * sum + extra;
  }
  return result;
}

const sides = [1, 2, 3, 7, 8, 12, 13, 16, 25, 33, 64, 96, 100, 129, 200];

/** Sizes of a pseudo-random walk through the interesting ones, so that all meet. */
const sampled = (count: number): (readonly [number, number, number])[] => {
  const walk = noise(3 * count, 77);
  const side = (i: number): number => sides[Math.floor(((walk[i]! + 1) / 2) * sides.length)]!;
  return Array.from({ length: count }, (_, i) => [side(3 * i), side(3 * i + 1), side(3 * i + 2)] as const);
};

const layouts: readonly Layout[] = [
  {},
  { transposeA: true },
  { transposeB: true },
  { transposeA: true, transposeB: true },
  { spread: 2 },
];

function problems(): Problem[] {
  const list = sampled(10).flatMap((size) => layouts.map((layout) => problem(size, [], layout)));
  for (const layout of layouts) {
    list.push(
      problem([30, 50, 1000], [], layout, { scale: -0.37 }),
      problem([25, 450, 500], [], layout, { addend: "output" }),
    );
    list.push(
      problem([110, 40, 385], [], layout),
      problem([5, 70, 401], [], layout),
      problem([70, 3, 401], [], layout),
    );
    list.push(
      problem([5, 6, 7], [3], layout),
      problem([25, 16, 9], [2, 3], layout),
      problem([4, 33, 20], [2, 1, 3, 2], layout),
    );
    list.push(
      problem([6, 40, 5], [3], { ...layout, sharedB: true }),
      problem([1, 40, 5], [4, 3], { ...layout, sharedB: true }),
    );
    list.push(problem([7, 9, 0], [], layout), problem([7, 9, 0], [], layout, { addend: "output" }));
  }
  const addend = (shape: readonly number[], strides: readonly number[]): Strided => ({
    shape,
    strides,
    offset: 1,
  });
  list.push(problem([30, 40, 20], [], {}, { addend: addend([30, 40], [0, 1]), scale: 2 }));
  list.push(problem([30, 40, 900], [], {}, { addend: addend([30, 40], [1, 0]) }));
  list.push(problem([3, 40, 90], [], { transposeB: true }, { addend: addend([3, 40], [50, 2]) }));
  list.push(problem([9, 10, 11], [4, 3], {}, { addend: addend([4, 3, 9, 10], [0, 90, 10, 1]), scale: 0.5 }));
  list.push(problem([7, 9, 0], [], {}, { addend: addend([7, 9], [0, 1]) }));
  list.push(problem([30, 70, 1024]), problem([200, 130, 2048], [], { transposeB: true }));
  const repeated: Strided = { shape: [20, 30], strides: [0, 0], offset: 0 };
  list.push({ ...problem([20, 50, 30]), name: "one number as a matrix", a: repeated });
  list.push({
    ...problem([40, 20, 30]),
    name: "one number as the right matrix",
    b: { ...repeated, shape: [30, 20] },
  });
  return list;
}

function bytesOf(values: Reals | Int32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

function encode(cases: readonly Case[]): Buffer {
  const parts: Buffer[] = [bytesOf(Int32Array.of(cases.length))];
  for (const { scratchBytes, instructions, bindings } of cases) {
    const sizes = bindings.map((values) => values.byteLength);
    parts.push(bytesOf(Int32Array.of(instructions.length, bindings.length, scratchBytes, ...sizes)));
    for (const { code, rows, rowsPerGroup, write } of instructions) {
      const writer = createTapeWriter();
      write(writer);
      parts.push(bytesOf(Int32Array.of(code, writer.words.length + 4, rows, rowsPerGroup, ...writer.words)));
    }
    parts.push(...bindings.map(bytesOf));
  }
  return Buffer.concat(parts);
}

describe.each(["float", "double"] as const)("%s", (precision) => {
  const real = (values: ArrayLike<number>): Reals =>
    precision === "float" ? Float32Array.from(values) : Float64Array.from(values);
  const folder = mkdtempSync(join(tmpdir(), "scantling-contract-"));
  const program = join(folder, "contract");

  beforeAll(() => {
    const flags = [
      "-std=c11",
      "-O1",
      "-march=native",
      "-fno-math-errno",
      "-ffp-contract=fast",
      "-Wall",
      "-Wextra",
      "-Werror",
    ];
    flags.push("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", sources);
    if (precision === "double") flags.push("-DSCANTLING_DOUBLE");
    const files = [driver, join(sources, "contract.c"), join(sources, "panel.c")];
    execFileSync(process.env.CC ?? "cc", [...flags, ...files, "-o", program]);
  }, 180_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function run(cases: readonly Case[]): Reals[] {
    writeFileSync(join(folder, "in"), encode(cases));
    execFileSync(program, [join(folder, "in"), join(folder, "out")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const bytes = Uint8Array.from(readFileSync(join(folder, "out"))).buffer;
    const all = precision === "float" ? new Float32Array(bytes) : new Float64Array(bytes);
    let at = 0;
    return cases.map(({ bindings }) => {
      const start = at + bindings[0]!.length + bindings[1]!.length;
      at += bindings.reduce((total, values) => total + values.length, 0);
      return all.slice(start, start + bindings[2]!.length);
    });
  }

  test("every product, however it is cut", () => {
    const epsilon = precision === "float" ? 2 ** -23 : 2 ** -52;
    const list = problems().map((p, seed) => ({
      p,
      values: inputs(p, real, 10 * seed),
      cuts: cutsOf(contractionFor(p)),
    }));
    const results = run(
      list.flatMap(({ p, values, cuts }) => cuts.map(({ cut, packed }) => caseOf(p, cut, packed, values))),
    );
    const errors: string[] = [];
    let at = 0;
    for (const { p, values, cuts } of list) {
      const right = expected(p, values);
      const tolerance = (p.depth + 8) * epsilon * Math.max(1, Math.abs(p.scale));
      // Few rows are multiplied by dot products where b lies along the depth, unless it is packed: another order of sums.
      const { rows, b } = contractionFor(p);
      const byDots = rows <= contractionBlocks.fewRows && b.row === 1;
      const firsts = new Map<boolean, Reals>();
      for (const { cut, packed } of cuts) {
        const other = results[at++]!;
        const first = firsts.get(packed && byDots);
        if (first === undefined) {
          firsts.set(packed && byDots, other);
          const wrong = other.findIndex((value, i) => !(Math.abs(value - right[i]!) <= tolerance));
          if (wrong >= 0) errors.push(`${p.name}: [${wrong}] is ${other[wrong]}, expected ${right[wrong]}`);
        } else if (!other.every((value, i) => Object.is(value, first[i]))) {
          errors.push(`${p.name}: ${JSON.stringify(cut)}${packed ? " packed" : ""} gives other bits`);
        }
      }
    }
    expect(errors.slice(0, 10)).toEqual([]);
  }, 120_000);
});

test("the encoder and the kernel agree on their blocks", () => {
  const header = readFileSync(join(sources, "contract.h"), "utf8");
  const constant = (name: string): number => Number(new RegExp(`${name} = (\\d+)`).exec(header)![1]);
  expect({
    depth: constant("DEPTH_BLOCK"),
    columns: constant("COLUMN_BLOCK"),
    rows: constant("ROW_BLOCK"),
    rowGap: constant("ROW_GAP"),
    packColumns: constant("PACK_COLUMNS"),
    fewRows: constant("FEW_ROWS"),
    fewColumns: constant("FEW_COLUMNS"),
  }).toEqual(contractionBlocks);
});

test("batches that continue the rows of a shared matrix become rows", () => {
  const view = (shape: readonly number[], strides = rowMajorStrides(shape)): Strided => ({
    shape,
    offset: 0,
    strides,
  });
  const folded = contractionOf(view([4, 3, 8]), view([4, 8, 5], [0, 5, 1]), view([4, 3, 5]));
  expect([folded.batch, folded.rows]).toEqual([[], 12]);
  const apart = contractionOf(view([4, 3, 8]), view([4, 8, 5]), view([4, 3, 5]));
  expect([apart.batch, apart.rows]).toEqual([[4], 3]);
  const merged = contractionOf(view([2, 4, 3, 8]), view([2, 4, 8, 5]), view([2, 4, 3, 5]));
  expect(merged.batch).toEqual([8]);
});

test("tiles keep all threads busy", () => {
  const view = (shape: readonly number[], strides = rowMajorStrides(shape)): Strided => ({
    shape,
    offset: 0,
    strides,
  });
  for (const [rows, columns, depth] of [
    [128, 256, 16384],
    [384, 1536, 2048],
    [2048, 1536, 384],
    [1, 4096, 4096],
  ] as const) {
    for (const threads of [2, 4, 8]) {
      const cut = chooseCut(
        contractionOf(view([rows, depth], [1, rows]), view([depth, columns]), view([rows, columns])),
        false,
        threads,
      );
      const groups = Math.ceil(cut.rows / cut.rowsPerGroup);
      expect(groups / threads / Math.ceil(groups / threads)).toBeGreaterThan(0.8);
    }
  }
});
