// Builds src/kernels/replay.c with a folder of kernels and a sanitizer, and runs it on recordings.
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
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
}): Promise<string> {
  const { folder, sanitizers, sources = kernelSources, double = false } = options;
  const program = join(folder, `replay-${sanitizers.split(",")[0]}${double ? "-double" : ""}`);
  const kernels = readdirSync(sources).filter((name) => name.endsWith(".c") && name !== "replay.c");
  const strict = [
    "-g",
    "-O1",
    "-Wall",
    "-Wextra",
    "-Werror",
    `-fsanitize=${sanitizers}`,
    "-fno-sanitize-recover=all",
  ];
  await execute("cc", [
    ...compileFlags(double),
    ...strict,
    "-DSCANTLING_EXACT_MEMORY",
    ...kernels.map((name) => join(sources, name)),
    ...[join(kernelSources, "replay.c"), "-o", program, "-lm"],
  ]);
  return program;
}

export async function replay(program: string, recordings: readonly string[]): Promise<Replay> {
  try {
    const { stdout, stderr } = await execute(program, [...recordings]);
    return { ok: true, output: stdout + stderr };
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return { ok: false, output: stdout + stderr };
  }
}
