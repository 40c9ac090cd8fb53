// What a study says of planted results: rates, verdicts, where they turn, and the page.
import { expect, test } from "vitest";
import { reportPage } from "../../src/report/page.ts";
import type { Known, Result } from "../../src/study/job.ts";
import { race } from "../../src/study/racing/race.ts";
import { replay } from "../../src/study/racing/rule.ts";
import type { Trial } from "../../src/trial/define.ts";
import { payableRuns } from "../../src/trial/full.ts";
import { trialReport } from "../../src/trial/report.ts";
import { trialResult } from "../../src/trial/result.ts";
import { jobOf, type TrialRun } from "../../src/trial/runs.ts";
import { verdictTable, viewTable } from "../../src/trial/tables.ts";
import type { TrialValue } from "../../src/trial/values.ts";
import { flipLines, noteLines, pairLine } from "../../src/trial/words.ts";
import { input, resultOf, resultsOf, trialOf } from "./harness.ts";

/** The middle rate is best; the second arm is better by 0.1; seeds differ, and the rest a little. */
const planted = ({ arm, candidate, seed }: TrialRun): number =>
  2 - 0.1 * arm + 0.2 * Math.abs(candidate - 1) + 0.05 * seed + 0.002 * ((seed * (arm + 1)) % 3);

test("each arm has the best of its rates, and pairs are compared seed by seed", () => {
  const trial = trialOf();
  const result = trialResult(trial, resultsOf(trial, planted));
  expect(result.finished).toBe(true);
  expect(result.arms.map(({ rate, edge }) => [rate, edge])).toEqual([
    [0.01, null],
    [0.01, null],
  ]);
  const [pair] = result.pairs;
  expect(pair).toMatchObject({ verdict: "win", winner: "deep", seeds: 3 });
  expect(pair!.difference).toBeCloseTo(0.1, 2);
  expect(pairLine(pair!)).toMatch(/^win: deep over wide by 0\.\d{4} nat \[0\.\d{4}, 0\.\d{4}\]$/);
  expect(result.decidable).toBeLessThan(0.1);
});

test("a verdict that turns where the slower arm had the same seconds is told", () => {
  const trial = trialOf();
  const result = trialResult(trial, resultsOf(trial, planted));
  // At the seconds of the faster arm the slower has had half its updates, and its loss is 0.5 higher there.
  const seconds = result.views.find(({ name }) => name === "equal seconds")!;
  expect(seconds.pairs[0]).toMatchObject({ verdict: "win", winner: "wide" });
  expect(seconds.losses[1]! - seconds.losses[0]!).toBeCloseTo(0.4, 2);
  expect(seconds.flips).toEqual([0]);
  expect(flipLines(result).join()).toMatch(
    /wide, deep: deep wins as asked, but .*wide wins at .*equal seconds/,
  );
  const tokens = result.views.find(({ name }) => name === "equal tokens")!;
  expect(tokens.flips).toEqual([]);
  expect(result.views.map(({ name }) => name)).toEqual([
    "equal tokens",
    ...["training", "sixN", "kaplan", "chinchilla"].map((name) => `equal FLOPs (${name})`),
    "equal seconds",
    ...["total", "nonEmbedding", "active", "kaplan"].map((name) => `equal parameters (${name})`),
  ]);
});

test("runs of an arm that something held up do not slow the arm down", () => {
  const trial = trialOf();
  const known = resultsOf(trial, planted);
  const disturbed = known.results.map((one, place) => {
    const value = one.value as TrialValue;
    return place % 3 === 0
      ? one
      : { ...one, value: { ...value, tokensPerSecond: value.tokensPerSecond! / 5 } };
  });
  const speeds = ({ arms }: ReturnType<typeof trialResult>) =>
    arms.map(({ tokensPerSecond }) => tokensPerSecond);
  const result = trialResult(trial, { ...known, results: disturbed });
  expect(speeds(result)).toEqual([1000, 500]);
  expect(result.views).toEqual(trialResult(trial, known).views);
  expect(speeds(trialResult(trial, { results: [], failures: [] }))).toEqual([null, null]);
});

