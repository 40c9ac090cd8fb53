// The table of bench/primitives.js: ratios, goals, and what is missed.
import { describe, expect, it } from "vitest";
import { primitiveCases } from "../src/train/benchmarkPrimitives.ts";

interface Row {
  readonly columns: Readonly<Record<string, string>>;
  readonly missed: boolean;
}

// Plain JavaScript.
const { compareShares, compareTimes, linearTime, tableOf } = await import(
  new URL("../bench/compare/primitives.js", import.meta.url).href
);

const cell = (name: string, width: number, length: number, tokensPerSecond: number, shareOfPeak: number) => ({
  ...{ name, width, length, tokensPerSecond, shareOfPeak, peakGflops: 200, usefulFlopsPerToken: 1e6 },
});

describe("shares", () => {
  const anchor = (tokensPerSecond: number, sharePercent: number) => ({
    ...{ width: 128, length: 128, tokensPerSecond, sharePercent },
  });
  const anchors = {
    peakGflops: 200,
    rows: [
      { name: "mamba", cells: [anchor(20_000, 10)] },
      { name: "mamba", form: "by hand", cells: [anchor(40_000, 20)] },
      { name: "gelu", cells: [anchor(100_000, 50)] },
    ],
  };
  const rowsOf = (...cells: unknown[]): Row[] => compareShares({ cells, skipped: [] }, anchors);

  it("are held to the faster form, to twice its share where that is under 25 %", () => {
    const [good, bad] = rowsOf(cell("mamba", 128, 128, 84_000, 0.42), cell("mamba", 128, 128, 78_000, 0.39));
    expect(good).toMatchObject({ columns: { PyTorch: "20.0 %", ratio: "2.10", goal: "2" }, missed: false });
    expect(bad).toMatchObject({ columns: { ratio: "1.95" }, missed: true });
    const [even, below] = rowsOf(cell("gelu", 128, 128, 100_000, 0.5), cell("gelu", 128, 128, 98_000, 0.49));
    expect([even!.missed, below!.missed]).toEqual([false, true]);
    expect(even!.columns).toMatchObject({ share: "50.0 %", goal: "1" });
  });

  it("are not compared where PyTorch was not measured", () => {
    expect(rowsOf(cell("gelu", 128, 64, 1, 0.1), cell("lstm", 128, 128, 1, 0.1))).toEqual([]);
    expect(tableOf([])).toBe("nothing to compare");
  });

  it("stand in a table that marks what is missed", () => {
    const rows = rowsOf(cell("mamba", 128, 128, 84_000, 0.42), cell("gelu", 128, 128, 98_000, 0.49));
    const lines = (tableOf(rows) as string).split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^mamba +128 x 128 +84000 +42.0 % +20.0 % +2.10 +2$/);
    expect(lines[2]).toMatch(/0.98 +1 +missed$/);
  });
});

describe("times by length", () => {
  it("may grow by three quarters for a token", () => {
    const cells = [
      cell("mamba", 128, 512, 10_000, 0.1),
      cell("mamba", 128, 8192, 6_000, 0.1),
      cell("mamba", 512, 512, 1_000, 0.1),
      cell("mamba", 512, 8192, 500, 0.1),
    ];
    const rows: Row[] = compareTimes({ cells, skipped: [] });
    expect(rows.map(({ columns, missed }) => [columns.width, columns.ratio, missed])).toEqual([
      ["128", "1.67", false],
      ["512", "2.00", true],
    ]);
  });

  it("are those of primitives that can be timed", () => {
    const names = primitiveCases().map(({ name }) => name);
    for (const name of linearTime) expect(names).toContain(name);
  });
});
