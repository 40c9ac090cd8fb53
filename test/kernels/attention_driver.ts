// Builds the C driver and hands it instructions: words from the encoders, bindings as arrays. Knows no kernel.
import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Build {
  readonly name: string;
  readonly realBytes: 4 | 8;
  readonly flags: readonly string[];
}

const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];
const narrow = process.arch === "x64" ? ["-march=x86-64"] : [];
const middle = process.arch === "x64" ? ["-march=x86-64-v3"] : [];

/** The widths of vectors that a kernel may be compiled for, both element types, and sanitizers. */
export const builds: readonly Build[] = [
  { name: "float", realBytes: 4, flags: ["-O2", "-march=native"] },
  { name: "float, 32-byte vectors", realBytes: 4, flags: ["-O1", ...middle] },
  { name: "float, 16-byte vectors, sanitizers", realBytes: 4, flags: ["-O0", ...narrow, ...sanitizers] },
  {
    name: "double, sanitizers",
    realBytes: 8,
    flags: ["-O0", "-march=native", "-DSCANTLING_DOUBLE", ...sanitizers],
  },
];

const root = new URL("../../", import.meta.url).pathname;
const kernels = ["attention", "attention_gradient", "rotary"].map((name) => `src/kernels/${name}.c`);

/** Path of the driver's executable. */
export function compileDriver(build: Build): string {
  const path = join(mkdtempSync(join(tmpdir(), "scantling-attention-")), "driver");
  const common = ["-std=c11", "-fno-math-errno", "-ffp-contract=fast", "-Wall", "-Wextra", "-Werror"];
  const sources = ["test/kernels/attention_driver.c", ...kernels];
  const result = spawnSync(
    process.env.CC ?? "cc",
    [...common, ...build.flags, "-Isrc/kernels", ...sources, "-lm", "-o", path],
    { cwd: root, encoding: "utf8" },
  );
  if (result.status !== 0) throw new Error(result.stderr);
  return path;
}

export type Values = Float32Array | Float64Array | Int32Array;

export interface Case {
  readonly opcode: number;
  readonly rows: number;
  readonly words: readonly number[];
  readonly scratchBytes: number;
  readonly bindings: readonly Values[];
}

function bytesOf(values: Values | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Runs the cases and replaces the contents of their bindings by what the kernels left there. */
export function runCases(driver: string, cases: readonly Case[]): void {
  const numbers = (...values: number[]) => bytesOf(BigInt64Array.from(values, BigInt));
  const parts: Uint8Array[] = [];
  for (const { opcode, rows, words, scratchBytes, bindings } of cases) {
    parts.push(numbers(opcode, rows, words.length, scratchBytes, bindings.length));
    parts.push(bytesOf(Int32Array.from(words)));
    for (const values of bindings) parts.push(numbers(values.byteLength), bytesOf(values));
  }
  const result = spawnSync(driver, { input: Buffer.concat(parts), maxBuffer: 2 ** 30 });
  if (result.status !== 0)
    throw new Error(`driver: exit ${result.status} ${result.signal}\n${result.stderr}`);
  let at = 0;
  for (const { bindings } of cases) {
    for (const values of bindings) {
      bytesOf(values).set(result.stdout.subarray(at, at + values.byteLength));
      at += values.byteLength;
    }
  }
}
