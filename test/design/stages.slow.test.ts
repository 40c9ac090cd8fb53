// A design with synthetic tasks and a budget of time, stopped at each of its stages: nothing is done twice, and what was
// measured before stays. Runs are made up; the winner is really trained.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, expect, test } from "vitest";
import type * as library from "../../src/index.ts";
import { builtFolder, root } from "../built.ts";

const folder = builtFolder();
const at = join(folder.path, "design");
const made = join(folder.path, "runs.log");
let scantling: typeof library;
beforeAll(async () => {
  scantling = (await import(pathToFileURL(join(root, "dist", "index.js")).href)) as typeof library;
  writeFileSync(made, "");
}, 600_000);

/** A module whose `work` tells what it did and gives `value`. */
function worker(name: string, value: string): URL {
  const path = join(folder.path, `${name}.mjs`);
  writeFileSync(
    path,
    `import { appendFileSync } from "node:fs";
export async function work(job) {
  appendFileSync(${JSON.stringify(made)}, job.run + "\\n");
  const { spec, until } = job;
  return { value: ${value}, flops: 1e6 };
}
`,
  );
  return pathToFileURL(path);
}
const loss = "1 + 0.01 * spec.training.seed + (spec.architecture.repeat === 2 ? 0 : 0.5)";
const search = worker(
  "search",
  `{ selection: ${loss}, test: ${loss}, curve: [{ step: until, loss: ${loss} }], tokensPerSecond: 1, optimum: null }`,
);
/** Of kinds of blocks that remember nothing at all one in ten answers is right. */
const right = 'spec.architecture.stripe[0].primitive === "min-gru" ? 0.1 : 0.9';
const split = `{ loss: 1, accuracy: ${right}, aboveChance: ${right}, macroRecall: ${right},
  macroRecallOfBatches: ${right}, items: { count: 512, mean: ${right}, deviation: 0.1 } }`;
const tasks = worker(
  "tasks",
  `{ step: until, curve: [{ step: until, trainingLoss: 1, loss: 1, accuracy: ${right} }], solvedAt: null,
  looksAtChance: 0, selection: ${split}, test: ${split}, parameters: 100, state: { mad: 1, kept: 1 },
  flopsInAll: 1e6, seconds: 1 }`,
);

const arm = (stripe: string, layers = 1) => ({ architecture: { width: 8, layers, stripe } });
const input = {
  candidates: {
    plain: arm("[attention(heads: 2), gelu]"),
    deep: arm("[attention(heads: 2), gelu]", 2),
    near: arm("[attention(heads: 2, window: 2), gelu]"),
    forgetful: arm("[min-gru, gelu]"),
  },
  ...{ budget: "30m", final: "3s", mad: true, length: 8, batch: 2, rates: [0.004], seeds: 2 },
};

type End = Extract<library.DesignEvent, { kind: "end" }>;

/** A call that is stopped once something has been told. */
async function call(
  stops: (event: library.DesignEvent) => boolean = () => false,
  more: Partial<typeof input> = {},
): Promise<End> {
  const stop = new AbortController();
  const common = { folder: at, signal: stop.signal };
  const { design } = await scantling.prepareDesign({ ...common, input: { ...input, ...more }, processes: 2 });
  for await (const event of scantling.design({ ...common, design, worker: search, madWorker: tasks })) {
    if (event.kind === "end") return event;
    if (stops(event)) stop.abort();
  }
  throw new Error("expected an end");
}

test("stopped in its tasks, its search, before and in the winner's run, it goes on; another request loses nothing", async () => {
  const resultOf = (part: RegExp) => (event: library.DesignEvent) =>
    event.kind === "study" && event.event.kind === "result" && part.test(event.event.result.run);
  const inTasks = await call(resultOf(/recall|copying/));
  expect([inTasks.reason, inTasks.result.cost.runs]).toEqual(["interrupted", 0]);
  const speeds = readFileSync(join(at, "speeds.json"), "utf8");
  const inSearch = await call(resultOf(/rate0\.00400/));
  expect(inSearch.reason).toBe("interrupted");
  expect(inSearch.result.cost.runs).toBeGreaterThan(0);
  await expect(call(undefined, { budget: "40m" })).rejects.toThrow(/holds another study/);
  const before = await call(({ kind }) => kind === "found");
  expect([before.reason, before.result.winner?.name, before.result.run]).toEqual([
    "interrupted",
    "deep",
    null,
  ]);
  // Half a measurement decides nothing.
  expect(existsSync(join(at, "winner.json"))).toBe(false);
  const training = await call((event) => event.kind === "training" && event.event.kind === "step");
  expect(training.reason).toBe("interrupted");
  const decided = readFileSync(join(at, "winner.json"), "utf8");
  // A run that is there goes on as the winner's only if it is.
  writeFileSync(join(at, "winner.json"), JSON.stringify({ ...JSON.parse(decided), steps: 1_000_000 }));
  await expect(call()).rejects.toThrow(
    /winner holds the run of another winner; to train this one, move it away/,
  );
  writeFileSync(join(at, "winner.json"), decided);
  const { reason, result } = await call();
  expect(reason).toBe("done");
  expect(result.run!.step).toBe(result.run!.steps);
  expect(result.run!.step).toBeGreaterThan(training.result.run!.step);
  expect(readFileSync(join(at, "winner.json"), "utf8")).toBe(decided);
  expect(readFileSync(join(at, "speeds.json"), "utf8")).toBe(speeds);
  expect(result.leftOut.map(({ name }) => name)).toEqual(["forgetful"]);
  expect(result.winner?.name).toBe("deep");
  expect(readFileSync(join(at, "report.html"), "utf8")).toContain("winner: deep at rate 0.004");
  const runs = readFileSync(made, "utf8").trim().split("\n");
  expect(new Set(runs).size).toBe(runs.length);
}, 600_000);
