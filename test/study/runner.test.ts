// Studies from plan to table: stages, every way in which a job can end, going on, stopping, what may not go on.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { RequestError, WorkError } from "../../src/errors.ts";
import { queryStudy } from "../../src/study/index.ts";
import type { Job, Known, Plan, Result } from "../../src/study/job.ts";
import { runStudy } from "../../src/study/runner.ts";
import { execArgv, planOf, study, temporaryFolder, workerModule } from "./harness.ts";

// Dozens of processes begin, which takes its time where the machine has other work.
vi.setConfig({ testTimeout: 120_000 });
const folder = temporaryFolder();
afterAll(folder.remove);
const at = (name: string) => join(folder.path, name);

const square = workerModule(
  folder.path,
  "square",
  `context.report({ at: 1, told: "loss 1" });
fs.appendFileSync(join(context.folder, "calls"), "x");
return { value: { square: job.spec.x ** 2 }, flops: 10 };`,
);
const squareOf = (x: number): Job => ({ run: `x${x}`, until: 5, spec: { x } });
const jobs = [1, 2].map(squareOf);
const values = ({ results }: Known) => results.map(({ run, value }) => [run, value]);
/** Files of a run's results, but for the locks of processes that were killed. */
const recordsOf = (study: string, run: string) =>
  readdirSync(join(study, "runs", run, "results")).filter((name) => !name.startsWith("."));
const refusal = async (options: Parameters<typeof study>[0]) => {
  const error = await study(options).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).not.toContain("\n");
  return error as Error;
};

test("jobs are done, told of and known in order; a second call does nothing again", async () => {
  const options = { folder: at("done"), worker: square, plan: planOf([...jobs].reverse()) };
  const { events, known } = await study(options);
  expect(events[0]).toMatchObject({ kind: "start", processes: 2, threads: 1 });
  expect(events.filter(({ kind }) => kind === "progress")).toHaveLength(2);
  expect(known).toEqual({
    results: jobs.map(({ run, spec }) => ({
      ...{ run, until: 5, value: { square: (spec as { x: number }).x ** 2 }, flops: 10 },
      seconds: expect.any(Number) as number,
    })),
    failures: [],
  });
  const again = await study(options);
  expect(again.events.map(({ kind }) => kind)).toEqual(["start", "stage", "end"]);
  expect(again.known).toEqual(known);
  const question = "select run, until, value ->> 'square' as square, flops from results order by run";
  const rows = await queryStudy(at("done"), question);
  expect(rows).toEqual(jobs.map(({ run }, i) => ({ run, until: 5, square: (i + 1) ** 2, flops: 10 })));
  rmSync(join(at("done"), "index.sqlite"));
  expect(await queryStudy(at("done"), question)).toEqual(rows);
  expect(readdirSync(at("done")).sort()).toEqual(["index.sqlite", "runs", "study.json"]);
  expect(readdirSync(join(at("done"), "runs", "x1", "results"))).toEqual(["5.json"]);
});

test("the last that a job told of itself is known when it ends, however shortly it was told before", async () => {
  const worker = workerModule(
    folder.path,
    "quick",
    "for (const at of [1, 2, 3]) context.report({ at, told: 'step ' + at });\nreturn { value: 0, flops: 1 };",
  );
  const { events } = await study({ folder: at("quick"), worker, plan: planOf(jobs.slice(0, 1)) });
  const told = events.flatMap((event) => (event.kind === "progress" ? [event.told] : []));
  expect(told[0]).toBe("step 1");
  expect(told.at(-1)).toBe("step 3");
});

test("a plan decides from whole stages, and a study that goes on is led through the same decisions", async () => {
  const seen: string[][] = [];
  const plan: Plan = ({ results }) => {
    seen.push(results.map(({ run, until }) => `${run} ${until}`));
    if (results.length === 0) return [1, 2].map((x) => ({ run: `x${x}`, until: 1, spec: { x } }));
    const best = results.filter(({ until }) => until === 1).sort((a, b) => squareIn(b) - squareIn(a))[0]!;
    return [{ run: best.run, until: 2, spec: { x: Number(best.run.slice(1)) } }];
  };
  const squareIn = ({ value }: Result) => (value as { square: number }).square;
  const first = await study({ folder: at("stages"), worker: square, plan });
  const stages = [[], ["x1 1", "x2 1"], ["x1 1", "x2 1", "x2 2"]];
  expect(seen).toEqual(stages);
  seen.length = 0;
  // Results of no stage yet are not shown to the plan, were they on the disk.
  expect((await study({ folder: at("stages"), worker: square, plan })).known).toEqual(first.known);
  expect(seen).toEqual(stages);
});

