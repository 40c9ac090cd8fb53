// The kernels on 64-bit ARM: cross-compiled and emulated, they replay what this machine has recorded. Needs Debian's
// gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { opcode } from "../../src/backend/tape/opcodes.ts";
import { armCompiler, armEmulator, buildForArm, missing, replay } from "../backend/native/replay.ts";
import { native } from "./harness.ts";
import { record } from "./recordings.ts";

const absent = await missing([armCompiler, armEmulator]);
if (absent.length > 0) console.warn(`skipped: the kernels on arm64, for want of ${absent.join(" and ")}`);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "scantling-arm64-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(absent.length > 0).each([false, true])(
  "agrees with this machine (double: %s)",
  async (double) => {
    const selection = { settings: 1, random: double ? 10 : 40 };
    const recording = record(folder, await native(double), selection, double ? 1e-9 : 1e-3);
    const [program, files] = await Promise.all([buildForArm(folder, double), recording]);
    const used = new Set(files.flatMap((file) => [...opcodesOf(file)]));
    // Every kernel is there; inner loops are the walker's, and no plan has one.
    for (const code of Object.values(opcode)) if (code !== opcode.innerLoop) expect(used).toContain(code);
    for (let from = 0; from < files.length; from += 50) {
      const { ok, output } = await replay([armEmulator, program], files.slice(from, from + 50));
      expect(ok, output.slice(-4000)).toBe(true);
    }
  },
);

const ENTRY_WORDS = 5;
const SEGMENT = 1;

/** The opcodes on the tape of a recording (src/backend/native/recording.ts, src/kernels/tape.h). */
function* opcodesOf(file: string): Generator<number> {
  const bytes = new Uint8Array(readFileSync(file)).buffer;
  const words = Number(new DataView(bytes).getBigInt64(16, true));
  const tape = new Int32Array(bytes, 56, words);
  for (let at = 0; at < words; ) {
    const [kind, length] = [tape[at]!, tape[at + 1]!];
    const end = kind === SEGMENT ? at + length : at;
    at += ENTRY_WORDS;
    for (; at < end; at += tape[at + 1]!) yield tape[at]!;
  }
}
