// Questions to a study, whatever has become of its index.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { RequestError } from "../../src/errors.ts";
import { prepareRun, writeFailure, writeResult } from "../../src/study/ended.ts";
import { indexPath, queryStudy, rebuildIndex } from "../../src/study/index.ts";
import { resultsFolder } from "../../src/study/paths.ts";
import { openStore, prepareFolder } from "../../src/study/store.ts";
import { temporaryFolder } from "./harness.ts";

const base = temporaryFolder();
afterAll(base.remove);
const folder = join(base.path, "study");
const question = "select run, value ->> 'accuracy' as accuracy, flops from results order by accuracy desc";
const answer = [
  { run: "b", accuracy: 0.5, flops: 2e15 },
  { run: "a", accuracy: 0.25, flops: 1e15 },
];
const add = (run: string, accuracy: number, flops: number) => {
  prepareRun(folder, run);
  const result = { run, until: 5, value: { accuracy }, flops, seconds: 2 };
  writeResult(folder, { run, until: 5, spec: null }, result);
};

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  prepareFolder(folder);
  openStore(folder, null);
  add("a", 0.25, 1e15);
  add("b", 0.5, 2e15);
  prepareRun(folder, "c");
  const failure = { run: "c", until: 5, reason: "crashed", attempts: 3 };
  writeFailure(folder, { run: "c", until: 5, spec: null }, failure);
});

test("results and failures are found", async () => {
  expect(await queryStudy(folder, question)).toEqual(answer);
  expect(await queryStudy(folder, "select * from failures")).toEqual([
    { run: "c", until: 5, reason: "crashed", attempts: 3 },
  ]);
});

test("an index that is missing, behind, damaged or something else is made again", async () => {
  const whole = Buffer.from(await rebuildIndex(folder));
  const spoilt = Buffer.from(whole);
  spoilt.fill(7, 5000, 9000);
  for (const spoil of [
    () => rmSync(indexPath(folder)),
    () => writeFileSync(indexPath(folder), "no database"),
    () => writeFileSync(indexPath(folder), ""),
    () => writeFileSync(indexPath(folder), whole.subarray(0, 5000)),
    () => writeFileSync(indexPath(folder), spoilt),
  ]) {
    spoil();
    expect(await queryStudy(folder, question)).toEqual(answer);
    expect(readFileSync(indexPath(folder)).equals(whole)).toBe(true);
  }
  add("d", 0.125, 1);
  expect(await queryStudy(folder, question)).toHaveLength(3);
  // As many as before: a failure that was removed, and what the job then brought back.
  rmSync(join(resultsFolder(folder, "c"), "5.failure.json"));
  add("c", 0.75, 1);
  expect(await queryStudy(folder, question)).toHaveLength(4);
  expect(await queryStudy(folder, "select * from failures")).toEqual([]);
});

test("asking needs no lock, leaves nothing behind and changes nothing", async () => {
  await rebuildIndex(folder);
  // What a killed process of the SQLite library leaves.
  mkdirSync(`${indexPath(folder)}.lock`);
  const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith("scantling-index-")).length;
  const before = left();
  expect(await queryStudy(folder, question)).toEqual(answer);
  await expect(queryStudy(folder, "delete from results")).rejects.toThrow(RequestError);
  expect(await queryStudy(folder, question)).toEqual(answer);
  expect(left()).toBe(before);
});

test("a question that is none, and a folder without a study, are refused in one line", async () => {
  await expect(queryStudy(folder, "select loss from results")).rejects.toThrow(
    "select loss from results: no such column: loss; change the question",
  );
  await expect(queryStudy(base.path, question)).rejects.toThrow(
    `${base.path} holds no study: ${join(base.path, "study.json")} does not exist; name the folder of a study`,
  );
  expect(existsSync(indexPath(base.path))).toBe(false);
});
