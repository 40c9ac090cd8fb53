// A study that is really trained, each run in a process of its own: killed with its runs again and again, on a disk that
// fills up, gone on with, it is the one that nobody disturbed.
import { existsSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRandom } from "../../src/data/random.ts";
import type { TrialResult } from "../../src/trial/result.ts";
import { builtFolder } from "../built.ts";
import { childrenOf, commandIn, type Ended, type LifeOptions } from "../command.ts";
import { mountSmallDisk } from "../smallDisk.ts";

const folder = builtFolder();
const { live, killAll } = commandIn(folder.path);
const file = join(folder.path, "study.yaml");
const disk = join(folder.path, "disk");
const unmount = mountSmallDisk(disk);

const study = `
arms:
  wide: { architecture: { width: 16, layers: 1, heads: 2, activation: gelu } }
  deep: { architecture: { width: 8, layers: 2, heads: 2, activation: gelu } }
data: text.txt
train: { tokens: 20480 }
length: 16
batch: 4
rates: [0.003, 0.01]
seeds: 2
stop: full
evaluationTokens: 512
`;
const RUNS = 2 * 2 * 2;

const call = (out: string, options?: LifeOptions) =>
  live(["study", file, "--out", out, "--processes", "2", "--json"], options);

/** What a study says, without what depends on the clock. */
function verdictOf({ code, out, err }: Ended) {
  expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
  const { report: _, ...said } = JSON.parse(out) as TrialResult & { report: string };
  const views = said.views.filter(({ axis }) => axis.of !== "seconds");
  return JSON.parse(
    JSON.stringify({ ...said, views }, (key, value: unknown) =>
      key === "seconds" || key === "tokensPerSecond" ? undefined : value,
    ),
  ) as TrialResult & { readonly ended: string };
}

const runsOf = (out: string): string[] => {
  const path = join(folder.path, out, "runs");
  return existsSync(path) ? readdirSync(path).sort() : [];
};
/** Every file in which a run's end is kept, with what it says. */
const resultsOf = (out: string): ReadonlyMap<string, string> =>
  new Map(
    runsOf(out).flatMap((run) => {
      const path = join(folder.path, out, "runs", run, "results");
      const names = existsSync(path) ? readdirSync(path) : [];
      return names
        .filter((name) => /^\d.*\.json$/.test(name))
        .map((name) => [`${run} ${name}`, readFileSync(join(path, name), "utf8")] as const);
    }),
  );
/** Grows with every update of every run. */
const logged = (out: string): number =>
  runsOf(out).reduce((sum, run) => {
    const log = join(folder.path, out, "runs", run, "log.jsonl");
    return sum + (existsSync(log) ? statSync(log).size : 0);
  }, 0);

let whole: ReturnType<typeof verdictOf>;
beforeAll(async () => {
  writeFileSync(file, study);
  writeFileSync(join(folder.path, "text.txt"), "the ship and the keel of the ship and a sail ".repeat(500));
  whole = verdictOf(await call("whole").ended);
  expect([whole.ended, whole.spent.runs]).toEqual(["done", RUNS]);
}, 900_000);
afterAll(() => {
  killAll();
  unmount?.();
});

/** Before the first run, while runs train, and once one of them has ended. */
type Moment = "start" | "training" | "result";
const moments: readonly Moment[] = [
  ...(["start", "training", "start", "result", "training"] as const),
  ...(["start", "training", "training", "result", "start"] as const),
];

test("ten kills of the study, and of runs: none is lost or done twice, and the verdict is the same", async () => {
  const random = createRandom(7, 0);
  const seen = new Map<string, string>();
  let runsKilled = 0;
  for (const [kill, moment] of moments.entries()) {
    const { child, ended, said } = call("killed", { leads: true });
    const earlier = logged("killed");
    if (moment === "result") await said(/^\d+\/\d+ \S+ until/m);
    if (moment === "training") {
      while (logged("killed") === earlier && child.exitCode === null) await wait(20);
    }
    const runs = moment === "training" ? childrenOf(child.pid!) : [];
    if (runs.length > 0) {
      // A run alone, which the study tries again.
      process.kill(runs[random.integer(3 * kill + 1, runs.length)]!, "SIGKILL");
      await said(/^again: \S+ was killed/m);
      runsKilled++;
    }
    await wait((moment === "start" ? 1500 : 200) * random.uniform(3 * kill));
    // Sometimes alone, sometimes with all its runs.
    process.kill(random.uniform(3 * kill + 2) < 0.5 ? child.pid! : -child.pid!, "SIGKILL");
    expect((await ended).signal).toBe("SIGKILL");
    for (const [name, content] of resultsOf("killed")) if (!seen.has(name)) seen.set(name, content);
  }
  if (process.platform === "linux") expect(runsKilled).toBe(4);
  expect(seen.size).toBeGreaterThan(0);
  expect(seen.size).toBeLessThan(RUNS);
  const end = call("killed");
  await end.said(/^stage 1: /m);
  end.child.kill("SIGSTOP");
  const second = await call("killed").ended;
  const inUse = `killed is in use by process ${end.child.pid}; wait until it ends, or stop it`;
  expect([second.code, second.err]).toEqual([1, `scantling: ${inUse}\n`]);
  end.child.kill("SIGCONT");
  expect(verdictOf(await end.ended)).toEqual(whole);
  expect(runsOf("killed")).toEqual(runsOf("whole"));
  const last = resultsOf("killed");
  expect([...last.keys()]).toEqual([...resultsOf("whole").keys()]);
  // With the seconds that it took: one that was done again would say others.
  for (const [name, content] of seen) expect(last.get(name)).toBe(content);
  expect(readFileSync(join(folder.path, "killed", "report.html"), "utf8")).toContain("Loss over the rate");
  rmSync(join(folder.path, "killed", "index.sqlite"));
  const { out } = await live(["study", "rebuild", "killed", "--json"]).ended;
  expect(JSON.parse(out)).toMatchObject({ results: RUNS, failures: 0 });
});

test.runIf(unmount)("a full disk pauses it; with room it goes on to the same verdict", async () => {
  const filler = join(disk, "filler");
  const { ended, said } = call(join("disk", "study"));
  await said(/^\d+\/\d+ \S+ until/m);
  const { bavail, bsize } = statfsSync(disk);
  try {
    writeFileSync(filler, Buffer.alloc(bavail * bsize));
  } catch {
    // Runs write at the same time; it is full now all the same.
  }
  await said(/^paused: /m);
  await wait(1500);
  rmSync(filler);
  const end = await ended;
  expect(verdictOf(end)).toEqual(whole);
  const lines = end.err.split("\n").filter((line) => !/^(?:stage \d+: |\d+\/\d+ )/.test(line));
  expect(lines).toEqual([
    expect.stringMatching(
      /^paused: .*(?:space is left|kB left|0B left).*; the study goes on when there is room$/,
    ),
    "there is room again",
    "",
  ]);
  expect(runsOf(join("disk", "study"))).toEqual(runsOf("whole"));
});

test("a study that was edited says which runs no longer belong", async () => {
  writeFileSync(file, study.replace("0.003, 0.01", "0.005, 0.01"));
  const { code, err } = await call("whole").ended;
  expect(code).toBe(2);
  expect(err).toMatch(/edited after runs were made; 4 of 8 no longer belong to it: \S+rate0\.00300-seed1/);
});