test("the table of other budgets says what its numbers are in, and few pairs are its columns", () => {
  const trial = trialOf();
  const result = trialResult(trial, resultsOf(trial, planted));
  const losses = viewTable(result);
  expect(losses.note).toMatch(/^Losses in nats\. Tokens, FLOPs/);
  const budgets = new Map(losses.rows.map(([name, budget]) => [name, budget]));
  expect(budgets.get("equal seconds")).toMatchObject({ unit: "seconds" });
  expect(budgets.get("equal tokens")).toMatchObject({ unit: "count", value: 3200 });
  const verdicts = verdictTable(result);
  expect(verdicts.columns.map(({ heading }) => heading)).toEqual(["held equal", "wide, deep"]);
  expect(verdicts.rows.slice(0, 2)).toEqual([
    ["as asked", "deep"],
    ["equal tokens", "deep"],
  ]);
  expect(verdicts.rows).toContainEqual(["equal seconds", "wide *"]);
  const many = trialOf({
    arms: Object.fromEntries([1, 2, 3, 4, 5, 6].map((i) => [`arm ${i}`, input.arms!.wide!])),
  });
  const tall = verdictTable(trialResult(many, resultsOf(many, planted)));
  expect(tall.rows).toHaveLength(15);
  expect(tall.columns[1]!.heading).toBe("as asked");
});

test("of three arms or more the leader is told, and from whom it is told apart", () => {
  const { wide, deep } = input.arms!;
  const trial = trialOf({ arms: { wide: wide!, deep: deep!, third: wide!, fourth: deep! } });
  const leaderOf = (offsets: readonly number[]) => {
    const noise = ({ arm, seed }: TrialRun) => 0.002 * ((seed * (arm + 1)) % 3);
    const known = resultsOf(trial, (run) => {
      const offset = offsets[run.arm]!;
      return Number.isNaN(offset) ? null : 2 + offset + 0.2 * Math.abs(run.candidate - 1) + noise(run);
    });
    return noteLines(trialResult(trial, known)).find((line) => line.includes("has the lowest loss"));
  };
  expect(leaderOf([0.5, 0, 0.5, 0.6])).toBe(
    "deep has the lowest loss, surely lower than that of every other arm.",
  );
  expect(leaderOf([0.5, 0, 0.004, 0.6])).toMatch(
    /^deep has the lowest loss: surely better than wide, fourth; (as good as|not told apart from) third\.$/,
  );
  expect(leaderOf([0.5, 0, Number.NaN, 0.6])).toBe(
    "deep has the lowest loss: surely better than wide, fourth.",
  );
  expect(leaderOf([0.5, 0, Number.NaN, Number.NaN])).toBeUndefined();
});

test("seeds that agree to the last digit have no interval", () => {
  const trial = trialOf();
  const result = trialResult(
    trial,
    resultsOf(trial, ({ arm, candidate }) => 2 + arm + candidate),
  );
  expect(result.arms.map(({ test }) => test)).toEqual([
    { loss: 2, interval: null },
    { loss: 3, interval: null },
  ]);
});

test("what failed has cost, too, and runs of two backends are said to be that", () => {
  const trial = trialOf();
  const known = resultsOf(trial, (run) => (run.seed === 1 ? null : planted(run)));
  const of = (failures: Known["failures"], results = known.results) =>
    trialResult(trial, { results, failures });
  const plain = of(known.failures);
  const [first, ...others] = known.failures;
  const dear = of([{ ...first!, flops: 5000, seconds: 7 }, ...others]);
  expect(dear.spent.flops - plain.spent.flops).toBe(5000);
  expect(dear.spent.seconds - plain.spent.seconds).toBe(7);
  for (const what of ["runs", "flops", "seconds"] as const) {
    expect(dear.arms.reduce((sum, { spent }) => sum + spent[what], 0)).toBeCloseTo(dear.spent[what]);
  }
  expect(plain.backends).toEqual(["native"]);
  expect(noteLines(plain).join()).not.toMatch(/made by/);
  const [result, ...more] = known.results;
  const value = { ...(result!.value as unknown as TrialValue), backend: "wasm" };
  const mixed = of(known.failures, [{ ...result!, value }, ...more]);
  expect(noteLines(mixed).join()).toMatch(/Runs were made by native and wasm/);
});

