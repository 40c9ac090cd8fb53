// The search of a design on planted learning curves: what it finds, what it spends, how it goes on.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { designReport } from "../../src/design/report.ts";
import { type SearchResult, searchResult } from "../../src/design/result.ts";
import { searchDesign } from "../../src/design/search.ts";
import { reportPage } from "../../src/report/page.ts";
import { execArgv, temporaryFolder } from "../study/harness.ts";
import { designOf, lossOf, searched, type Truth } from "./simulate.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const COUNT = 12;
const design = designOf(COUNT);
const all = <T>(of: (place: number) => T) => Array.from({ length: COUNT }, (_, place) => of(place));

/** Candidate 4 ends lowest, though others learn faster; the best rates differ. */
const truth = (seed: number): Truth => ({
  end: all((place) => (place === 4 ? 1.5 : 1.56 + 0.02 * place)),
  speed: all((place) => 0.4 + 0.02 * ((place * 5) % 7)),
  rate: all((place) => place % 3),
  spread: 0.005,
  seed,
});

test("the planted best is found, at its best rate, within the budget, whatever the noise", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const known = searched(design, (run) => lossOf(run, truth(seed)));
    const { winner, finished, finalists, cost } = searchResult(design, known);
    expect(finished).toBe(true);
    expect(winner).toMatchObject({ name: "deep-5", rateNumber: 1 });
    expect(finalists.map(({ seeds }) => seeds)).toEqual(finalists.map(() => 3));
    // To half an update of each run, and the other half is the winner's.
    expect(cost.flops).toBeLessThan(1.02 * design.search);
    expect(design.search + design.final).toBe(1e11);
  }
});

test("a budget of time: runs as long as each other at the speeds that were measured", () => {
  const timed = designOf(4, { budget: "20m", rates: [0.001, 0.003], seeds: 2 }, [0.01, 0.02, 0.03, 0.04]);
  // Two processes spend two seconds a second; half is the winner's.
  expect(timed.rungs.reduce((sum, { runs, amount }) => sum + runs * amount, 0)).toBeCloseTo(2 * 600, 0);
  const [{ amount, trial }] = timed.rungs as [(typeof timed.rungs)[0]];
  const [fast, , , slow] = trial.arms.map(({ steps }) => steps);
  expect(fast! / slow!).toBeCloseTo(4, 1);
  expect(0.01 * fast!).toBeLessThan(amount);
  expect(0.01 * fast!).toBeGreaterThan(0.8 * amount);
  expect(() => designOf(4, { budget: "20s" }, [0.01, 0.02, 0.03, 0.9])).toThrow(
    /deep-4 needs 20 updates: expected at least [\d.]+m,/,
  );
});

test("a budget of time on many cores ends in time: waves of few runs take as long as full ones", () => {
  const paces = all((place) => 0.01 * (place + 1));
  const timed = designOf(COUNT, { budget: "20m", seeds: 3 }, paces, 16);
  const losses = searched(timed, (run) => lossOf(run, truth(1)));
  // Every run takes as long as it may.
  const took = new Map(
    timed.rungs.flatMap(({ trial, amount }) => trial.runs.flat(2).map(({ run }) => [run, amount])),
  );
  const known = {
    results: losses.results.map((one) => ({ ...one, seconds: took.get(one.run)! })),
    failures: losses.failures,
  };
  const { cost } = searchResult(timed, known);
  const [first, second, last] = timed.rungs.map(({ amount }) => amount);
  expect(3 * first! + second! + 2 * last!).toBeCloseTo(600, 3);
  // The last rung is as long as the one before, so one of its two waves is there already, and the winner has its time.
  expect(cost.clock).toBeCloseTo(3 * first! + second! + last!, 3);
  // Ten of sixteen processes had nothing to do in the later waves.
  expect(cost.seconds / 16).toBeLessThan(0.7 * cost.clock);
});

test("two that are equal are not told apart, and the report says so", () => {
  const equal = {
    ...truth(3),
    end: all((place) => (place === 4 || place === 7 ? 1.5 : 1.8)),
    speed: all(() => 0.4),
  };
  const result = searchResult(
    design,
    searched(design, (run) => lossOf(run, equal)),
  );
  const pair = result.pairs.find(({ first, second }) => [first, second].sort().join() === "deep-5,deep-8");
  expect(pair?.winner).toBeNull();
  expect(result.winner?.reason).toMatch(/within noise of deep-[58]/);
  const told = { ...result, run: null };
  const page = reportPage(
    designReport({ design, result: told, folder: "runs/x", command: "design()", hash: "0" }),
  );
  expect(page).toContain("Differences of finalists");
  expect(page).toMatch(/Blocks of deep-[58]/);
  expect(page).toContain("scantling export runs/x/winner --to pytorch");
  for (const rung of [1, 2]) expect(page).toContain(`Loss over the rate, rung ${rung}`);
  expect(page).not.toContain("Loss of the winner");
});

