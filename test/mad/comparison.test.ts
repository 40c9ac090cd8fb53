// Comparisons as they are asked for, planned and summed up; what is refused before anything is trained.
import { describe, expect, test } from "vitest";
import { exhaustivePlan } from "../../src/mad/exhaustive.ts";
import { repoHead } from "../../src/mad/profiles/madLab.ts";
import { profiles } from "../../src/mad/profiles/profiles.ts";
import { madReport } from "../../src/mad/report.ts";
import { type Comparison, defineComparison, type MadRequest } from "../../src/mad/request.ts";
import { resultOf } from "../../src/mad/result.ts";
import { reportPage } from "../../src/report/page.ts";
import { race } from "../../src/study/racing/race.ts";
import { planOf } from "../../src/study/racing/rule.ts";
import { play, type Skill, tiny } from "./tiny.ts";

const skills: Readonly<Record<string, number>> = { attention: 0.95, gla: 0.6, "min-gru": 0.25 };
const rateFactor: Readonly<Record<string, number>> = { "0.001": 0.9, "0.002": 1, "0.004": 0.7 };
const skill: Skill = ({ seed, recipe }, run) => {
  const name = Object.keys(skills).find((one) => run.startsWith(one))!;
  const rate = String((recipe.schedule as { rate: number }).rate);
  return skills[name]! * rateFactor[rate]! + ((seed % 7) - 3) / 1000;
};

const define = (changes: Partial<MadRequest> = {}): Comparison =>
  defineComparison({ architectures: Object.keys(skills), profile: tiny, ...changes });

const racePlan = ({ raced }: Comparison) => planOf(race(raced!));

describe("all runs", () => {
  const comparison = define({ full: true });
  const result = resultOf(comparison, play(exhaustivePlan(comparison.cells, tiny), skill));

  test("every architecture, task, rate and seed once, to the end", () => {
    expect(comparison.cost).toMatchObject({ runs: 3 * 2 * 3 * 2, steps: 36 * 40 });
    expect(result.spent).toMatchObject({ runs: 36, steps: 36 * 40 });
    const names = new Set(comparison.cells.flatMap(({ runs }) => runs.map(({ run }) => run)));
    expect(names.size).toBe(36);
  });

  test("the best rate by the selection split, means over seeds and tasks, and wins", () => {
    const attention = result.results.find((one) => one.architecture === "attention")!;
    expect(attention.variants[0]!.points).toEqual(["rate 0.002", "rate 0.002"]);
    expect(attention.score).toBeCloseTo(0.95, 1);
    expect(attention.interval![0]).toBeLessThan(attention.score!);
    expect(result.architectures.map(({ mean }) => Math.round(10 * mean.score!))).toEqual([10, 6, 3]);
    expect(result.verdicts.mean.map(({ verdict, winner }) => [verdict, winner])).toEqual([
      ["win", "attention"],
      ["win", "attention"],
      ["win", "gla"],
    ]);
  });

  test("tuned on the first seed, others have its best rate alone", () => {
    const { results } = play(exhaustivePlan(comparison.cells, { ...tiny, tunedOn: "first seed" }), skill);
    const names = results.map(({ run }) => run);
    expect(names.filter((run) => run.includes("seed-1"))).toHaveLength(18);
    const others = names.filter((run) => run.includes("seed-2"));
    expect([others.length, others.filter((run) => run.includes("rate-0.002")).length]).toEqual([6, 6]);
  });

  test("a failed run is said, and does not fail the rest", () => {
    const failing = (run: string) => run.startsWith("gla") && run.includes("seed-2");
    const some = resultOf(comparison, play(exhaustivePlan(comparison.cells, tiny), skill, failing));
    expect(some.failures).toHaveLength(6);
    expect(some.architectures.map(({ mean }) => mean.seeds)).toEqual([2, 1, 2]);
  });

  test("a report of it is a page", () => {
    const page = reportPage(madReport({ result, associations: null, command: "<test>", hash: "0" }));
    expect(page).toContain("&#60;test&#62;");
    for (const text of ["attention over gla", "Scores by architecture", "Learning selective-copying"]) {
      expect(page).toContain(text);
    }
  });
});