test("a best rate at an end of the grid is warned of, and a failed run is missing, not bad", () => {
  const trial = trialOf();
  const result = trialResult(
    trial,
    resultsOf(trial, (run) => (run.seed === 1 ? null : planted(run) - run.candidate)),
  );
  expect(result.arms.map(({ rate, edge }) => [rate, edge])).toEqual([
    [0.1, "highest"],
    [0.1, "highest"],
  ]);
  expect(noteLines(result).join()).toMatch(
    /warning: the best rate of wide, 0\.1, is the highest that was tried/,
  );
  expect(result.pairs[0]!.seeds).toBe(2);
  expect(result.failures).toHaveLength(6);
});

test("a rate under which a run failed is not chosen for the luck of the others, nor one for the seeds it has had", () => {
  const trial = trialOf();
  const failing = (run: TrialRun) =>
    run.candidate === 2 && run.seed === 1 ? null : planted(run) - run.candidate;
  expect(trialResult(trial, resultsOf(trial, failing)).arms.map(({ rate }) => rate)).toEqual([0.01, 0.01]);
  // Paused when the worst rate alone had its second seed, on which all losses are lower.
  const known = resultsOf(trial, (run) => planted(run) - (run.seed === 1 ? 5 : 0));
  const made = new Set(
    trial.runs
      .flat(2)
      .flatMap(({ run, seed, candidate }) => (seed === 0 || (seed === 1 && candidate === 0) ? [run] : [])),
  );
  const paused = { ...known, results: known.results.filter(({ run }) => made.has(run)) };
  expect(trialResult(trial, paused).arms.map(({ rate }) => rate)).toEqual([0.01, 0.01]);
});

test("where all arms end at a budget its verdict is the one that was asked for, whatever selects", () => {
  const trial = trialOf({ train: { flops: 1e9 } });
  const known = resultsOf(trial, planted);
  const results = known.results.map((result) => {
    const value = result.value as unknown as TrialValue;
    // On the tokens that select the arms look alike: nothing is at another budget for that.
    const curve = value.curve.map(({ step }) => ({ step, loss: 2 + (step % 7) * 0.01 }));
    return { ...result, value: { ...value, curve } };
  });
  const { views, pairs } = trialResult(trial, { ...known, results });
  const same = views.find(({ name }) => name === "equal FLOPs (training)")!;
  expect(same.pairs).toEqual(pairs);
  expect([same.flips, same.unsure]).toEqual([[], []]);
  const tokens = views.find(({ name }) => name === "equal tokens")!;
  expect(tokens.pairs).not.toEqual(pairs);
});

test("a pair that is undecided elsewhere is no flip, and is said to be not sure", () => {
  const trial = trialOf();
  const known = resultsOf(trial, planted);
  const results = known.results.map((result, place) => {
    const value = result.value as unknown as TrialValue;
    const curve = value.curve.map(({ step }) => ({ step, loss: 2 + Math.sin(91 * place) }));
    return { ...result, value: { ...value, curve } };
  });
  const result = trialResult(trial, { ...known, results });
  const seconds = result.views.find(({ name }) => name === "equal seconds")!;
  expect(seconds).toMatchObject({ flips: [], unsure: [0] });
  const lines = flipLines(result).join("\n");
  expect(lines).not.toContain("flips:");
  expect(lines).toMatch(/^not sure: wide, deep: deep wins as asked, undecided at .*equal seconds/);
});

test("a pair that is won at another budget alone is told, and marked in the table", () => {
  const trial = trialOf();
  // Arms end alike to within the spread; at the seconds of the faster one the slower has had half its updates.
  const known = resultsOf(
    trial,
    (run) => 2 + 0.2 * Math.abs(run.candidate - 1) + 0.02 * ((run.seed * (run.arm + 1)) % 3),
  );
  const result = trialResult(trial, known);
  expect(result.pairs[0]!.verdict).toBe("undecided");
  const seconds = result.views.find(({ name }) => name === "equal seconds")!;
  expect(seconds).toMatchObject({ flips: [], unsure: [], wonHere: [0] });
  expect(flipLines(result).join("\n")).toMatch(
    /^only elsewhere: wide, deep: undecided as asked, but .*wide wins at .*equal seconds/,
  );
  expect(noteLines(result).join()).not.toMatch(/told apart/);
});