test("jobs of one run come one after the other, the shorter first", async () => {
  const worker = workerModule(
    folder.path,
    "one-by-one",
    `const path = join(context.folder, "at");
const before = fs.existsSync(path) ? Number(fs.readFileSync(path, "utf8")) : 0;
await wait(50);
fs.writeFileSync(path, String(job.until));
return { value: before, flops: 0 };`,
  );
  const plan = planOf([2, 1].map((until) => ({ run: "one", until, spec: null })));
  const { known } = await study({ folder: at("one-by-one"), worker, plan, processes: 3 });
  expect(known.results.map(({ until, value }) => [until, value])).toEqual([
    [1, 0],
    [2, 1],
  ]);
});

describe("a job that fails is one failure", () => {
  const worker = workerModule(
    folder.path,
    "failing",
    `switch (job.spec) {
  case "well": return { value: 1, flops: 1 };
  case "throws": throw new Error("no such setting\\nand more");
  case "notFinite": return { value: { loss: [1, Number.NaN] }, flops: 1 };
  case "nothing": return { value: undefined, flops: 1 };
  case "flops": return { value: 1, flops: -1 };
  case "forgets": return new Promise(() => {});
  case "exits": process.exit(3);
  case "crashes": process.abort();
  case "killed": process.kill(process.pid, "SIGKILL"); await wait(1e6);
  case "terminated": process.kill(process.pid, "SIGTERM"); while (!context.signal.aborted) await wait(10); throw 0;
  case "rejects": Promise.reject(new TypeError("nobody waits")); await wait(1e6);
  case "memory": for (const all = []; ; ) all.push(new Array(1e5).fill(all.length));
}`,
  );
  const reasons = {
    throws: "no such setting",
    notFinite: "its result has a number that is not finite (loss.1)",
    nothing: "it returned nothing",
    flops: "its result has -1 FLOPs",
    forgets: "ended without a result",
    exits: "ended with exit code 3",
    crashes: /^crashed \(SIGABRT\)/,
    killed: "was killed (SIGKILL): out of memory, or from outside",
    terminated: "was told to stop (SIGTERM)",
    rejects: "ended with exit code 1: TypeError: nobody waits",
    memory: "ran out of JavaScript memory",
  };

  test("whatever way it fails, and the others go on", async () => {
    const specs = ["well", ...Object.keys(reasons)];
    const { known } = await study({
      ...{
        folder: at("failing"),
        worker,
        plan: planOf(specs.map((spec) => ({ run: spec, until: 1, spec }))),
      },
      ...{ processes: 4, retries: 0 },
      execArgv: [...execArgv, "--max-old-space-size=64"],
    });
    expect(values(known)).toEqual([["well", 1]]);
    const found = Object.fromEntries(known.failures.map(({ run, reason }) => [run, reason]));
    for (const [spec, reason] of Object.entries(reasons)) {
      if (typeof reason === "string") expect(found[spec]).toBe(reason);
      else expect(found[spec]).toMatch(reason);
    }
    expect(known.failures).toHaveLength(specs.length - 1);
  });

  test("after as many attempts as allowed; what would fail again in the same way is not tried again", async () => {
    const worker = workerModule(
      folder.path,
      "third",
      `const path = join(context.folder, "attempts");
fs.appendFileSync(path, "x");
const attempt = fs.statSync(path).size;
if (job.spec === "wrong") throw new Error("wrong");
if (attempt < job.spec) process.exit(1);
return { value: attempt, flops: 1 };`,
    );
    const plan = planOf(["wrong", 2, 3].map((spec) => ({ run: `run${spec}`, until: 1, spec })));
    const seconds = expect.any(Number) as number;
    const { known, events } = await study({ folder: at("third"), worker, plan, retries: 1 });
    expect(values(known)).toEqual([["run2", 2]]);
    expect(known.failures).toEqual([
      { run: "run3", until: 1, reason: "ended with exit code 1", attempts: 2, seconds },
      { run: "runwrong", until: 1, reason: "wrong", attempts: 1, seconds },
    ]);
    expect(events.filter(({ kind }) => kind === "retry")).toHaveLength(2);
    // Failures are kept like results: decisions were made from them.
    const again = await study({ folder: at("third"), worker, plan, retries: 1 });
    expect([again.known, again.events.length]).toEqual([known, 3]);
  });

  test("that has its cost, and is paid for", async () => {
    const worker = workerModule(
      folder.path,
      "costly",
      `await wait(200);
if (job.spec === "throws") throw Object.assign(new Error("out of bounds"), { flops: 7 });
if (job.spec === "crashes") process.abort();
return { value: 1, flops: 1 };`,
    );
    const specs = ["throws", "crashes", "well"];
    const plan = planOf(specs.map((spec) => ({ run: `run${spec}`, until: 1, spec })));
    const options = { folder: at("costly"), worker, plan, processes: 1, retries: 1 };
    const first = await study({ ...options, budget: { flops: 7 } });
    expect(first.events.at(-1)).toMatchObject({ kind: "end", reason: "budget" });
    expect(first.known.failures).toMatchObject([{ run: "runthrows", flops: 7 }]);
    expect(first.known.failures[0]!.seconds).toBeGreaterThan(0.2);
    const { known } = await study({ ...options, budget: { flops: 8 } });
    expect(known.results).toHaveLength(1);
    // Two attempts.
    expect(known.failures[0]).toMatchObject({ run: "runcrashes", attempts: 2 });
    expect(known.failures[0]!.seconds).toBeGreaterThan(0.4);
    for (const { run } of known.failures) expect(recordsOf(options.folder, run)).toEqual(["1.failure.json"]);
  });

  test("where there is no worker", async () => {
    const { known } = await study({
      ...{ folder: at("nobody"), worker: new URL("file:///nobody.mjs"), plan: planOf(jobs.slice(0, 1)) },
    });
    expect(known.failures[0]).toMatchObject({
      attempts: 1,
      reason: expect.stringContaining("nobody.mjs") as string,
    });
  });
});

