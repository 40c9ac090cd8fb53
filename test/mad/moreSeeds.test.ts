// A comparison that is asked for more seeds goes on in its folder, and its report says so.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type MadOptions, mad, requireMadFolder } from "../../src/mad/mad.ts";
import { defineComparison } from "../../src/mad/request.ts";
import { prepareRun, writeResult } from "../../src/study/ended.ts";
import { openStore, prepareFolder, readStudy } from "../../src/study/store.ts";
import { lockFolder } from "../../src/train/lock.ts";
import { temporaryFolder } from "../study/harness.ts";
import { tiny } from "./tiny.ts";

const base = temporaryFolder();
afterAll(base.remove);
const folder = join(base.path, "study");

const asked = (seeds: number) => ({ architectures: ["attention", "gla"], profile: tiny, seeds });
const call = async (seeds: number, more: Partial<MadOptions> = {}) => {
  for await (const event of mad({ ...asked(seeds), folder, signal: AbortSignal.abort(), ...more })) {
    if (event.kind === "end") return event;
  }
  throw new Error("expected an end");
};

/** As if a run had ended, one that the comparison does not look at. */
function endRun(run: string): void {
  const job = { run, until: 1, spec: null };
  prepareRun(folder, run);
  writeResult(folder, job, { run, until: 1, value: null, flops: 1, seconds: 1 });
}

test("raised seeds are the same comparison, whose report says that it was looked at before", async () => {
  const two = defineComparison(asked(2));
  prepareFolder(folder);
  openStore(folder, two.json);
  endRun("one");
  expect(defineComparison(asked(5)).requestOf(2)).toEqual(two.json);
  const other = lockFolder(folder);
  await expect(call(5)).rejects.toThrow(/is in use by process/);
  expect(readStudy(folder)).toEqual(two.json);
  other.release();
  requireMadFolder(folder, asked(5));
  expect(readStudy(folder)).toEqual(two.json);
  // Nothing was run since, so nothing is seen that was not seen before.
  expect((await call(5)).earlierSeeds).toEqual([]);
  endRun("two");
  const { earlierSeeds, report } = await call(5);
  expect(earlierSeeds).toEqual([2]);
  expect(readFileSync(report, "utf8")).toMatch(
    /Seeds were added after .* \(with 2\): .* up to 10 %, not 5 %/,
  );
  for (const [seeds, more] of [
    [3, {}],
    [6, { firstSeed: 2 }],
    [6, { architectures: ["attention"] }],
  ] as const) {
    expect(() => requireMadFolder(folder, { ...asked(seeds), ...more })).toThrow(/holds another study/);
    await expect(call(seeds, more)).rejects.toThrow(/holds another study/);
  }
  const once = await call(2, { folder: join(base.path, "once") });
  expect(once.earlierSeeds).toEqual([]);
  expect(readFileSync(once.report, "utf8")).not.toContain("Seeds were added");
});