test("other budgets of a race are tested as strictly as the race's own looks", () => {
  const trial = trialOf({ stop: "race", seeds: 5 });
  // Sure enough for one test of two seeds, and not for the first of four looks.
  const known = resultsOf(
    trial,
    ({ arm, candidate, seed }) => 2 - 0.1 * arm + candidate + 0.004 * arm * seed,
  );
  const first = { ...known, results: known.results.filter(({ run }) => /-seed[12]-/.test(run)) };
  const { pairs, views } = trialResult(trial, first);
  expect(pairs[0]).toMatchObject({ seeds: 2, verdict: "undecided" });
  for (const view of views.filter(({ axis }) => axis.of === "parameters"))
    expect([view.name, view.pairs[0]!.verdict]).toEqual([view.name, "undecided"]);
});

test("arms without any spread are not said to need more seeds", () => {
  const trial = trialOf();
  const result = trialResult(
    trial,
    resultsOf(trial, ({ candidate }) => 2 + candidate),
  );
  expect(pairLine(result.pairs[0]!)).toBe(
    "undecided: wide - deep is 0.0000 nat; the runs say nothing of the spread over seeds",
  );
});

test("what a race could decide is told by the pairs that went to its end", () => {
  const arms = { ...input.arms, other: input.arms!.wide! };
  const trial = trialOf({ stop: "race", seeds: 5, arms });
  // The third is far off and is told apart early, when intervals are wide.
  const lossOf = ({ arm, candidate, seed }: TrialRun) =>
    2 + candidate + (arm === 2 ? 3 : 0) + 0.01 * Math.sin(13 * arm + 78 * seed);
  const { pairs, decidable } = trialResult(trial, resultsOf(trial, lossOf));
  const half = ({ interval }: (typeof pairs)[number]) => (interval![1] - interval![0]) / 2;
  const open = pairs.filter(({ verdict }) => verdict === "undecided");
  expect(open.map(({ seeds }) => seeds)).toEqual([5]);
  expect(decidable).toBeCloseTo(half(open[0]!), 12);
  expect(decidable).toBeLessThan(Math.max(...pairs.map(half)));
});

test("one seed decides nothing", () => {
  const trial = trialOf({ seeds: 1 });
  const result = trialResult(trial, resultsOf(trial, planted));
  expect(result.pairs[0]!.verdict).toBe("undecided");
  expect(pairLine(result.pairs[0]!)).toContain("one seed decides nothing");
});

test("a race tries all rates on the first seed alone and stops when the arms are told apart", () => {
  const trial = trialOf({ stop: "race", seeds: 5, train: { flops: 1e9 } });
  const { arms, seeds, candidates } = trial.raced;
  const made = new Set<string>();
  for (let arm = 0; arm < arms; arm++) {
    for (let candidate = 0; candidate < candidates; candidate++) {
      made.add(trial.raced.job({ arm, item: 0, candidate, seed: 0 }, 1).run);
    }
  }
  expect(made.size).toBe(6);
  expect(seeds).toBe(5);
  const known = resultsOf(trial, (run) => planted(run) - run.arm);
  const result = trialResult(trial, known);
  expect(result.pairs[0]).toMatchObject({ verdict: "win", winner: "deep" });
  // Looked at after two seeds too boldly a difference would be believed; after five of five it is what one test says.
  expect(result.pairs[0]!.seeds).toBeLessThanOrEqual(5);
});

