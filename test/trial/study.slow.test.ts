// A study that is really trained, each run in a process of its own: killed and gone on with, it is the one that was not.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { builtFolder, main } from "../built.ts";

const folder = builtFolder();

const study = (seeds: number) => `
arms:
  wide: { architecture: { width: 16, layers: 1, heads: 2, activation: gelu } }
  deep: { architecture: { width: 8, layers: 2, heads: 2, activation: gelu } }
train: { tokens: 2560 }
length: 16
batch: 4
rates: [0.003, 0.01]
seeds: ${seeds}
stop: full
evaluationTokens: 512
`;

const words = (out: string) => [main, "study", join(folder.path, "study.yaml"), "--out", out, "--json"];

/** What a study says, without what depends on the clock. */
function told(out: string) {
  const text = execFileSync(process.execPath, words(out), {
    cwd: folder.path,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const { arms, pairs, spent, ended } = JSON.parse(text.toString());
  const losses = arms.map(({ name, rate, rateLosses, tests }: Record<string, unknown>) => ({
    ...{ name, rate, rateLosses, tests },
  }));
  return { losses, pairs, runs: spent.runs, ended };
}

test("SIGKILL of the study again and again: no run is lost or done twice, and the verdict is the same", async () => {
  writeFileSync(join(folder.path, "study.yaml"), study(2));
  const whole = told("whole");
  expect(whole).toMatchObject({ runs: 8, ended: "done" });
  const runs = join(folder.path, "killed", "runs");
  const results = () =>
    existsSync(runs)
      ? readdirSync(runs).flatMap((run) => {
          const path = join(runs, run, "results");
          return existsSync(path) ? readdirSync(path).filter((name) => /^\d+\.json$/.test(name)) : [];
        }).length
      : 0;
  for (let kill = 1; kill <= 3; kill++) {
    const child = spawn(process.execPath, words("killed"), { cwd: folder.path, stdio: "ignore" });
    while (results() < 2 * kill && child.exitCode === null) await wait(50);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
  }
  expect(told("killed")).toEqual(whole);
  expect(readFileSync(join(folder.path, "killed", "report.html"), "utf8")).toContain("Loss over the rate");
}, 600_000);

test("a study that was edited says which runs no longer belong", () => {
  const path = join(folder.path, "study.yaml");
  writeFileSync(path, study(2).replace("0.003, 0.01", "0.005, 0.01"));
  const refuse = () => execFileSync(process.execPath, words("whole"), { cwd: folder.path, stdio: "pipe" });
  expect(refuse).toThrow(/edited after runs were made; 4 of 8 no longer belong to it: \S+rate0\.00300-seed1/);
}, 120_000);
