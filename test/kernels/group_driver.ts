// Builds group_driver.c and hands it instructions: words from the encoders, bindings as arrays. Knows the instructions
// group and reduce.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { groupScratchBytes } from "../../src/backend/tape/groupScratch.ts";
import { type GroupCode, groupCodes, opcode } from "../../src/backend/tape/opcodes.ts";
import { type ReduceInstruction, reduceRows, reduceWords } from "../../src/backend/tape/reduce.ts";
import {
  createTapeWriter,
  type ElementType,
  elementType,
  maxAxes,
  type Operand,
  space,
  type TapeWriter,
} from "../../src/backend/tape/writer.ts";

export interface Build {
  readonly name: string;
  readonly realBytes: 4 | 8;
  readonly flags: readonly string[];
}

const native = process.arch === "x64" ? ["-march=native"] : [];
const checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

export const builds = {
  float: { name: "float", realBytes: 4, flags: ["-O3", ...native] },
  double: { name: "double", realBytes: 8, flags: ["-O2", ...native, "-DSCANTLING_DOUBLE"] },
  checked: { name: "float, sanitizers", realBytes: 4, flags: ["-O0", ...native, ...checks] },
  checkedDouble: {
    name: "double, sanitizers",
    realBytes: 8,
    flags: ["-O0", ...native, ...checks, "-DSCANTLING_DOUBLE"],
  },
  narrow: { name: "float, 16-byte vectors, sanitizers", realBytes: 4, flags: ["-O1", ...checks] },
  middle: {
    name: "float, 32-byte vectors, sanitizers",
    realBytes: 4,
    flags: ["-O1", ...(process.arch === "x64" ? ["-march=x86-64-v3"] : []), ...checks],
  },
} as const satisfies Record<string, Build>;

export type Values = Float32Array | Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

export interface Case {
  readonly opcode: number;
  readonly rows: number;
  readonly rowsPerGroup: number;
  readonly scratchBytes: number;
  readonly words: readonly number[];
  readonly bindings: readonly Values[];
  readonly repetitions?: number;
}

export interface Outcome {
  readonly seconds: number;
  readonly bindings: Values[];
}

export interface Driver {
  readonly build: Build;
  run(cases: readonly Case[]): Outcome[];
  real(values: ArrayLike<number>): Float32Array | Float64Array;
  dispose(): void;
}

export const bound = (binding: number, type: ElementType = elementType.real, element = 0): Operand => ({
  space: space.binding(binding),
  type,
  line: 0,
  element,
  item: 0,
  step: [],
});

/** A group_value of src/kernels/group.h. */
export type GroupValue =
  | { readonly kind: "tile" | "column"; readonly register: number }
  | { readonly kind: "immediate"; readonly value: number }
  | { readonly kind: "integer"; readonly value: number }
  | {
      readonly kind: "memory";
      readonly operand: Operand;
      readonly axes: readonly { readonly divisor: number; readonly size: number; readonly stride: number }[];
      readonly columnStride: number;
    };

export interface GroupInstruction {
  readonly code: GroupCode;
  readonly extent: "tile" | "column";
  /** Indices of values; -1 where unused. */
  readonly result: number;
  readonly operands: readonly number[];
}

export interface Group {
  readonly length: number;
  readonly tileRows: number;
  readonly tileRegisters: number;
  readonly columnRegisters: number;
  readonly accumulators: number;
  readonly values: readonly GroupValue[];
  readonly instructions: readonly GroupInstruction[];
}

function groupWords(group: Group, writer: TapeWriter): void {
  const { length, tileRows, tileRegisters, columnRegisters, accumulators, values, instructions } = group;
  const sizes = [
    length,
    tileRows,
    tileRegisters,
    columnRegisters,
    accumulators,
    values.length,
    instructions.length,
  ];
  for (const size of sizes) writer.word(size);
  for (const value of values) valueWords(value, writer);
  for (const { code, extent, result, operands } of instructions) {
    const [a = -1, b = -1, c = -1] = operands;
    const words = [groupCodes.indexOf(code), extent === "tile" ? 0 : 1, result, a, b, c];
    for (const word of words) writer.word(word);
  }
}