test("losses and everything else are on the page, which says in its first line that the data are built in", () => {
  const trial = trialOf();
  const result = trialResult(trial, resultsOf(trial, planted));
  const document = trialReport({ result, command: "scantling study s.yaml", hash: "1" });
  expect(document.notes[0]).toMatch(/^Data: the built-in language/);
  const figures = document.sections.flatMap(({ parts }) => parts).filter((part) => part.kind === "figure");
  for (const { data, seeds, convention, chart } of figures)
    expect(chart.kind === "picture" || [data, seeds, convention].every((text) => text.length > 3)).toBe(true);
  const page = reportPage(document);
  for (const text of [
    "Loss over tokens",
    "Loss over training FLOPs",
    "Loss over seconds",
    "Loss over the rate",
  ])
    expect(page).toContain(text);
  expect(page).toContain("deep over wide by");
});

test("a study without results is a page all the same", () => {
  const trial = trialOf({ stop: "race" });
  const result = trialResult(trial, { results: [], failures: [] });
  expect(result.finished).toBe(false);
  expect(reportPage(trialReport({ result, command: "", hash: "" }))).toContain("Not finished");
  expect(jobOf(trial.runs[0]![0]![0]!).until).toBe(100);
  expect(resultOf(trial.runs[0]![0]![0]!, 1).value.curve).toHaveLength(4);
});

test("a study that spent what it may says so, and not that arms were told apart", () => {
  const { arms } = trialOf();
  const first = 3 * arms.reduce((sum, { flops }) => sum + flops, 0);
  // All rates of the first seed, and not the second seed.
  const trial = trialOf({ stop: "race", spend: `${Math.ceil(1.1 * first)}flops` });
  const { results } = resultsOf(trial, planted);
  const made = results.filter(({ run }) => run.includes("seed1-"));
  const raced = trialResult(trial, { results: made, failures: [] }, [], "done");
  expect(raced.ended).toBe("budget");
  expect(noteLines(raced)).toContain(
    "Stopped: spend is used up after 6 runs of the 18 of all rates and seeds.",
  );
  expect(noteLines(raced).join()).not.toMatch(/told apart|Not finished/);
  // Seeds that were asked for and not run are shown nowhere as if they had been.
  const { facts, sections } = trialReport({ result: raced, command: "", hash: "" });
  expect(facts).toContainEqual({ name: "seeds", value: "1 of 3" });
  const parts = sections.flatMap((section) => section.parts);
  for (const part of parts)
    if (part.kind === "figure" && part.seeds !== "") expect(part.seeds).toBe("seed 1");
  const [losses] = parts.filter((part) => part.kind === "table");
  expect(losses!.columns.filter(({ heading }) => heading.startsWith("seed"))).toHaveLength(1);
  expect(losses!.rows.every(({ length }) => length === losses!.columns.length)).toBe(true);
  const full = trialOf({ spend: `${Math.ceil(1.1 * first)}flops` });
  const known = { results: resultsOf(full, planted).results.slice(0, 4), failures: [] };
  expect(noteLines(trialResult(full, known, [], "budget"))).toContain(
    "Stopped: spend is used up after 4 runs of 18.",
  );
  expect(noteLines(trialResult(full, known))).toContain("Not finished: 4 runs have ended.");
  expect(trialResult(full, resultsOf(full, planted)).ended).toBe("done");
  // None is planned that the FLOPs do not pay for, however many go on side by side.
  const planned = payableRuns(full);
  expect(planned.length).toBeLessThan(18);
  expect(planned.reduce((sum, { flops }) => sum + flops, 0)).toBeLessThanOrEqual(full.raced.budget!);
  const paid = new Set(planned.map(({ run }) => run));
  const bought = resultsOf(full, planted).results.filter(({ run }) => paid.has(run));
  expect(trialResult(full, { results: bought, failures: [] })).toMatchObject({
    ended: "budget",
    finished: true,
  });
});

test("an interval of a win that ends at 0 is explained where there is one", () => {
  const trial = trialOf();
  const result = trialResult(trial, resultsOf(trial, planted));
  const [pair] = result.pairs;
  const cut = {
    ...result,
    pairs: [{ ...pair!, verdict: "win", winner: pair!.first, interval: [-0.2, 0] }],
  } as const;
  const said = (of: typeof result) => noteLines(of).filter((line) => line.includes("interval ends at 0"));
  expect(said(cut)).toHaveLength(1);
  expect(said(result)).toEqual([]);
  expect(trialReport({ result: cut, command: "", hash: "" }).notes).toContain(said(cut)[0]);
});

