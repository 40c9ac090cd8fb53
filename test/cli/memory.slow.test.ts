// The memory that a command says it will take, and what its process had resident at most: with the step as it is, and
// within a bound that it would not fit.
import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = join(root, "dist", "cli", "main.js");

beforeAll(() => execFileSync(process.execPath, ["scripts/build.js"], { cwd: root }));

interface Figures {
  readonly peakMemoryBytes: number;
  readonly memory: { readonly peakBytes: number; readonly arenaBytes: number };
  readonly memoryNote: string | null;
  readonly lossFirst: number;
  readonly lossLast: number;
}

async function bench(options: string): Promise<Figures> {
  const words = ["bench", "--workload", "decoder", ...options.split(" "), "--steps", "4", "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...words]);
  return JSON.parse(stdout) as Figures;
}

const shapes: Record<string, string> = {
  "narrow and deep": "--width 64 --layers 10 --heads 4 --length 128 --batch 16",
  "a large vocabulary": "--width 64 --layers 1 --heads 2 --length 128 --batch 8 --vocabulary 8192 --tied",
  "wide and shallow": "--width 256 --layers 1 --heads 8 --length 256 --batch 16 --norm rms --positions rope",
};

describe.each(Object.keys(shapes))("%s", (name) => {
  test("the prediction holds, and so does a bound", async () => {
    const plain = await bench(shapes[name]!);
    const ratio = plain.memory.peakBytes / plain.peakMemoryBytes;
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.2);
    const bound = Math.floor((plain.memory.peakBytes - 0.3 * plain.memory.arenaBytes) / 1e6);
    const bounded = await bench(`${shapes[name]} --memory ${bound}MB`);
    expect(bounded.memoryNote).not.toBeNull();
    expect(bounded.peakMemoryBytes).toBeLessThan(1.1e6 * bound);
    expect(bounded.peakMemoryBytes).toBeLessThan(plain.peakMemoryBytes);
    expect(Math.abs(bounded.lossFirst - plain.lossFirst)).toBeLessThan(1e-6 * plain.lossFirst);
    expect(Math.abs(bounded.lossLast - plain.lossLast)).toBeLessThan(1e-6 * plain.lossLast);
  });
});