describe("a race", () => {
  test("finds the same order within its budget, and nothing is decided otherwise on going on", () => {
    const comparison = define({ budget: { unit: "flops", value: 0.35 * define().cost.flops } });
    const plan = racePlan(comparison);
    const known = play(plan, skill);
    const result = resultOf(comparison, known);
    expect(result.verdicts.mean.map(({ winner }) => winner)).toEqual(["attention", "attention", "gla"]);
    // Of any part of what is known, what comes next has not been done yet.
    for (let count = 0; count < known.results.length; count++) {
      const part = { results: known.results.slice(0, count), failures: [] };
      const done = new Set(part.results.map(({ run, until }) => `${run} ${until}`));
      const next = plan(part);
      expect(next.length).toBeGreaterThan(0);
      expect(next.filter(({ run, until }) => done.has(`${run} ${until}`))).toEqual([]);
    }
  });

  test("by default it may spend a tenth of all", () => {
    const comparison = define();
    expect(comparison.budget).toEqual({ unit: "flops", value: 0.1 * comparison.cost.flops });
  });
});

describe("profiles", () => {
  test("repo-head is mad-lab's grid: 66 settings, 396 runs, 5.38 M steps an architecture", () => {
    const variants = Object.values(repoHead.tasks).flat();
    expect(variants).toHaveLength(66);
    expect(variants.reduce((sum, { points }) => sum + points.length, 0)).toBe(396);
    const steps = variants.flatMap(({ points }) => points.map(({ recipe }) => recipe.steps));
    expect(steps.reduce((sum, one) => sum + one, 0) / 1e6).toBeCloseTo(5.38, 2);
  });

  test.each(profiles.map(({ name }) => [name]))("%s: every task and setting can be run", (name) => {
    const profile = profiles.find((one) => one.name === name)!;
    const tasks = { ...profile.tasks, ...profile.further };
    for (const task of Object.keys(tasks)) {
      const variants = [tasks[task]![0]!, ...(profile.harder?.[task] ?? [])];
      const one = { ...profile, tasks: { [task]: variants } };
      const { cells } = defineComparison({
        architectures: ["attention"],
        profile: one,
        seeds: 1,
        full: true,
      });
      expect(cells).toHaveLength(variants.length);
    }
  });
});

describe("refused in one line, before anything is trained", () => {
  const profileWith = (settings: Record<string, unknown>) => {
    const [variant] = tiny.tasks["in-context-recall"]!;
    return { ...tiny, tasks: { "in-context-recall": [{ ...variant!, settings }] } };
  };
  test.each([
    [{ architectures: [] }, "no architectures; expected some, such as attention hyena mamba"],
    [{ architectures: ["hyena", "hyena"] }, "two architectures are called hyena"],
    [{ profile: "repohead" }, "did you mean repo-head?"],
    [{ tasks: ["in-context-recal"] }, "did you mean in-context-recall?"],
    [{ tasks: ["compression"] }, "profile tiny has no sizes for compression; expected some of"],
    [{ budget: "3steps" }, "too small for one result of each architecture; expected at least"],
    [{ budget: "1s" }, "--budget 1s is too small for one result of each architecture; expected at least"],
    [{ budget: "ten" }, "expected time, steps or FLOPs"],
    [{ full: true, budget: "10m" }, "leave out --budget"],
    [{ profile: profileWith({ length: 15 }) }, "in-context-recall: length is 15"],
    [{ profile: profileWith({ vocabulary: 1 }) }, "in-context-recall: vocabulary is 1"],
  ] satisfies [Partial<MadRequest>, string][])("%j", (changes, message) => {
    const define = () => defineComparison({ architectures: ["attention"], profile: tiny, ...changes });
    expect(define).toThrow(message);
    expect(define).toThrow(/^[^\n]*$/);
  });

  test("the least budget that is named is enough", () => {
    try {
      define({ budget: "3steps" });
    } catch (error) {
      const [, least] = /at least (\d+steps)/.exec((error as Error).message)!;
      expect(() => define({ budget: least! })).not.toThrow();
      return;
    }
    expect.unreachable();
  });
});
