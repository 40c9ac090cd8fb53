// Files of results that somebody else wrote, or half of which was written.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  type Damage,
  prepareRun,
  readAllEnded,
  readEnded,
  writeFailure,
  writeResult,
} from "../../src/study/ended.ts";
import type { Job } from "../../src/study/job.ts";
import { openStore, prepareFolder, requireStore } from "../../src/study/store.ts";
import { temporaryFolder } from "./harness.ts";

const base = temporaryFolder();
afterAll(base.remove);
const folder = join(base.path, "study");
prepareFolder(folder);
openStore(folder, null);

const job: Job = { run: "a", until: 5, spec: { rate: 0.1, steps: 7 } };
const result = { run: "a", until: 5, value: { loss: 1.5, curve: [1, 2] }, flops: 10, seconds: 2 };
const path = join(folder, "runs", "a", "results", "5.json");
prepareRun(folder, "a");
writeResult(folder, job, result);
const good = readFileSync(path, "utf8");

const read = () => {
  const damages: Damage[] = [];
  const ended = readEnded(folder, job, (damage) => damages.push(damage));
  const all = readAllEnded(folder, () => {});
  return { ended, damages, all };
};

test("what is written is read, whatever order the spec's keys have", () => {
  const turned = { ...job, spec: { steps: 7, rate: 0.1 } };
  expect(readEnded(folder, turned, () => {})).toEqual({ kind: "result", result });
  expect(readAllEnded(folder, () => {})).toEqual([{ kind: "result", result }]);
});

test("a failure of an earlier version has no cost; a file in place of the runs is said in one line", () => {
  const failure = { run: "b", until: 5, reason: "crashed", attempts: 3 };
  const other = { ...job, run: "b" };
  prepareRun(folder, "b");
  writeFailure(folder, other, failure);
  expect(readEnded(folder, other, () => {})).toEqual({ kind: "failure", failure });
  rmSync(join(folder, "runs", "b"), { recursive: true });
  const odd = join(base.path, "odd");
  prepareFolder(odd);
  writeFileSync(join(odd, "runs"), "");
  const line = `${odd} holds runs and no study; choose a new folder`;
  expect(() => openStore(odd, null)).toThrow(line);
  expect(() => requireStore(odd, null)).toThrow(line);
});

test("a failure stands until there is a result", () => {
  const failure = { run: "b", until: 5, reason: "crashed", attempts: 3, seconds: 2, flops: 7 };
  const other = { ...job, run: "b" };
  prepareRun(folder, "b");
  writeFailure(folder, other, failure);
  expect(readEnded(folder, other, () => {})).toEqual({ kind: "failure", failure });
  expect(readAllEnded(folder, () => {})[1]).toEqual({ kind: "failure", failure });
  writeResult(folder, other, { ...result, run: "b" });
  expect(readEnded(folder, other, () => {})?.kind).toBe("result");
  rmSync(join(folder, "runs", "b"), { recursive: true });
});

test.each([
  ["nothing", ""],
  ["a half", good.slice(0, 40)],
  ["depth", "[".repeat(1e5)],
  ["null", "null"],
  ["zeros", "\0".repeat(300)],
  ["another run's", good.replace('"run":"a"', '"run":"b"')],
  ["another length's", good.replace('"until":5', '"until":6')],
  ["a negative cost", good.replace('"flops":10', '"flops":-1')],
  ["an infinite cost", good.replace('"flops":10', '"flops":1e999')],
  ["another format", good.replace('"format":1', '"format":2')],
  ["a key too many", good.replace("{", '{"__proto__":{},')],
  ["a key twice", good.replace("{", '{"flops":3,')],
])("%s is no result, in one line", (_, content) => {
  writeFileSync(path, content);
  const { ended, damages, all } = read();
  expect([ended, all]).toEqual([undefined, []]);
  expect(damages).toEqual([{ path, why: expect.stringMatching(/^[^\n]{5,200}$/) as string }]);
});

test("nor is a folder, a pipe or a link to nothing", () => {
  for (const make of [
    () => mkdirSync(path),
    ...(process.platform === "win32" ? [] : [() => void execFileSync("mkfifo", [path])]),
  ]) {
    rmSync(path, { recursive: true, force: true });
    make();
    const { ended, damages, all } = read();
    expect([ended, all, damages.length]).toEqual([undefined, [], 1]);
  }
});
