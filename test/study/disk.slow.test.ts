// A disk that fills up: the study waits and says so in one line, goes on when there is room, and loses nothing.

import { spawn } from "node:child_process";
import { existsSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import type { StudyEvent } from "../../src/study/events.ts";
import type { Known } from "../../src/study/job.ts";
import { mountSmallDisk } from "../smallDisk.ts";
import { execArgv, planOf, study, studyProgram, temporaryFolder, workerModule } from "./harness.ts";

const folder = temporaryFolder();
const disk = join(folder.path, "disk");
const unmount = mountSmallDisk(disk);
afterAll(() => {
  unmount?.();
  folder.remove();
});

// A checkpoint of 200 kB at every step.
const writing = workerModule(
  folder.path,
  "writing",
  `const path = join(context.folder, "checkpoint");
const before = () => fs.existsSync(path) ? fs.readFileSync(path)[0] : 0;
for (let at = before() + 1; at <= job.until; at++) {
  fs.writeFileSync(path + ".new", Buffer.alloc(200_000, at));
  fs.renameSync(path + ".new", path);
  context.report({ at, told: "" });
  await wait(100);
  if (context.signal.aborted) throw new Error("stopped");
}
return { value: before(), flops: 1 };`,
);
const plan = planOf(["a", "b", "c"].map((run) => ({ run, until: 8, spec: null })));
const values = ({ results }: Known) => results.map(({ run, value }) => [run, value]);
const whole = ["a", "b", "c"].map((run) => [run, 8]);
const fill = () => {
  const { bavail, bsize } = statfsSync(disk);
  try {
    writeFileSync(join(disk, "filler"), Buffer.alloc(bavail * bsize));
  } catch {
    // Others write at the same time; it is full now all the same.
  }
};

test.runIf(unmount)("the study pauses and goes on", async () => {
  let filled = false;
  const { events, known } = await study({ folder: join(disk, "study"), worker: writing, plan }, (event) => {
    if (event.kind === "progress" && event.at >= 3 && !filled) {
      filled = true;
      fill();
    }
    if (event.kind === "pause") setTimeout(() => rmSync(join(disk, "filler")), 3000);
  });
  expect(values(known)).toEqual(whole);
  expect(known.failures).toEqual([]);
  const kinds = events.map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === "pause")).toHaveLength(1);
  expect(kinds.filter((kind) => kind === "continue")).toHaveLength(1);
  expect(events.find(({ kind }) => kind === "pause")).toEqual({
    kind: "pause",
    reason: expect.stringMatching(/^[^\n]*no space (is )?left[^\n]*$/i) as string,
  });
  expect(readdirSync(join(disk, "study")).filter((name) => name.startsWith("."))).toEqual([]);
  rmSync(join(disk, "study"), { recursive: true });
});

test.runIf(unmount)("a paused study can be stopped, and a later call goes on", async () => {
  const options = { folder: join(disk, "study"), worker: writing, plan };
  const stop = new AbortController();
  const { events, known } = await study({ ...options, signal: stop.signal }, (event) => {
    if (event.kind === "progress" && event.at >= 3 && !existsSync(join(disk, "filler"))) fill();
    if (event.kind === "pause") setTimeout(() => stop.abort(), 1500);
  });
  expect(events.at(-1)).toMatchObject({ kind: "end", reason: "interrupted" });
  expect(known.failures).toEqual([]);
  rmSync(join(disk, "filler"));
  expect(values((await study(options)).known)).toEqual(whole);
});

test.runIf(process.platform !== "win32")("a result that finds no room waits for it", async () => {
  const large = workerModule(
    folder.path,
    "large",
    "return { value: 'x'.repeat(job.run === 'large' ? 300_000 : 10), flops: 1 };",
  );
  const jobs = ["large", "small"].map((run) => ({ run, until: 1, spec: null }));
  const more = `execArgv: ${JSON.stringify(execArgv)}, plan: () => ${JSON.stringify(jobs)}`;
  const program = studyProgram(folder.path, large, more);
  const at = join(folder.path, "limited");
  // No file may become longer than 100 kB; further writes fail as on a full disk.
  const words = [
    "/bin/sh",
    "-c",
    'ulimit -f 200; exec "$@"',
    "sh",
    process.execPath,
    ...execArgv,
    program,
    at,
  ];
  const child = spawn(words[0]!, words.slice(1), { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (text) => {
    out += text;
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  while (!out.includes('"pause"')) await wait(50);
  // Long enough for it to try again.
  await wait(1500);
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
  const events = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as StudyEvent);
  expect(events.find(({ kind }) => kind === "pause")).toMatchObject({
    reason: expect.stringMatching(/^cannot write .*: no space is left on the disk; /) as string,
  });
  expect(events.filter(({ kind }) => kind === "pause")).toHaveLength(1);
  expect(events.at(-1)).toMatchObject({ kind: "end", reason: "interrupted" });
  const { known } = await study({ folder: at, worker: large, plan: planOf(jobs), request: 1 });
  expect(known.results.map(({ value }) => (value as string).length)).toEqual([300_000, 10]);
});
