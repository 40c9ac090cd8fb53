// Killing, at random moments, the runner of a study and its jobs: the same table at the end, nothing done twice or lost,
// and nobody goes on writing unseen.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, expect, test, vi } from "vitest";
import { createRandom } from "../../src/data/random.ts";
import type { StudyEvent } from "../../src/study/events.ts";
import type { Known } from "../../src/study/job.ts";
import { childrenOf } from "../command.ts";
import { execArgv, planOf, study, studyProgram, temporaryFolder, workerModule } from "./harness.ts";

const folder = temporaryFolder();
const programs = new Set<ChildProcess>();
afterAll(() => {
  for (const program of programs) program.kill("SIGKILL");
  for (const name of readdirSync(folder.path)) {
    for (const id of jobsOf(join(folder.path, name))) process.kill(id, "SIGKILL");
  }
  folder.remove();
});

// Steps of a hash chain, each told of in a trace; a checkpoint every fifth. Half of the runs never look up from their work.
const counting = workerModule(
  folder.path,
  "counting",
  `const { createHash } = await import("node:crypto");
const path = join(context.folder, "checkpoint.json");
let { at, chain } = fs.existsSync(path) ? JSON.parse(fs.readFileSync(path, "utf8")) : { at: 0, chain: "" };
fs.writeFileSync(join(context.folder, "process"), String(process.pid));
const until = performance.now();
for (; at < job.until; ) {
  const end = performance.now() + 10;
  while (performance.now() < end);
  chain = createHash("sha256").update(chain + job.run).digest("hex");
  at++;
  fs.appendFileSync(join(context.folder, "trace"), process.pid + " " + at + "\\n");
  if (at % 5 === 0) {
    fs.writeFileSync(path + ".new", JSON.stringify({ at, chain }));
    fs.renameSync(path + ".new", path);
  }
  if (job.spec.looksUp) await wait(0);
  if (context.signal.aborted) throw new Error("stopped");
  if (job.run === "crash" && at === 12) process.abort();
}
return { value: job.run === "nan" ? Number.NaN : { chain, score: Number.parseInt(chain.slice(0, 8), 16) }, flops: job.until };`,
);

/** Six runs, of which the better half goes on, then the best. */
const plan = `({ results }) => {
  const runs = ["a", "b", "c", "d", "e", "f", "crash", "nan"];
  const job = (run, until) => ({ run, until, spec: { looksUp: run < "d" } });
  const best = (until, count) => results.filter((result) => result.until === until)
    .sort((a, b) => b.value.score - a.value.score).slice(0, count).map(({ run }) => run);
  const first = runs.map((run) => job(run, 30));
  if (results.length === 0) return first;
  const second = best(30, 3).map((run) => job(run, 60));
  return [...first, ...second, ...best(60, 1).map((run) => job(run, 90))];
}`;
const program = studyProgram(
  folder.path,
  counting,
  `processes: 2, retries: 12, execArgv: ${JSON.stringify(execArgv)}, plan: ${plan}`,
);

interface Life {
  readonly child: ChildProcess;
  readonly events: StudyEvent[];
  readonly ended: Promise<number | null>;
  err: string;
}

function live(study: string, file = program): Life {
  const child = spawn(process.execPath, [...execArgv, file, study], { stdio: ["ignore", "pipe", "pipe"] });
  programs.add(child);
  let rest = "";
  const events: StudyEvent[] = [];
  const ended = new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)));
  const life = { child, events, ended, err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    events.push(...lines.map((line) => JSON.parse(line) as StudyEvent));
  });
  child.stderr.on("data", (text) => {
    life.err += text;
  });
  return life;
}

const table = ({ results, failures }: Known) => ({
  results: results.map(({ run, until, value, flops }) => ({ run, until, value, flops })),
  failures: failures.map(({ run, until }) => ({ run, until })),
});
const knownOf = ({ events }: Life): Known => {
  const last = events.at(-1);
  if (last?.kind !== "end" || last.reason !== "done") throw new Error("expected a study that is done");
  return last.known;
};
const runsOf = (study: string) => (existsSync(join(study, "runs")) ? readdirSync(join(study, "runs")) : []);
const readIn = (study: string, run: string, name: string) => {
  const path = join(study, "runs", run, name);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
};
function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    // A process that has ended and that nobody has asked about yet.
    return !/\) Z/.test(readFileSync(`/proc/${id}/stat`, "utf8"));
  } catch {
    return false;
  }
}
const jobsOf = (study: string) =>
  runsOf(study)
    .map((run) => Number(readIn(study, run, "process")))
    .filter((id) => id > 0 && isAlive(id));
/** What each job has brought back so far. */
const resultsOf = (study: string): ReadonlyMap<string, string> =>
  new Map(
    runsOf(study).flatMap((run) =>
      (existsSync(join(study, "runs", run, "results"))
        ? readdirSync(join(study, "runs", run, "results"))
        : []
      )
        .filter((name) => /^\d/.test(name))
        .map((name) => [`${run} ${name}`, readIn(study, run, join("results", name))] as [string, string]),
    ),
  );

async function undisturbed(): Promise<Known> {
  const life = live(join(folder.path, "whole"));
  expect(await life.ended, life.err).toBe(0);
  return knownOf(life);
}

