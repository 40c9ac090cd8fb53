// The machine's C compiler: where it is, which it is, how it is called. Knows neither kernels nor caches of libraries.

import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import {
  accessSync,
  constants,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join, resolve } from "node:path";
import type { Environment } from "../../environment.ts";
import { RequestError, WorkError } from "../../errors.ts";
import { makeFolder } from "../../folders.ts";

export interface Compiler {
  /** Absolute path of the program. */
  readonly program: string;
  /** What comes before our own arguments, as in CC="ccache gcc". */
  readonly prefix: readonly string[];
  /** First line of its `--version`. */
  readonly version: string;
  /** Path and `--version`: libraries of one identity are interchangeable. */
  readonly identity: string;
}

export interface Outcome {
  readonly ok: boolean;
  readonly stderr: string;
}

const install =
  process.platform === "darwin"
    ? "xcode-select --install"
    : "on Debian or Ubuntu: apt install gcc libc6-dev; on Fedora: dnf install gcc";
const otherwise = `install one (${install}) or use --backend wasm`;

/** Compiler flags of both builds; they are part of a library's identity. */
export function compileFlags(double: boolean): string[] {
  // Apple's arm64 default already is the oldest processor there is; elsewhere the default is decades old.
  const tuned =
    process.arch === "x64"
      ? ["-march=native"]
      : process.arch === "arm64" && process.platform !== "darwin"
        ? ["-mcpu=native"]
        : [];
  return [
    ...["-std=c11", "-O3", ...tuned, "-fno-math-errno", "-ffp-contract=fast"],
    ...["-fPIC", "-fvisibility=hidden", "-pthread", "-pipe"],
    ...(double ? ["-DSCANTLING_DOUBLE"] : []),
  ];
}

/** A library with running threads must stay in memory when its last handle is closed. */
export function linkFlags(): string[] {
  return [
    "-shared",
    "-fPIC",
    "-pthread",
    ...(process.platform === "linux" ? ["-Wl,-z,nodelete"] : []),
    "-lm",
  ];
}

/** Runs the compiler; never rejects on a failed compilation. */
export function runCompiler(compiler: Compiler, args: readonly string[]): Promise<Outcome> {
  return run(compiler.program, [...compiler.prefix, ...args]).then(({ ok, stderr }) => ({ ok, stderr }));
}

function run(program: string, args: readonly string[]): Promise<Outcome & { stdout: string }> {
  return new Promise((done) => {
    execFile(
      program,
      args,
      { maxBuffer: 1 << 26, env: { ...process.env, LC_ALL: "C" } },
      (error, stdout, stderr) => {
        done({ ok: error === null, stdout, stderr: stderr || (error?.message ?? "") });
      },
    );
  });
}

/**
 * The compiler that CC names, or `cc`. Its version is asked once and kept in `folder` under the program's path, size and
 * time of change, since asking takes longer than loading a library.
 */
export async function findCompiler(environment: Environment, folder: string): Promise<Compiler> {
  const [name = "cc", ...prefix] = (environment.CC ?? "").split(/\s+/).filter((part) => part !== "");
  const program = findProgram(name, environment.PATH ?? "");
  if (program === undefined) {
    if (environment.CC?.trim()) {
      throw new RequestError(
        `CC names "${name}", which is not a program on PATH: set CC to a C compiler or unset it`,
      );
    }
    throw new WorkError(`the native backend needs a C compiler and there is no "cc" on PATH: ${otherwise}`);
  }
  const real = realpathSync(program);
  const { mtimeMs, size } = statSync(real);
  const key = createHash("sha256")
    .update(JSON.stringify([program, real, prefix, mtimeMs, size]))
    .digest("hex");
  const note = join(folder, `compiler-${key.slice(0, 32)}.txt`);
  let version = readNote(note);
  if (version === undefined) {
    const { ok, stdout, stderr } = await run(program, [...prefix, "--version"]);
    if (!ok)
      throw new WorkError(`the C compiler ${program} does not run (${firstLine(stderr)}): ${otherwise}`);
    version = stdout;
    writeNote(folder, note, version);
  }
  const [firstOf = ""] = version.split("\n");
  return { program, prefix, version: firstOf.trim(), identity: [program, ...prefix, version].join("\n") };
}

/** The line of a compiler's output that says what went wrong. */
export function firstLine(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  return (lines.find((line) => /\berror\b|cannot|No space/i.test(line)) ?? lines[0] ?? "no message").trim();
}

function findProgram(name: string, path: string): string | undefined {
  const candidates = name.includes("/")
    ? [resolve(name)]
    : path.split(delimiter).map((folder) => join(folder || ".", name));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return statSync(candidate).isFile();
    } catch {
      return false;
    }
  });
}

function readNote(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8") || undefined;
  } catch {
    return undefined;
  }
}

// The note only saves time: without it the next process asks again.
function writeNote(folder: string, path: string, text: string): void {
  try {
    makeFolder(folder, 0o700);
    const unfinished = `${path}.${randomUUID()}`;
    writeFileSync(unfinished, text);
    renameSync(unfinished, path);
  } catch {}
}