test("a search that goes on from any part of what is known comes to the same result", () => {
  const losses = (run: Parameters<typeof lossOf>[0]) => lossOf(run, truth(1));
  const whole = searched(design, losses);
  const expected = searchResult(design, whole);
  for (let kept = 0; kept <= whole.results.length; kept += 7) {
    const before = { results: whole.results.slice(0, kept), failures: [] };
    expect(searchResult(design, before).finished).toBe(kept === whole.results.length);
    expect(searchResult(design, searched(design, losses, before))).toEqual(expected);
  }
});

test("runs that fail are left behind; where all fail there is no winner", () => {
  const known = searched(design, (run) => (run.candidate === 2 ? null : lossOf(run, truth(1))));
  const result = searchResult(design, known);
  expect(result.winner?.name).toBe("deep-5");
  expect(result.failures.length).toBe(COUNT);
  // One with the lowest mean is no winner where a run of it failed, and the reason says so.
  const { rungs, settings } = design;
  const unlucky = searchResult(
    design,
    searched(design, (run) =>
      run.arm === 4 &&
      run.steps === rungs.at(-1)!.trial.arms[4]!.steps &&
      run.spec.training.seed !== settings.firstSeed
        ? null
        : lossOf(run, truth(1)),
    ),
  );
  expect(unlucky.finalists.map(({ name }) => name)).toContain("deep-5");
  expect(unlucky.winner?.name).not.toBe("deep-5");
  expect(unlucky.winner?.reason).toMatch(/over \d seeds of those with the fewest failed runs/);
  // They cost what they took, where that is known.
  const failures = known.failures.map((one) => ({ ...one, seconds: 2, flops: 1e6 }));
  const { cost } = searchResult(design, { ...known, failures });
  expect(cost.runs).toBe(known.results.length + COUNT);
  expect(cost.seconds - result.cost.seconds).toBe(2 * COUNT);
  expect(cost.flops - result.cost.flops).toBeCloseTo(1e6 * COUNT, 0);
  expect(cost.clock).toBeGreaterThan(result.cost.clock);
  expect(() =>
    searchResult(
      design,
      searched(design, () => null),
    ),
  ).toThrow(/every run of a rung failed/);
});

const work = `import { appendFileSync } from "node:fs";
export async function work(job) {
  appendFileSync(LOG, job.run + "\\n");
  const { architecture: { repeat }, training: { schedule, steps, seed } } = job.spec;
  const loss = (LOSS)(repeat, schedule.rate, steps, seed);
  const curve = [{ step: steps, loss }];
  return { value: { selection: loss, test: loss, curve, tokensPerSecond: 1, optimum: null }, flops: 1e6 };
}
`;
const lossAt = (repeat: number, rate: number, steps: number, seed: number): number =>
  2 -
  0.1 * Number(repeat === 3) +
  Math.abs(Math.log(rate / 0.003)) / 100 +
  1 / steps +
  0.001 * ((seed * repeat) % 3);

test("a search that is stopped at any stage goes on: nothing is done twice, and the result is the same", async () => {
  const asked = { rates: [0.003], seeds: 2, budget: "2e10flops" };
  const tiny = designOf(4, asked);
  const log = join(folder.path, "runs.log");
  const worker = join(folder.path, "work.mjs");
  writeFileSync(log, "");
  writeFileSync(worker, work.replace("LOG", JSON.stringify(log)).replace("LOSS", String(lossAt)));
  const search = async (stopAfter: number): Promise<SearchResult | undefined> => {
    const stop = new AbortController();
    const own = { design: tiny, worker: pathToFileURL(worker), execArgv, signal: stop.signal };
    let stage = 0;
    for await (const event of searchDesign({ ...own, folder: join(folder.path, "design") })) {
      if (event.kind === "study" && event.event.kind === "stage" && ++stage > stopAfter) stop.abort();
      if (event.kind === "found") return event.reason === "done" ? event.result : undefined;
    }
    return undefined;
  };
  for (const stage of [0, 1]) expect(await search(stage)).toBeUndefined();
  const found = await search(9);
  expect(found?.winner).toMatchObject({ name: "deep-3", rate: 0.003 });
  const made = readFileSync(log, "utf8").trim().split("\n");
  // The second rung is as long as the first, so its runs are there already.
  expect(made.length).toBe(4 + 2);
  expect(new Set(made).size).toBe(made.length);
  // What a search that was never stopped comes to, but for what its runs cost.
  const whole = searched(tiny, ({ spec: { architecture, training }, steps }) =>
    lossAt(architecture.repeat, training.schedule!.rate!, steps, training.seed!),
  );
  const free = (result: SearchResult | undefined) =>
    JSON.parse(JSON.stringify(result, (key, value) => (key === "cost" ? null : value)));
  expect(free(found)).toEqual(free(searchResult(tiny, whole)));
  const other = { design: designOf(3, asked), folder: join(folder.path, "design") };
  await expect(searchDesign(other).next()).rejects.toThrow(/another|differs|expected/);
}, 300_000);
