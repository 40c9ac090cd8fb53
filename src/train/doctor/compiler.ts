// The C compiler as the native backend finds it, and the vector instructions that it compiles the kernels for. Compiles
// nothing.
import { execFile } from "node:child_process";
import { devNull } from "node:os";
import { cacheFolder } from "../../backend/native/cache.ts";
import { type Compiler, compileFlags, findCompiler } from "../../backend/native/compiler.ts";
import type { Environment } from "../../environment.ts";
import { RequestError, WorkError } from "../../errors.ts";
import { processor } from "../../processor.ts";

/** Vectors that the kernels compute with. */
export interface VectorFacts {
  readonly name: "AVX-512" | "AVX2" | "AVX" | "NEON" | "SSE" | "unknown";
  /** Bytes of one vector. */
  readonly bytes: 16 | 32 | 64;
  /** Who says so: the compiler that builds the kernels, or (where there is none) the system's list of features. */
  readonly source: "compiler" | "system";
}

/** The C compiler, or in one line why there is none. */
export type CompilerFacts =
  | { readonly found: true; readonly program: string; readonly version: string }
  | { readonly found: false; readonly reason: string };

/** What the native backend would be built with. */
export interface Toolchain {
  readonly compiler: CompilerFacts;
  readonly vectors: VectorFacts;
}

/** Looks for the compiler that CC names or for `cc` on PATH. */
export async function inspectToolchain(environment: Environment): Promise<Toolchain> {
  try {
    const compiler = await findCompiler(environment, cacheFolder(environment));
    const version = compiler.identity.split("\n")[1 + compiler.prefix.length] ?? "";
    return {
      compiler: { found: true, program: [compiler.program, ...compiler.prefix].join(" "), version },
      vectors: (await compiledVectors(compiler)) ?? systemVectors(),
    };
  } catch (error) {
    if (!(error instanceof RequestError || error instanceof WorkError)) throw error;
    return { compiler: { found: false, reason: error.message }, vectors: systemVectors() };
  }
}

/** What the flags of the kernels' build switch on, asked of the compiler; undefined where it does not answer. */
async function compiledVectors(compiler: Compiler): Promise<VectorFacts | undefined> {
  const args = [...compiler.prefix, ...compileFlags(false), "-dM", "-E", "-x", "c", devNull];
  const macros = await new Promise<string>((done) => {
    execFile(compiler.program, args, { maxBuffer: 1 << 24 }, (error, stdout) => done(error ? "" : stdout));
  });
  if (macros === "") return undefined;
  const defines = (name: string) => new RegExp(`^#define ${name}\\b`, "m").test(macros);
  return { ...vectorsOf((feature) => defines(macroOf[feature])), source: "compiler" };
}

type Feature = "avx512f" | "avx512dq" | "avx2" | "avx" | "neon" | "sse2";
const macroOf: Readonly<Record<Feature, string>> = {
  avx512f: "__AVX512F__",
  avx512dq: "__AVX512DQ__",
  avx2: "__AVX2__",
  avx: "__AVX__",
  neon: "__ARM_NEON",
  sse2: "__SSE2__",
};

function systemVectors(): VectorFacts {
  const words = new Set(processor().features);
  const vectors = vectorsOf((feature) =>
    feature === "neon" ? process.arch === "arm64" : words.has(feature) || (feature === "sse2" && isX64),
  );
  return { ...vectors, source: "system" };
}

const isX64 = process.arch === "x64";

/** The widest that vector.h uses where these features are there. */
function vectorsOf(has: (feature: Feature) => boolean): Pick<VectorFacts, "name" | "bytes"> {
  if (has("avx512f") && has("avx512dq")) return { name: "AVX-512", bytes: 64 };
  if (has("avx")) return { name: has("avx2") ? "AVX2" : "AVX", bytes: 32 };
  if (has("neon")) return { name: "NEON", bytes: 16 };
  return { name: has("sse2") ? "SSE" : "unknown", bytes: 16 };
}
