import { describe, expect, test } from "vitest";
import { armIntervals } from "../../../src/study/statistics/interval.ts";
import { itemVariance, type Table } from "../../../src/study/statistics/table.ts";

const table = (rows: readonly (readonly number[])[], variance = 0): Table =>
  rows.map((row) => row.map((score) => ({ score, itemVariance: variance })));

describe("intervals of an arm's score", () => {
  test("one arm: Student's t over seeds", () => {
    // Mean 0.5, standard deviation 0.1, t(0.975; 2) = 4.302653.
    const [found] = armIntervals([table([[0.4, 0.5, 0.6]])]);
    expect(found).toMatchObject({ over: "seeds", seeds: 3 });
    expect(found!.score).toBeCloseTo(0.5, 12);
    expect(found!.high - found!.low).toBeCloseTo((2 * 4.302653 * 0.1) / Math.sqrt(3), 5);
  });

  test("never narrower than test items allow", () => {
    const [found] = armIntervals([table([[0.5, 0.5, 0.5]], 0.01)]);
    expect(found!.high - found!.low).toBeCloseTo((2 * 4.302653 * 0.1) / Math.sqrt(3), 5);
  });

  test("one seed: over items alone, and it says so", () => {
    const [found] = armIntervals([table([[0.5]], itemVariance(0.5, 96))]);
    expect(found!.over).toBe("items");
    // Agresti and Coull's interval of 48 of 96.
    expect(found!.high - found!.low).toBeCloseTo(2 * 1.959964 * Math.sqrt(0.25 / 96), 6);
  });

  test("an arm that varies far more than the others is told from its own seeds alone", () => {
    const calm = [0.5, 0.51, 0.52];
    const [, , , wild] = armIntervals([table([calm, [0.6, 0.62, 0.61], [0.7, 0.71, 0.69], [0.4, 0.5, 0.6]])]);
    expect(wild!.high - wild!.low).toBeCloseTo((2 * 4.302653 * 0.1) / Math.sqrt(3), 5);
    // Arms that vary alike share what their seeds tell.
    const [first] = armIntervals([table([calm, [0.6, 0.62, 0.61], [0.7, 0.71, 0.69]])]);
    expect(first!.high - first!.low).toBeLessThan((2 * 4.302653 * 0.01) / Math.sqrt(3));
  });

  test("ends stay within bounds, and an arm without a score has none", () => {
    const found = armIntervals([[...table([[0.99, 1]]), [null, null]]], { bounds: [0, 1] });
    expect(found[0]!.high).toBe(1);
    expect(found[1]).toBeNull();
  });

  test("all right is not certainly right", () => {
    expect(itemVariance(1, 1280)).toBeGreaterThan(0);
    expect(itemVariance(0, 50)).toBeCloseTo(itemVariance(1, 50), 12);
  });
});
