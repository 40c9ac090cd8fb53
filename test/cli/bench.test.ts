import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const shape = [
  "--width",
  "8",
  "--layers",
  "1",
  "--heads",
  "4",
  "--kvHeads",
  "2",
  "--length",
  "6",
  "--batch",
  "2",
];
const more = ["--feedforward", "12", "--activation", "swiglu", "--norm", "rms", "--positions", "rope"];
const decoder = [
  ...["bench", "--workload", "decoder", "--backend", "reference", "--steps", "3", ...shape, ...more],
  ...["--vocabulary", "5", "--bias", "--tied"],
];

describe("bench", () => {
  it("explains the plan of a step instead of timing it", async () => {
    const { exitCode, out } = await scantling([...decoder, "--explain"]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^predicted peak: \d+ MiB: process \d+ MiB, store .*, arena .*, threads .*\n/);
    expect(out).toMatch(/\n\d+ stages, \d+ steps, .* operations\nmemory: arena .* per thread/);
    expect(out).toMatch(/product \[12,8\] · \[8,5\]|product \[12,8\] · \[8,8\]/);
    const { exitCode: code, err } = await refusal(["bench", "--workload", "norms", "--explain"]);
    expect(code).toBe(2);
    expect(err).toContain("--explain of norms; expected W1");
  });

  it("prints the figures of a decoder as one JSON document", async () => {
    const { exitCode, out } = await scantling([...decoder, "--json"]);
    expect(exitCode).toBe(0);
    const figures = JSON.parse(out) as Record<string, number | string | null>;
    expect(figures).toMatchObject({ workload: "decoder", backend: "reference", threads: 1, steps: 3 });
    for (const key of ["tokensPerSecond", "msPerStep", "peakMemoryBytes", "firstStepMs", "planMs"]) {
      expect(figures[key], key).toBeGreaterThan(0);
    }
    expect(figures.tokensPerSecond).toBeCloseTo((1e3 * 12) / (figures.msPerStep as number), 6);
    // Nothing is learnt yet: every one of five tokens is as likely as any other.
    expect(figures.lossFirst).toBeCloseTo(Math.log(5), 1);
    expect(figures.lossLast).toBeLessThan(figures.lossFirst as number);
    // Embedding; queries, keys, values and the way back with biases; three matrices with biases; three norms.
    const attention = 8 * 8 + 2 * 8 * 4 + 8 * 8 + 8 + 2 * 4 + 8;
    expect(figures.parameters).toBe(5 * 8 + attention + 3 * 8 * 12 + 12 + 12 + 8 + 3 * 8);
    expect(figures.shareOfPeak).toBeNull();
  });

  it("gives the same losses for the same seed", async () => {
    const losses = async (seed: string) => {
      const { out } = await scantling([...decoder, "--json", "--seed", seed]);
      const { lossFirst, lossLast } = JSON.parse(out) as { lossFirst: number; lossLast: number };
      return [lossFirst, lossLast];
    };
    const first = await losses("1");
    expect(await losses("1")).toEqual(first);
    expect(await losses("2")).not.toEqual(first);
  });

  it("keeps the document in a file, once", async () => {
    const file = join(folder.path, "results", "bench.json");
    const { out } = await scantling([...decoder, "--out", file]);
    expect(out).toContain("tokens/s");
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ workload: "decoder" });
    const { exitCode, err } = await refusal([...decoder, "--out", file]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining("the file exists")]);
  });

  it("refuses impossible shapes", async () => {
    const { exitCode, err } = await refusal([
      "bench",
      "--workload",
      "decoder",
      "--width",
      "10",
      "--heads",
      "3",
    ]);
    expect(err).toContain("width 10 is not divisible by heads 3");
    expect(exitCode).toBe(2);
  });
});
