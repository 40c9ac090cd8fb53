// Builds src/kernels/replay.c with a folder of kernels, and runs it on recordings: under a sanitizer, or on a processor
// that is emulated.
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { kernelSources } from "../../../src/backend/native/build.ts";
import { compileFlags } from "../../../src/backend/native/compiler.ts";

const execute = promisify(execFile);

export interface Replay {
  readonly ok: boolean;
  /** Both streams: what differs, what a sanitizer found. */
  readonly output: string;
}

/** Compiles the replay program into `folder`; returns its path. Kernels are all C files of `sources`. */
export async function buildReplay(options: {
  readonly folder: string;
  readonly sanitizers: "address,undefined" | "thread";
  readonly sources?: string;
  readonly double?: boolean;
  /** The program's own source. Default: replay.c. */
  readonly main?: string;
}): Promise<string> {
  const { folder, sanitizers, sources = kernelSources, double = false, main = replaySource } = options;
  const name = basename(main, ".c");
  const program = join(folder, `${name}-${sanitizers.split(",")[0]}${double ? "-double" : ""}`);
  const sanitized = ["-g", "-O1", `-fsanitize=${sanitizers}`, "-fno-sanitize-recover=all"];
  await execute("cc", [
    ...compileFlags(double),
    ...strict,
    ...sanitized,
    "-DSCANTLING_EXACT_MEMORY",
    ...["-I", kernelSources, ...sourcesOf(sources), main, "-o", program, "-lm"],
  ]);
  return program;
}

const strict = ["-Wall", "-Wextra", "-Werror"];

function sourcesOf(kernels: string): string[] {
  const names = readdirSync(kernels).filter((name) => name.endsWith(".c") && name !== "replay.c");
  return names.map((name) => join(kernels, name));
}

const replaySource = join(kernelSources, "replay.c");

/** The replay program for 64-bit ARM, all of it in one file, with the real kernels; returns its path. */
export async function buildForArm(folder: string, double: boolean): Promise<string> {
  const program = join(folder, `replay-arm64${double ? "-double" : ""}`);
  const flags = compileFlags(double).filter((flag) => !/^-m(arch|cpu)=/.test(flag));
  const sources = [...sourcesOf(kernelSources), replaySource];
  await execute(armCompiler, [...flags, ...strict, "-static", ...sources, "-o", program, "-lm"]);
  return program;
}

export const armCompiler = "aarch64-linux-gnu-gcc";
export const armEmulator = "qemu-aarch64";

/** Which of these programs cannot be run. */
export async function missing(programs: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    programs.map((program) =>
      execute(program, ["--version"]).then(
        () => true,
        () => false,
      ),
    ),
  );
  return programs.filter((_, i) => !found[i]);
}

/** @param program with what runs it before it, as in `["qemu-aarch64", path]` */
export async function replay(
  program: string | readonly [string, ...string[]],
  recordings: readonly string[],
): Promise<Replay> {
  const [command, ...before] = typeof program === "string" ? ([program] as const) : program;
  try {
    const { stdout, stderr } = await execute(command, [...before, ...recordings]);
    return { ok: true, output: stdout + stderr };
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return { ok: false, output: stdout + stderr };
  }
}
