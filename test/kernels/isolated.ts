// Single instructions through isolated.c, built with sanitizers in both precisions. Knows no kernel but their file names.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ElementType, Operand, TapeWriter } from "../../src/backend/tape/writer.ts";
import { createTapeWriter, elementType, space } from "../../src/backend/tape/writer.ts";

const sources = fileURLToPath(new URL("../../src/kernels/", import.meta.url));
const driver = fileURLToPath(new URL("isolated.c", import.meta.url));
const kernels = [
  "gather",
  "scatter_add",
  "sort",
  "cumulative_sum",
  "triangular_solve",
  "grouped_product",
  "long_convolution",
  "short_convolution",
  "linear_recurrence",
  "dynamic_slice",
  "matrix_recurrence",
  "selective_scan",
  "head_convolution",
  "panel",
];

const header = readFileSync(join(sources, "opcodes.h"), "utf8");
const opcodes = new Map(
  Array.from(header.matchAll(/(OP_\w+) = (\d+)/g), ([, name, code]) => [name, Number(code)]),
);

export type Precision = "float" | "double";
export type Values = Float32Array | Float64Array | Int32Array | Uint32Array;

/** One instruction. Operands are bindings: `operand(i)` is the i-th of `bindings`, read before and returned after. */
export interface Case {
  /** Its name in opcodes.h. */
  readonly opcode: `OP_${string}`;
  readonly rows: number;
  readonly rowsPerGroup: number;
  readonly scratchBytes: number;
  readonly bindings: readonly Values[];
  write(writer: TapeWriter): void;
}

export interface Driver {
  /** The bindings of every case after it ran. */
  run(cases: readonly Case[]): Values[][];
  real(values: ArrayLike<number>): Float32Array | Float64Array;
  dispose(): void;
}

export function operand(
  binding: number,
  type: ElementType = elementType.real,
  item = 0,
  element = 0,
): Operand {
  return { space: space.binding(binding), type, line: 0, element, item, step: [] };
}

export function buildDriver(precision: Precision): Driver {
  const folder = mkdtempSync(join(tmpdir(), "scantling-isolated-"));
  const program = join(folder, "isolated");
  const flags = [
    "-std=c11",
    "-O1",
    "-march=native",
    "-fno-math-errno",
    "-ffp-contract=fast",
    "-Wall",
    "-Wextra",
  ];
  const checks = ["-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", sources];
  if (precision === "double") flags.push("-DSCANTLING_DOUBLE");
  const files = [driver, ...kernels.map((name) => join(sources, `${name}.c`))];
  execFileSync(process.env.CC ?? "cc", [...flags, ...checks, ...files, "-lm", "-o", program]);
  const input = join(folder, "in");
  const output = join(folder, "out");
  return {
    run(cases) {
      writeFileSync(input, encode(cases));
      execFileSync(program, [input, output], { stdio: ["ignore", "pipe", "inherit"] });
      return decode(cases, readFileSync(output));
    },
    real: (values) => (precision === "float" ? Float32Array.from(values) : Float64Array.from(values)),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function encode(cases: readonly Case[]): Buffer {
  const parts: Buffer[] = [words([cases.length])];
  for (const { opcode, rows, rowsPerGroup, scratchBytes, bindings, write } of cases) {
    const writer = createTapeWriter();
    write(writer);
    const length = writer.words.length + 4;
    parts.push(
      words([length, scratchBytes, bindings.length, ...bindings.map((values) => values.byteLength)]),
    );
    parts.push(words([opcodes.get(opcode)!, length, rows, rowsPerGroup, ...writer.words]));
    for (const values of bindings) parts.push(bytesOf(values));
  }
  return Buffer.concat(parts);
}

function decode(cases: readonly Case[], output: Buffer): Values[][] {
  let at = 0;
  return cases.map(({ bindings }) =>
    bindings.map((values) => {
      const bytes = Uint8Array.from(output.subarray(at, at + values.byteLength)).buffer;
      at += values.byteLength;
      if (values instanceof Float32Array) return new Float32Array(bytes);
      if (values instanceof Float64Array) return new Float64Array(bytes);
      return values instanceof Int32Array ? new Int32Array(bytes) : new Uint32Array(bytes);
    }),
  );
}

function words(values: readonly number[]): Buffer {
  return bytesOf(Int32Array.from(values));
}

function bytesOf(values: Values): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}