describe("going on", () => {
  test("files of results that cannot be used are told of, and their jobs done again", async () => {
    const options = { folder: at("damaged"), worker: square, plan: planOf(jobs) };
    const { known } = await study(options);
    const path = join(options.folder, "runs", "x2", "results", "5.json");
    writeFileSync(path, readFileSync(path, "utf8").slice(0, 40));
    const again = await study(options);
    expect(again.events[1]).toMatchObject({ kind: "damaged", path });
    expect(values(again.known)).toEqual(values(known));
    expect(readFileSync(join(options.folder, "runs", "x1", "calls"), "utf8")).toBe("x");
  });

  test("with another request is refused, and the line says what differs", async () => {
    const options = { folder: at("request"), worker: square, plan: planOf([]) };
    await study({ ...options, request: { tasks: ["a", "b"], seeds: 3 } });
    await study({ ...options, request: { seeds: 3, tasks: ["a", "b"] } });
    const error = await refusal({ ...options, request: { tasks: ["a", "c"], seeds: 3 } });
    expect(error).toBeInstanceOf(RequestError);
    expect(error.message).toBe(
      `${options.folder} holds another study: tasks[1] is "b" there and "c" here; ask for the same, or choose another folder`,
    );
    const path = join(options.folder, "study.json");
    writeFileSync(path, readFileSync(path, "utf8").replace('"b"', '"c"'));
    expect((await refusal({ ...options, request: { tasks: ["a", "c"], seeds: 3 } })).message).toBe(
      `${path}: it was changed since it was written; restore it, or choose another folder`,
    );
  });

  test("with other settings of a run, or in a folder of something else, is refused", async () => {
    const options = { folder: at("done"), worker: square };
    const other = planOf([{ run: "x1", until: 5, spec: { x: 7 } }]);
    expect((await refusal({ ...options, plan: other })).message).toMatch(
      /5\.json was made from other settings than this study gives run x1; choose another folder$/,
    );
    mkdirSync(at("foreign"));
    writeFileSync(join(at("foreign"), "letter.txt"), "dear");
    expect((await refusal({ ...options, folder: at("foreign"), plan: other })).message).toBe(
      `${at("foreign")} holds letter.txt and no study; choose a new folder`,
    );
    expect(readdirSync(at("foreign"))).toEqual(["letter.txt"]);
  });

  test("is for one process at a time", async () => {
    const options = { folder: at("shared"), worker: square, plan: planOf(jobs), request: 1, execArgv };
    for await (const event of runStudy(options)) {
      if (event.kind !== "stage") continue;
      const error = await refusal(options);
      expect(error).toBeInstanceOf(WorkError);
      expect(error.message).toBe(
        `${options.folder} is in use by process ${process.pid}; wait until it ends, or stop it`,
      );
    }
  });

  test("is asked what it is about once nobody else is at work there", async () => {
    const folder = at("asked");
    const asked: string[] = [];
    const options = {
      ...{ folder, worker: square, plan: planOf([]), execArgv },
      request: () => {
        asked.push(readdirSync(folder).some((name) => name.startsWith(".lock")) ? "locked" : "open");
        return 1;
      },
    };
    for await (const _ of runStudy(options)) expect(await refusal(options)).toBeInstanceOf(WorkError);
    expect(asked).toEqual(["locked"]);
  });

  test("no study has no process", async () => {
    const error = await refusal({ folder: at("none"), worker: square, plan: planOf(jobs), processes: 0 });
    expect(error.message).toBe("processes is 0; expected a whole number of at least 1");
    expect(existsSync(at("none"))).toBe(false);
  });

  test.each([
    ["a run's name that leads elsewhere", { run: "../x", until: 1, spec: null }],
    ["a hidden one", { run: ".x", until: 1, spec: null }],
    ["no whole number", { run: "x", until: 0.5, spec: null }],
  ])("no plan may have %s", async (_, job) => {
    await refusal({ folder: at("plan"), worker: square, plan: planOf([job]) });
    expect(existsSync(join(folder.path, "x"))).toBe(false);
  });
});