function valueWords(value: GroupValue, writer: TapeWriter): void {
  const kinds = { tile: 0, column: 1, immediate: 2, memory: 3, integer: 4 } as const;
  writer.word(kinds[value.kind]);
  if (value.kind === "immediate") writer.double(value.value);
  else if (value.kind === "integer") {
    writer.word(value.value | 0);
    writer.word(value.value < 0 ? -1 : 0);
  } else {
    writer.word(value.kind === "memory" ? 0 : value.register);
    writer.word(0);
  }
  const { operand, axes, columnStride } =
    value.kind === "memory" ? value : { operand: undefined, axes: [], columnStride: 0 };
  writer.operand(operand);
  writer.word(axes.length);
  for (const key of ["divisor", "size", "stride"] as const) {
    for (let i = 0; i < maxAxes; i++) writer.word(axes[i]?.[key] ?? 0);
  }
  writer.word(columnStride);
}

export function groupCase(
  realBytes: 4 | 8,
  rows: number,
  rowsPerGroup: number,
  group: Group,
  bindings: readonly Values[],
): Case {
  const writer = createTapeWriter();
  groupWords(group, writer);
  const scratchBytes = groupScratchBytes({ ...group, values: group.values.length, realBytes });
  return { opcode: opcode.group, rows, rowsPerGroup, scratchBytes, words: writer.words, bindings };
}

export function reduceCase(
  instruction: ReduceInstruction,
  rowsPerGroup: number,
  bindings: readonly Values[],
): Case {
  const writer = createTapeWriter();
  reduceWords(instruction, writer);
  return {
    opcode: opcode.reduce,
    rows: reduceRows(instruction),
    rowsPerGroup,
    scratchBytes: 0,
    words: writer.words,
    bindings,
  };
}

const kernels = [
  "group",
  "group_real",
  "group_integer",
  "group_memory",
  "group_counter",
  "group_reduce",
  "reduce",
];

export function buildDriver(build: Build): Driver {
  const sources = fileURLToPath(new URL("../../src/kernels/", import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), "scantling-group-"));
  const program = join(folder, "driver");
  const files = [
    fileURLToPath(new URL("group_driver.c", import.meta.url)),
    ...kernels.map((name) => join(sources, `${name}.c`)),
  ];
  const flags = [
    "-std=c11",
    "-fno-math-errno",
    "-ffp-contract=fast",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-I",
    sources,
  ];
  execFileSync(process.env.CC ?? "cc", [...flags, ...build.flags, ...files, "-lm", "-o", program]);
  const input = join(folder, "in");
  const output = join(folder, "out");
  return {
    build,
    run(cases) {
      writeFileSync(input, encode(cases));
      execFileSync(program, [input, output], { stdio: ["ignore", "pipe", "inherit"] });
      return decode(cases, readFileSync(output));
    },
    real: (values) => (build.realBytes === 4 ? Float32Array.from(values) : Float64Array.from(values)),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const longs = (...values: number[]): Buffer => Buffer.from(BigInt64Array.from(values.map(BigInt)).buffer);
const bytesOf = (values: Values): Buffer => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

function encode(cases: readonly Case[]): Buffer {
  const parts = [longs(cases.length)];
  for (const { opcode: code, rows, rowsPerGroup, scratchBytes, words, bindings, repetitions } of cases) {
    const length = words.length + 4;
    parts.push(longs(length, scratchBytes, bindings.length, repetitions ?? 1));
    parts.push(longs(...bindings.map((values) => values.byteLength)));
    parts.push(bytesOf(Int32Array.from([code, length, rows, rowsPerGroup, ...words])));
    parts.push(...bindings.map(bytesOf));
  }
  return Buffer.concat(parts);
}

function decode(cases: readonly Case[], output: Buffer): Outcome[] {
  let at = 0;
  return cases.map(({ bindings }) => {
    const seconds = output.readDoubleLE(at);
    at += 8;
    const after = bindings.map((before) => {
      const values = before.slice();
      output.copy(bytesOf(values), 0, at, at + values.byteLength);
      at += values.byteLength;
      return values;
    });
    return { seconds, bindings: after };
  });
}
