// Which runs a race's table is of: those that its verdicts are about.
import { expect, test } from "vitest";
import { resultLines } from "../../src/cli/mad/lines.ts";
import { planFor } from "../../src/mad/plan.ts";
import { madReport } from "../../src/mad/report.ts";
import { defineComparison } from "../../src/mad/request.ts";
import { resultOf } from "../../src/mad/result.ts";
import type { RunSpec } from "../../src/mad/runs.ts";
import type { Job, Json, Known } from "../../src/study/job.ts";
import { race } from "../../src/study/racing/race.ts";
import { replay } from "../../src/study/racing/rule.ts";
import { fakeResult, play, tiny } from "./tiny.ts";

const skills: Readonly<Record<string, number>> = { attention: 0.95, gla: 0.6 };
const rateOf = (spec: Json) => ((spec as unknown as RunSpec).recipe.schedule as { rate: number }).rate;

/** Rate 0.004 has the lowest loss on what selects, 0.001 the most right answers from the first look on. */
function misleading(job: Job) {
  const rate = rateOf(job.spec);
  const name = Object.keys(skills).find((one) => job.run.startsWith(one))!;
  const result = fakeResult(job, ({ seed }) => skills[name]! * (rate === 1e-3 ? 1 : 0.4) + (seed % 3) / 100);
  const value = result.value as { readonly selection: { readonly [key: string]: Json } };
  return { ...result, value: { ...value, selection: { ...value.selection, loss: 1e-3 / rate } } as Json };
}

const request = { architectures: Object.keys(skills), profile: tiny, seeds: 3 };
const { flops } = defineComparison({ ...request, full: true }).cost;
const comparison = defineComparison({ ...request, budget: { unit: "flops", value: flops } });
const played = (full: boolean) => {
  const of = full ? defineComparison({ ...request, full }) : comparison;
  return { of, known: play(planFor(of), () => 0, undefined, misleading) };
};

test("every score of the table is of the run that the verdicts are about", () => {
  const { known } = played(false);
  const result = resultOf(comparison, known, "done");
  const { standing } = replay(race(comparison.raced!), known);
  for (const [item, task] of result.tasks.entries()) {
    for (const [arm, architecture] of request.architectures.entries()) {
      const found = result.results.find((one) => one.architecture === architecture && one.task === task)!;
      const raced = standing.tables[item]![arm]!.map((cell) => cell!.score);
      expect(raced.length).toBeGreaterThan(1);
      expect(found.score).toBeCloseTo(raced.reduce((sum, one) => sum + one, 0) / raced.length, 12);
      const [variant] = found.variants;
      expect(new Set(variant!.points)).toEqual(new Set(["rate 0.004"]));
      expect(variant!.ran).toEqual([1, 2, 3].slice(0, raced.length));
    }
  }
  const [attention, gla] = result.architectures.map(({ mean }) => mean.score!);
  expect(result.verdicts.mean[0]!.difference).toBeCloseTo(attention! - gla!, 12);
});

test("whether a race chose the rate is told; where all is run, the best of each seed by what selects is shown", () => {
  const { of, known } = played(true);
  const full = resultOf(of, known);
  expect(new Set(full.results.flatMap(({ variants }) => variants[0]!.points))).toEqual(
    new Set(["rate 0.001"]),
  );
  const raced = resultOf(comparison, played(false).known, "done");
  const told = (result: typeof full) => {
    const { sections } = madReport({ result, associations: null, command: "mad()", hash: "0" });
    const table = sections
      .flatMap(({ parts }) => parts)
      .find((part) => part.kind === "table" && part.title === "Scores with intervals");
    return [JSON.stringify(table), resultLines(result).join("\n")].map((text) =>
      text.includes("rate that was raced"),
    );
  };
  expect(told(full)).toEqual([false, false]);
  expect(told(raced)).toEqual([true, true]);
});

test("before a rate is chosen what is known so far is shown, and afterwards only whole waves", () => {
  const { known } = played(false);
  const inOrder: Known[] = [0, 5, known.results.length - 1].map((count) => ({
    results: known.results.slice(0, count),
    failures: [],
  }));
  const scored = inOrder.map(
    (part) => resultOf(comparison, part, "interrupted").results.filter(({ score }) => score !== null).length,
  );
  expect(scored[0]).toBe(0);
  expect(scored[1]).toBeGreaterThan(0);
  const last = resultOf(comparison, inOrder[2]!, "interrupted");
  const { standing } = replay(race(comparison.raced!), inOrder[2]!);
  expect(last.results[0]!.seeds).toBe(standing.tables[0]![0]!.length);
});