test("ten runners and ten jobs killed: the same table, no result made twice, no run by two at once", async () => {
  const whole = table(await undisturbed());
  expect(whole.results).toHaveLength(6 + 3 + 1);
  expect(whole.failures.map(({ run }) => run)).toEqual(["crash", "nan"]);
  const at = join(folder.path, "killed");
  const random = createRandom(7, 0);
  const seen = new Map<string, string>();
  let draws = 0;
  let life = live(at);
  for (let runners = 0, jobs = 0; runners < 10; ) {
    await wait(300 + 1500 * random.uniform(draws++));
    for (const [name, content] of resultsOf(at)) if (!seen.has(name)) seen.set(name, content);
    const alive = jobsOf(at);
    if (jobs < 10 && alive.length > 0 && random.uniform(draws++) < 0.6) {
      process.kill(alive[random.integer(draws++, alive.length)]!, "SIGKILL");
      jobs++;
      continue;
    }
    // Stopped first, so that it starts none after they were counted; one that starts up has told nothing of itself yet.
    life.child.kill("SIGSTOP");
    const orphans = [...new Set([...childrenOf(life.child.pid!), ...jobsOf(at)])];
    life.child.kill("SIGKILL");
    runners++;
    await life.ended;
    const start = performance.now();
    // The next runner does not wait for them every other time.
    if (runners % 2 === 0) {
      while (orphans.some(isAlive) && performance.now() - start < 5000) await wait(10);
      expect(orphans.filter(isAlive)).toEqual([]);
      const traces = () => runsOf(at).map((run) => readIn(at, run, "trace").length);
      const before = traces();
      await wait(100);
      expect(traces()).toEqual(before);
    }
    life = live(at);
  }
  expect(await life.ended, life.err).toBe(0);
  expect(table(knownOf(life))).toEqual(whole);
  const last = resultsOf(at);
  for (const [name, content] of seen) expect(last.get(name)).toBe(content);
  for (const run of runsOf(at)) {
    const ids = readIn(at, run, "trace")
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[0]!);
    const turns = ids.filter((id, i) => id !== ids[i - 1]);
    expect(new Set(turns).size, `run ${run} was worked at by two at once`).toBe(turns.length);
  }
});

/** Works without ever looking up, longer than any test. */
const endless = workerModule(
  folder.path,
  "endless",
  `fs.writeFileSync(join(context.folder, "process"), String(process.pid));
if (fs.existsSync(join(context.folder, "second"))) return { value: 1, flops: 1 };
fs.writeFileSync(join(context.folder, "second"), "");
for (;;) {}`,
);
const endlessProgram = join(folder.path, "endless");
mkdirSync(endlessProgram);
const endlessStudy = studyProgram(
  endlessProgram,
  endless,
  `processes: 1, execArgv: ${JSON.stringify(execArgv)}, plan: () => [{ run: "a", until: 1, spec: null }]`,
);

test("work that never looks up ends with its runner; the next one waits for it", async () => {
  const at = join(folder.path, "orphan");
  const first = live(at, endlessStudy);
  while (jobsOf(at).length === 0) await wait(20);
  const [orphan] = jobsOf(at) as [number];
  // It cannot end as long as it is stopped.
  process.kill(orphan, "SIGSTOP");
  first.child.kill("SIGKILL");
  await first.ended;
  const next = live(at, endlessStudy);
  while (!next.events.some(({ kind }) => kind === "jobStart")) await wait(20);
  await wait(3000);
  expect(jobsOf(at)).toEqual([orphan]);
  expect(next.events.some(({ kind }) => kind === "result")).toBe(false);
  process.kill(orphan, "SIGCONT");
  expect(await next.ended, next.err).toBe(0);
  expect(isAlive(orphan)).toBe(false);
  expect(knownOf(next).results).toHaveLength(1);
});

test("SIGTERM ends runner and jobs in order, and another call goes on; two runners do not meet", async () => {
  const at = join(folder.path, "terminated");
  const life = live(at);
  while (jobsOf(at).length < 2) await wait(50);
  const second = live(at);
  expect(await second.ended).toBe(1);
  expect(second.err).toBe(`${at} is in use by process ${life.child.pid}; wait until it ends, or stop it\n`);
  life.child.kill("SIGTERM");
  expect(await life.ended, life.err).toBe(0);
  expect(life.events.at(-1)).toMatchObject({ kind: "end", reason: "interrupted" });
  expect(jobsOf(at)).toEqual([]);
  const next = live(at);
  expect(await next.ended, next.err).toBe(0);
  expect(table(knownOf(next))).toEqual(table(await undisturbed()));
});

test("a job that says nothing any more is ended", async () => {
  const worker = workerModule(folder.path, "hangs", "context.report({ at: 1, told: '' }); for (;;) {}");
  const plan = planOf([{ run: "hangs", until: 2, spec: null }]);
  const options = { folder: join(folder.path, "hangs"), worker, plan, retries: 1, silenceSeconds: 4 };
  expect((await study(options)).known.failures).toEqual([
    {
      run: "hangs",
      until: 2,
      reason: "was silent for 4 s and was ended",
      attempts: 2,
      seconds: expect.any(Number) as number,
    },
  ]);
});

test("a clock that jumps changes nothing", async () => {
  const worker = workerModule(
    folder.path,
    "jumps",
    "Date.now = () => 1e15 * Math.random(); await wait(100); return { value: 1, flops: 1 };",
  );
  const plan = planOf([{ run: "jumps", until: 2, spec: null }]);
  const clock = vi.spyOn(Date, "now").mockImplementation(() => 1e15 * Math.random());
  const budget = { seconds: 1e6 };
  const options = { folder: join(folder.path, "jumps"), worker, plan, budget, silenceSeconds: 60 };
  const { known } = await study(options);
  clock.mockRestore();
  expect(known.results[0]!.seconds).toBeGreaterThan(0.1);
  expect(known.results[0]!.seconds).toBeLessThan(60);
});
