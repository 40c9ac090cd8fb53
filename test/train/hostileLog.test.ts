// Logs with records that are JSON and nothing else that they should be: the report says what it can.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { defineConfiguration, logPath, writeConfiguration } from "../../src/train/runFolder.ts";
import { writeRunReport } from "../../src/train/runReport.ts";
import { runCurve, runResult } from "../../src/train/runResult.ts";
import { defineTraining } from "../../src/train/settings.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "scantling-log-"));
  const data = { data: null, tokenizer: null, validationFraction: null, name: "language" };
  const configuration = defineConfiguration({
    architecture: defineArchitecture({ vocabulary: 64, length: 32, width: 48 }),
    training: defineTraining({ steps: 10 }),
    data: { ...data, trainingTokens: 10, validationTokens: 5, sha256: "" },
    tokenizer: { kind: "bytes" },
  });
  writeConfiguration(folder, configuration);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("points that are no numbers are left out of curve and figures", () => {
  const steps = ["1e999", '"1"', "null", "[]"].map((odd) => `{"kind":"step","step":2,"loss":${odd}}`);
  const lines = [...steps, '{"kind":"step","loss":3}', '{"kind":"step","step":1,"loss":2.5}'];
  writeFileSync(logPath(folder), lines.map((line) => `${line}\n`).join(""));
  expect(runCurve(folder).training).toEqual([{ step: 1, loss: 2.5 }]);
  expect(runResult(folder)).toMatchObject({ step: 1, trainingLoss: 2.5, validationLoss: null });
});

test("lines that are no records, and notes that are no text, do not reach the report", () => {
  const odd = ["null", "[1]", '"kind"', '{"kind":1}', '{"__proto__":{"kind":"step"}}', "[".repeat(1e5)];
  const notes = '{"kind":"start","notes":["a <b>note</b>",{"toString":1},[[]],null,1e999]}';
  writeFileSync(logPath(folder), [...odd, notes].map((line) => `${line}\n`).join(""));
  const { path } = writeRunReport(folder, { command: "test", ending: "finished" });
  const page = readFileSync(path, "utf8");
  expect(page).toContain("a &#60;b&#62;note&#60;/b&#62;");
  expect(page).not.toContain("[object");
});
