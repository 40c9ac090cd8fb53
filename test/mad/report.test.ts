// What the page and the terminal say of a comparison: its seeds, why it ended, how far its runs went.
import { expect, test } from "vitest";
import { resultLines } from "../../src/cli/mad/lines.ts";
import { madReport } from "../../src/mad/report.ts";
import { type MadResult, resultOf } from "../../src/mad/result.ts";
import { seedsText } from "../../src/mad/words.ts";
import { raced } from "./race.ts";

const reportOf = (result: MadResult) =>
  madReport({ result, associations: null, command: "mad()", hash: "0" });
const partsOf = (result: MadResult) => reportOf(result).sections.flatMap(({ parts }) => parts);
const figuresOf = (result: MadResult) =>
  partsOf(result).flatMap((part) => (part.kind === "figure" ? [part] : []));
const tableOf = (result: MadResult, title: string) =>
  partsOf(result).flatMap((part) => (part.kind === "table" && part.title === title ? [part] : []))[0]!;

const far = { attention: 0.95, gla: 0.5, "min-gru": 0.2 };
const near = { attention: 0.95, gla: 0.5, "min-gru": 0.49 };
const even = { attention: 0.5, "min-gru": 0.49 };

test("of one task nothing is said twice", () => {
  const { result } = raced({ "in-context-recall": far }, 3);
  const { title, verdicts, facts } = reportOf(result);
  expect(title).toBe("attention, gla, min-gru on 1 synthetic task");
  expect(facts[0]).toEqual({ name: "best score", value: expect.stringMatching(/^attention, /) });
  expect(verdicts.map(({ text }) => text).filter((text) => text.includes("mean"))).toEqual([]);
  const figures = figuresOf(result);
  expect(figures.filter(({ chart }) => chart.kind === "forest")).toHaveLength(1);
  expect(figures[0]!.chart).toMatchObject({
    columns: ["in-context-recall"],
    values: [[0], [0], [0]].map(() => [expect.any(Number)]),
  });
  expect(tableOf(result, "Scores with intervals").columns.map(({ heading }) => heading)).toEqual([
    "architecture",
    "in-context-recall",
  ]);
  expect(resultLines(result)[1]).toMatch(/^\s+in-context-recall$/);
  const { result: two } = raced({ "in-context-recall": far, "selective-copying": far }, 3);
  expect(reportOf(two).title).toMatch(/on 2 synthetic tasks$/);
  expect(figuresOf(two)[0]!.chart).toMatchObject({
    columns: ["in-context-recall", "selective-copying", "mean"],
  });
  expect(figuresOf(two).filter(({ chart }) => chart.kind === "forest")).toHaveLength(3);
});

test("the seeds that are named are those that were run, architecture by architecture", () => {
  const { result } = raced({ "in-context-recall": near, "selective-copying": near }, 3, { seeds: 5 });
  expect([result.seeds, result.ending]).toEqual([[1, 2, 3, 4, 5], "seeds"]);
  const uneven = "seeds 1 and 2 (attention); seeds 1 to 5 (gla, min-gru)";
  const withSeeds = figuresOf(result).filter(({ chart }) => chart.kind !== "curves");
  expect(new Set(withSeeds.map(({ seeds }) => seeds))).toEqual(new Set([uneven]));
  expect(reportOf(result).notes).toContain(`Architectures were run under different seeds: ${uneven}.`);
  expect(resultLines(result)[0]).toContain(`mean of ${uneven} with`);
  expect(
    seedsText([
      ["a", [3]],
      ["b", [3]],
    ]),
  ).toBe("seed 3");
  expect(seedsText([["a", [1, 2, 4]]])).toBe("seeds 1, 2 and 4");
  expect(seedsText([["a", []]])).toBe("no seed");
});

test("an interval of a win that ends at 0 is explained where there is one, on the page and in the terminal", () => {
  const { result } = raced({ "in-context-recall": far }, 3);
  const [first, ...others] = result.verdicts.mean;
  const mean = [{ ...first!, verdict: "win", winner: first!.first, interval: [0, 0.2] } as const, ...others];
  const cut = { ...result, verdicts: { ...result.verdicts, mean } };
  const said = (lines: readonly string[]) =>
    lines.filter((line) => line.includes("interval ends at 0")).length;
  expect([said(reportOf(cut).notes), said(resultLines(cut))]).toEqual([1, 1]);
  expect([said(reportOf(result).notes), said(resultLines(result))]).toEqual([0, 0]);
});

test("a learning curve is of one run, and promises no interval", () => {
  const { result } = raced({ "in-context-recall": far }, 3);
  const [curves] = figuresOf(result).filter(({ chart }) => chart.kind === "curves");
  expect(curves).toMatchObject({ seeds: "seed 1", convention: expect.stringContaining("no intervals") });
  expect(curves!.convention).not.toContain("95 %");
});

test("a race that its budget ended says so, how large that was and how far runs went", () => {
  const { result } = raced({ "in-context-recall": even }, 0.2, { seeds: 3 });
  expect(result.ending).toBe("budget");
  expect(result.architectures.map(({ mean }) => mean.ran)).toEqual([
    [1, 2],
    [1, 2],
  ]);
  const { notes, facts } = reportOf(result);
  const [, said] =
    /^The race ended for want of budget: what was left of (.*) paid for no further runs\./.exec(notes[1]!)!;
  expect(facts).toContainEqual({ name: "budget", value: said });
  expect(notes[1]).not.toMatch(/solved|hopeless|told apart/);
  const steps = result.results[0]!.variants[0]!.steps[0]!;
  expect(steps).toBeLessThan(40);
  expect(notes[2]).toMatch(
    /^Of 4 runs that are scored 4 ended before their last step \(0 solved their task\)/,
  );
  const far = tableOf(result, "How far runs went");
  expect(far.rows[0]).toEqual(["attention", `${steps} of 40 steps`, 2, 2, 0]);
  expect(resultLines(result).join("\n")).toMatch(/\nThe race ended for want of budget: /);
});

test("other ends are told as what they are", () => {
  const noteOf = (result: MadResult) => reportOf(result).notes[1];
  const decided = raced({ "in-context-recall": far }, 3, { seeds: 5 });
  expect(noteOf(decided.result)).toMatch(/^The race ended because every pair was decided\./);
  expect(noteOf(raced({ "in-context-recall": even }, 3).result)).toMatch(
    /^The race ended with the last of its 2 seeds\./,
  );
  expect(noteOf(raced({ "in-context-recall": { attention: 0.5 } }, 3).result)).toMatch(
    /one architecture alone/,
  );
  const part = { results: decided.known.results.slice(0, 4), failures: [] };
  expect(noteOf(resultOf(decided.comparison, part, "interrupted"))).toMatch(
    /^The comparison is not finished/,
  );
  expect(noteOf(resultOf(decided.comparison, part, "budget"))).toMatch(/^The race ended for want of budget/);
  const all = { ...decided.comparison, raced: null, isFull: true, budget: null };
  expect(noteOf(resultOf(all, part, "interrupted"))).toMatch(/^The comparison is not finished/);
});