describe("stopping", () => {
  const patient = workerModule(
    folder.path,
    "patient",
    `const path = join(context.folder, "at");
let at = fs.existsSync(path) ? Number(fs.readFileSync(path, "utf8")) : 0;
context.report({ at, told: "" });
for (; at < job.until; at++) {
  if (context.signal.aborted && job.spec === "hears") { fs.writeFileSync(path, String(at)); throw new Error("stopped"); }
  if (context.signal.aborted && job.spec === "deaf") for (;;) {}
  await wait(20);
}
return { value: at, flops: 1 };`,
  );
  const plan = planOf(["hears", "deaf"].map((spec) => ({ run: spec, until: 50, spec })));

  test("tells the jobs, ends those that do not listen, and loses nothing", async () => {
    const options = { folder: at("stopped"), worker: patient, plan };
    const stop = new AbortController();
    const started = new Set<string>();
    const { events, known } = await study({ ...options, signal: stop.signal, graceSeconds: 1 }, (event) => {
      if (event.kind === "progress") started.add(event.job.run);
      if (started.size === 2) stop.abort();
    });
    expect(events.at(-1)).toMatchObject({ kind: "end", reason: "interrupted" });
    expect(known).toEqual({ results: [], failures: [] });
    expect(events.some(({ kind }) => kind === "retry")).toBe(false);
    expect(existsSync(join(options.folder, "runs", "hears", "at"))).toBe(true);
    // What was begun is paid for: nothing more begins.
    for (const budget of [{ seconds: 0.01 }, { clock: 0.01 }]) {
      const paid = await study({ ...options, budget });
      expect(paid.events.map(({ kind }) => kind)).toEqual(["start", "stage", "end"]);
    }
    const attempt = (run: string): number => {
      const path = join(options.folder, "runs", run, "results", "attempts-50.json");
      return (JSON.parse(readFileSync(path, "utf8")) as { seconds: number }).seconds;
    };
    const before = { deaf: attempt("deaf"), hears: attempt("hears") };
    expect(before.deaf).toBeGreaterThan(1);
    const gone = await study(options);
    expect(values(gone.known)).toEqual([
      ["deaf", 50],
      ["hears", 50],
    ]);
    for (const { run, seconds } of gone.known.results) {
      expect(seconds).toBeGreaterThan(before[run as keyof typeof before] + 0.1);
      expect(recordsOf(options.folder, run)).toEqual(["50.json"]);
    }
  });

  test("before it begins starts nothing", async () => {
    const { events } = await study({
      folder: at("never"),
      worker: patient,
      plan,
      signal: AbortSignal.abort(),
    });
    expect(events.map(({ kind }) => kind)).toEqual(["start", "stage", "end"]);
  });

  test("by leaving the loop ends the processes and gives the folder free", async () => {
    const folder = at("left");
    for await (const event of runStudy({ folder, worker: patient, plan, request: 1, execArgv })) {
      if (event.kind === "progress") break;
    }
    expect(readdirSync(folder).filter((name) => name.startsWith(".lock"))).toEqual([]);
    expect(values((await study({ folder, worker: patient, plan, request: 1 })).known)).toHaveLength(2);
  });

  test("a budget that is spent lets no job begin", async () => {
    const options = { folder: at("budget"), worker: square, plan: planOf(jobs), processes: 1 };
    const first = await study({ ...options, budget: { flops: 5 } });
    expect(first.events.at(-1)).toMatchObject({ kind: "end", reason: "budget" });
    expect(first.known.results).toHaveLength(1);
    const second = await study({ ...options, budget: { flops: 5 } });
    expect(second.known).toEqual(first.known);
    expect((await study({ ...options, budget: { seconds: 1e-9 } })).known).toEqual(first.known);
    expect((await study({ ...options, budget: { clock: 1e-9 } })).known).toEqual(first.known);
    expect((await study({ ...options, budget: { seconds: 1e9, flops: 1e9 } })).known.results).toHaveLength(2);
  });
});
