// A run whose processes are killed again and again, in the middle of writing checkpoints, too, ends with the same bytes as
// one that nobody disturbed.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createRandom } from "../../src/data/random.ts";
import { readCheckpoint } from "../../src/train/checkpoint.ts";
import { readLog } from "../../src/train/log.ts";
import { temporaryFolder } from "./harness.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = join(root, "dist", "cli", "main.js");
const folder = temporaryFolder();
const children = new Set<ChildProcess>();

beforeAll(() => {
  execFileSync(process.execPath, ["scripts/build.js"], { cwd: root });
  const random = createRandom(1, 0);
  const words = ["ship", "keel", "rib", "plank", "mast", "sail", "of", "the", "and"];
  const text = Array.from({ length: 4000 }, (_, i) => words[random.integer(i, words.length)]);
  writeFileSync(join(folder.path, "text.txt"), text.join(" "));
});
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  folder.remove();
});

const begin = [
  ...["train", "--data", "text.txt", "--length", "32", "--width", "64", "--batch", "4", "--dropout", "0.1"],
  ...["--steps", "400", "--evaluate-every", "10", "--order", "epochs", "--keep", "2"],
];
const common = ["--threads", "2", "--sample-tokens", "0", "--json"];

interface Life {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: string | null; err: string }>;
}

function live(words: readonly string[]): Life {
  const child = spawn(process.execPath, [main, ...words, ...common], {
    cwd: folder.path,
    stdio: ["ignore", "ignore", "pipe"],
  });
  children.add(child);
  let err = "";
  child.stderr!.on("data", (chunk) => {
    err += chunk;
  });
  const ended = new Promise<{ code: number | null; signal: string | null; err: string }>((done) =>
    child.on("close", (code, signal) => {
      children.delete(child);
      done({ code, signal, err });
    }),
  );
  return { child, ended };
}

const run = join(folder.path, "killed");
const checkpoints = join(run, "checkpoints");

/** Resolves once the process has written to the log. */
async function untilLogGrows({ child }: Life): Promise<void> {
  const path = join(run, "log.jsonl");
  const size = () => (existsSync(path) ? statSync(path).size : 0);
  for (const before = size(); size() <= before && child.exitCode === null; ) await wait(2);
}

/** Resolves at the n-th checkpoint that begins to be written, while it is. */
async function untilWriting(count: number, life: Life): Promise<void> {
  await untilLogGrows(life);
  const seen = new Set<string>();
  await new Promise<void>((done) => {
    const watcher = watch(checkpoints, (_, name) => {
      if (!name?.startsWith(".partial-") || /\/.*\./.test(name)) return;
      const isThere = existsSync(join(checkpoints, name));
      if (isThere) seen.add(name);
      if (seen.size >= count && isThere) finish();
    });
    const finish = () => {
      watcher.close();
      done();
    };
    life.child.once("close", finish);
  });
}

type Moment = "anywhere" | "at the start" | "while writing";

async function untilMoment(moment: Moment, random: () => number, life: Life): Promise<void> {
  switch (moment) {
    case "at the start":
      return void (await wait(700 * random()));
    case "anywhere":
      await untilLogGrows(life);
      return void (await wait(300 * random()));
    case "while writing":
      await untilWriting(1 + Math.floor(3 * random()), life);
      return void (await wait(3 * random()));
  }
}

const isUnfinished = (name: string) => name.startsWith(".partial-");

it("ends with the bytes of an undisturbed run after ten SIGKILLs", async () => {
  const whole = await live([...begin, "--out", "whole"]).ended;
  expect([whole.code, whole.err.match(/^scantling:.*/m)]).toEqual([0, null]);

  const numbers = createRandom(7, 0);
  let drawn = 0;
  const random = () => numbers.integer(drawn++, 1_000_000) / 1_000_000;
  const moments: Moment[] = ["anywhere", "while writing", "at the start", "while writing", "while writing"];
  let torn = 0;
  for (let kill = 0; kill < 10; kill++) {
    const life = live(kill === 0 ? [...begin, "--out", "killed"] : ["train", "--resume", "killed"]);
    await untilMoment(moments[kill % moments.length]!, random, life);
    life.child.kill("SIGKILL");
    const { signal, err } = await life.ended;
    expect([kill, signal, err.match(/^(scantling:|damaged).*/m)]).toEqual([kill, "SIGKILL", null]);
    if (readdirSync(checkpoints).some(isUnfinished)) torn++;
  }
  // Otherwise the aim was bad, and the rest of this test says little.
  expect(torn).toBeGreaterThan(0);

  const last = await live(["train", "--resume", "killed"]).ended;
  expect([last.code, last.err.match(/^(scantling:|damaged).*/m)]).toEqual([0, null]);
  const { manifest } = readCheckpoint(checkpoints, 400);
  expect([manifest.backend, manifest.identity]).toEqual([
    "native",
    expect.stringMatching(/^.+, .+, kernels [0-9a-f]{8}$/),
  ]);
  for (const file of ["model.safetensors", "optimizer.safetensors"]) {
    const [one, other] = [join(folder.path, "whole"), run].map((of) =>
      readFileSync(join(of, "checkpoints", "400", file)),
    );
    expect(other!.equals(one!), file).toBe(true);
  }
  const losses = (of: string) =>
    readLog(of)
      .filter(({ kind }) => kind === "step" || kind === "evaluation")
      .map(({ kind, step, loss }) => [kind, step, loss]);
  expect(losses(run)).toEqual(losses(join(folder.path, "whole")));
  expect([...readdirSync(run), ...readdirSync(checkpoints)].filter((name) => name.startsWith("."))).toEqual(
    [],
  );
});
