import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNative } from "../../src/backend/native/index.ts";
import type { Diagnosis } from "../../src/train/doctor/diagnosis.ts";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
const { PATH, HOME, SCANTLING_CACHE } = process.env;
const environment = { PATH, HOME, ...(SCANTLING_CACHE === undefined ? {} : { SCANTLING_CACHE }) };

beforeAll(async () => {
  (await createNative({ threads: 1 })).dispose(); // compiles the kernels where they are not kept
}, 300_000);
afterAll(() => folder.remove());

describe("doctor", () => {
  it("prints what it finds, one fact a line, and ends with the problems", async () => {
    const { exitCode, out, err } = await scantling(["doctor", "--threads", "1"], { environment });
    expect([exitCode, err]).toEqual([0, ""]);
    for (const name of [
      "Node",
      "system",
      "processor",
      "memory",
      "vectors",
      "compiler",
      "cache",
      "data",
      "runs",
    ]) {
      expect(out).toMatch(new RegExp(`^${name} +\\S`, "m"));
    }
    expect(out).toMatch(/^native +kernels .*, 1 thread\n +self-test: (\d+) of \1 passed/m);
    expect(out).toMatch(/^ +large product: \d+ GFLOP\/s, [\d.]+ % of the measured peak of \d+$/m);
    expect(out).toMatch(/^used +native, 1 thread: /m);
    expect(out).toMatch(/\n(no problems|\d+ problems?:\n(\d+\. .*\n)+)$/);
  });

  it("prints and keeps one JSON document", async () => {
    const file = join(folder.path, "doctor.json");
    const words = ["doctor", "--json", "--threads", "1", "--out", file];
    const { exitCode, out, err } = await scantling(words, { environment });
    expect(exitCode).toBe(0);
    expect(err).toContain("processor");
    const diagnosis = JSON.parse(out) as Diagnosis;
    expect(diagnosis.used).toMatchObject({ backend: "native", threads: 1 });
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(diagnosis);
    expect(await refusal(words, { environment })).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("the file exists"),
    });
  });

  it("is interrupted with 130 and still prints what it has", async () => {
    const stop = new AbortController();
    stop.abort();
    const { exitCode, out } = await scantling(["doctor", "--json"], { environment, signal: stop.signal });
    expect(exitCode).toBe(130);
    expect(JSON.parse(out)).toMatchObject({ backends: [] });
  });

  it.each([
    [["--jsn"], "unknown option '--jsn'; did you mean --json?"],
    [["everything"], "too many arguments"],
    [["--threads", "0"], "Expected a whole number of at least 1."],
    [["--threads", "65"], "expected a whole number from 1 to 64"],
  ])("refuses %j in one line", async (words, message) => {
    const { exitCode, err } = await refusal(["doctor", ...words], { environment });
    expect(err).toContain(message);
    expect(exitCode).toBe(2);
  });
});
