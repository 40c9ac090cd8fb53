// A measurement of transfer: which runs it makes, what it concludes, and what it refuses.
import { expect, test } from "vitest";
import { RequestError, WorkError } from "../../src/errors.ts";
import { reportPage } from "../../src/report/page.ts";
import type { Result } from "../../src/study/job.ts";
import { lossesOf, neededRuns } from "../../src/transfer/progress.ts";
import { transferReport } from "../../src/transfer/report.ts";
import { defineTransfer, type TransferRequest } from "../../src/transfer/request.ts";
import { requireLosses, transferResult } from "../../src/transfer/result.ts";

const request = (more: Partial<TransferRequest> = {}): TransferRequest => ({
  architecture: (width, layers) => ({ length: 8, width, layers, heads: 2, feedforward: 2 * width }),
  ...{ parametrisations: ["mup"], widths: [8, 16], depths: [1], rates: [0.001, 0.002, 0.004, 0.008] },
  ...{ seeds: [1, 2], steps: 20, batch: 2, vocabulary: 9, ...more },
});

/** Everything that is asked for, stage by stage, with a loss that is lowest at a rate for each width; none above `bound`. */
function concluded(best: Readonly<Record<number, number>>, bound = 0.007) {
  const transfer = defineTransfer(request());
  const results = new Map<string, Result>();
  const known = () => ({ results: [...results.values()], failures: [] });
  let stages = 0;
  for (;;) {
    const needed = neededRuns(transfer, lossesOf(known())).filter(({ run }) => !results.has(run));
    if (needed.length === 0) return { transfer, stages, result: transferResult(transfer, known()) };
    stages++;
    for (const { run, seed, spec } of needed) {
      const { rate } = spec.training.schedule!;
      const distance = Math.abs(Math.log2(rate! / best[spec.architecture.width]!));
      const loss = rate! > bound ? null : 1 + distance + seed / 100;
      results.set(run, { run, until: 20, value: { loss }, flops: 0, seconds: 1 });
    }
  }
}

test("runs are those of every size, rate and seed; the model both axes begin with is run once", () => {
  const { runs, series } = defineTransfer(
    request({ depths: [1, 2], parametrisations: ["mup", "completep"] }),
  );
  expect(series.map(({ axis, parametrisation }) => [parametrisation.kind, axis])).toEqual([
    ["mup", "width"],
    ["mup", "depth"],
    ["completep", "width"],
    ["completep", "depth"],
  ]);
  expect(runs).toHaveLength(2 * 3 * 4 * 2);
  expect(new Set(runs.map(({ run }) => run)).size).toBe(runs.length);
});

test("a best rate that moves by one step stays; by two it moves; at an end of the grid it is not known", () => {
  const verdict = (best: Record<number, number>) => concluded(best).result.series[0]!;
  expect(verdict({ 8: 0.002, 16: 0.002 })).toMatchObject({ moved: 0, verdict: "stays" });
  expect(verdict({ 8: 0.002, 16: 0.002 }).text).toMatch(/: the best rate stays the same \(/);
  expect(verdict({ 8: 0.002, 16: 0.004 })).toMatchObject({ moved: 1, verdict: "stays" });
  expect(verdict({ 8: 0.001, 16: 0.004 })).toMatchObject({ moved: 2, verdict: "moves" });
  // Further away than three rates beyond the grid.
  expect(verdict({ 8: 1e-6, 16: 1e-6 })).toMatchObject({ moved: 0, verdict: "edge" });
  const { transfer } = concluded({ 8: 0.002, 16: 0.002 });
  const nothing = transferResult(transfer, { results: [], failures: [] });
  expect(nothing.series[0]).toMatchObject({ moved: null, verdict: "unfinished" });
});

test("a size with its best rate at an end of the grid is tried beyond it, until it is inside; others are not", () => {
  const { result, stages, transfer } = concluded({ 8: 0.00025, 16: 0.002 });
  expect(stages).toBe(4);
  expect(result.rates).toEqual([0.000125, 0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008]);
  const [narrow, wide] = result.series[0]!.sizes;
  expect(result.rates[narrow!.best!]).toBe(0.00025);
  expect(narrow!.losses.slice(0, 3).every((loss) => loss !== null)).toBe(true);
  expect(wide!.losses.slice(0, 3)).toEqual([null, null, null]);
  expect(result.rates[wide!.best!]).toBe(0.002);
  expect(result.series[0]).toMatchObject({ moved: 3, verdict: "moves" });
  // Above the grid likewise; a rate that is out of bounds ends it.
  const above = concluded({ 8: 0.016, 16: 0.008 }, 0.02).result;
  expect(above.rates).toEqual([0.001, 0.002, 0.004, 0.008, 0.016, 0.032]);
  expect(above.series[0]).toMatchObject({ moved: 1, verdict: "stays" });
  // What was asked for tells one measurement from another, not what was added.
  expect(transfer.runs).toHaveLength(2 * 4 * 2);
  expect(JSON.stringify(transfer.json)).not.toContain("0.00025");
});

test("a measurement of which no run came to a loss is an error that says why", () => {
  const { transfer, result } = concluded({ 8: 0.002, 16: 0.002 }, 0);
  expect(() => requireLosses(result)).toThrow(WorkError);
  expect(() => requireLosses(result)).toThrow(
    /^transfer: no run .*; all went out of bounds: lower the rates$/,
  );
  const failures = transfer.runs.map(({ run }) => ({ run, until: 20, reason: "no memory", attempts: 1 }));
  const failed = transferResult(transfer, { results: [], failures });
  expect(() => requireLosses(failed)).toThrow(`came to a loss; ${failures[0]!.run}: no memory`);
  requireLosses(concluded({ 8: 0.002, 16: 0.002 }).result);
});

test("losses are means over seeds, and a rate with a run out of bounds has none", () => {
  const { result } = concluded({ 8: 0.002, 16: 0.004 });
  const [narrow] = result.series[0]!.sizes;
  expect(narrow!.losses[1]).toBeCloseTo(1.015, 12);
  expect(narrow!.losses[3]).toBeNull();
  expect(narrow!.best).toBe(1);
  const page = reportPage(
    transferReport({ result, checks: [], data: "words", command: "scantling transfer", hash: "1" }),
  );
  expect(page).toContain("the best rate stays, within 1 step of the grid (0.00200 at 8, 0.00400 at 16)");
  // No pair was compared.
  expect(page).toContain('<span class="mark tie">stays</span>');
});

test("what cannot be measured is refused in one line", () => {
  const refused = (more: Partial<TransferRequest>) => {
    expect(() => defineTransfer(request(more))).toThrow(RequestError);
    try {
      defineTransfer(request(more));
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  expect(refused({ widths: [8] })).toMatch(/one width and one depth; expected two/);
  expect(refused({ rates: [1, 2] })).toMatch(/rates are 1, 2; expected 3 or more/);
  expect(refused({ widths: [16, 8] })).toMatch(/each larger than the one before/);
  expect(refused({ parametrisations: ["mupp"] })).toMatch(/did you mean mup\?/);
});