test("a single rate is told to be untuned, and two are not", () => {
  for (const stop of ["race", "full"] as const) {
    const one = trialOf({ rates: [0.01], stop });
    const notes = noteLines(trialResult(one, resultsOf(one, planted))).join("\n");
    expect(notes).toMatch(/Rates were not tuned: there is one/);
    expect(notes).not.toMatch(/rates were chosen/);
  }
  const two = trialOf({ rates: [0.01, 0.1], stop: "race" });
  const notes = noteLines(trialResult(two, resultsOf(two, planted))).join("\n");
  expect(notes).toMatch(/Raced: rates were chosen on the first seed/);
  expect(notes).not.toMatch(/not tuned/);
});

test("whole updates that are over 5 % off what was asked are told, arm by arm where they differ", () => {
  const notesOf = (train: NonNullable<(typeof input)["train"]>) => {
    const trial = trialOf({ train });
    return noteLines(trialResult(trial, resultsOf(trial, planted))).filter((line) => /whole/.test(line));
  };
  expect(notesOf({ tokens: 83 })).toEqual([
    "Every arm is trained on 96 tokens, 16 % more than train gives, since updates of 32 are whole.",
  ]);
  expect(notesOf({ tokens: 3216 })).toEqual([]);
  const [wide] = trialOf().arms;
  const perStep = wide!.flops / wide!.steps;
  expect(notesOf({ flops: 2.4 * perStep })[0]).toMatch(
    /^wide: trained on 64 tokens, 17 % less than train gives, since updates of 32 are whole\.$/,
  );
});

/** What a race makes, and no more. */
function racedOf(trial: Trial, lossOf: (run: TrialRun) => number): Known {
  const runs = new Map(trial.runs.flat(2).map((run) => [run.run, run]));
  const results: Result[] = [];
  for (;;) {
    const { jobs, finished } = replay(race(trial.raced), { results, failures: [] });
    if (finished) return { results, failures: [] };
    for (const { run } of jobs) results.push(resultOf(runs.get(run)!, lossOf(runs.get(run)!)));
  }
}

/** Of `wide` and `deep` at each rate, by seed: the first seed favours the lower rate of `wide`, which is the worse one. */
const lucky: readonly (readonly (readonly number[])[])[] = [
  [
    [2.03, 2.06, 2.002, 2.055, 2.02],
    [2.032, 2.01, 1.995, 2.015, 2.002],
  ],
  [[2, 2.01, 1.99, 2.02, 2]],
];
const luckyLoss = ({ arm, candidate, seed }: TrialRun): number => lucky[arm]![candidate]?.[seed] ?? 9;

test("rates that a race ran again are named, and a win that no money was left for is undecided and says why", () => {
  const trial = trialOf({ stop: "race", seeds: 5 });
  const known = racedOf(trial, luckyLoss);
  const result = trialResult(trial, known);
  expect(result.appeals).toEqual(["wide"]);
  expect(result.arms[0]!.rate).toBe(0.01);
  expect(result.pairs[0]!.winner).toBeNull();
  expect(noteLines(result)).toContain(
    "Other rates of wide ran under all seeds too, since a verdict hung on them; the best is the arm's.",
  );
  const alone = known.results.findIndex(({ run }) => /^wide-rate0.0100-seed[^1]/.test(run));
  const spend = known.results.slice(0, alone).reduce((sum, { flops }) => sum + flops, 0);
  const poor = trialOf({ stop: "race", seeds: 5, spend: `${Math.ceil(spend * 1.001)}flops` });
  const stopped = trialResult(poor, racedOf(poor, luckyLoss));
  expect(stopped.appeals).toEqual([]);
  expect(stopped.ended).toBe("budget");
  expect(pairLine(stopped.pairs[0]!)).toMatch(
    /^undecided: .*; it hangs on rates that there was no budget left to run again$/,
  );
});
