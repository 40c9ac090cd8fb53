// The log as readers and the next process find it after whatever happened to it.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RequestError, WorkError } from "../../src/errors.ts";
import { type LogRecord, openLog, readLog } from "../../src/train/log.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "scantling-log-"));
  path = join(folder, "log.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(...records: LogRecord[]): void {
  const log = openLog(folder);
  records.forEach(log.write);
  log.close();
}
const step = (number: number, loss = number): LogRecord => ({ kind: "step", step: number, loss });

test("cut anywhere, even inside a character, it loses at most its last record, and the next begins on a new line", () => {
  const records = [
    { kind: "start", note: "größer als „π“ 😀" },
    step(1),
    { kind: "sample", step: 1, text: "née 😀" },
  ];
  write(...records);
  const whole = readFileSync(path);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length }), (length) => {
      writeFileSync(path, whole.subarray(0, length));
      const kept = readLog(folder);
      expect(kept).toEqual(records.slice(0, kept.length));
      const lines = whole.subarray(0, length).filter((byte) => byte === 0x0a).length;
      // A last record that lacks nothing but its line end is whole.
      expect(kept.length - lines).toBe(whole[length] === 0x0a ? 1 : 0);
      write(step(2));
      expect(readLog(folder)).toEqual([...kept, step(2)]);
      for (const line of readFileSync(path, "utf8").trim().split("\n")) JSON.parse(line);
    }),
    { numRuns: whole.length },
  );
});

test("of a step that was done again only the last record counts, and what a resume does not go on from is left out", () => {
  write(
    { kind: "start", step: 0 },
    step(1),
    step(2),
    { kind: "evaluation", step: 2, loss: 1 },
    step(3),
    step(4),
  );
  write({ kind: "resume", step: 2 }, step(3, 33));
  expect(readLog(folder)).toEqual([
    { kind: "start", step: 0 },
    step(1),
    step(2),
    { kind: "evaluation", step: 2, loss: 1 },
    { kind: "resume", step: 2 },
    step(3, 33),
  ]);
  write({ kind: "start", step: 0 }, step(1, 11));
  expect(readLog(folder).filter(({ kind }) => kind === "step")).toEqual([step(1, 11)]);
});

test("every process's beginning and end are kept", () => {
  for (let i = 0; i < 3; i++) write({ kind: "resume", step: 5 }, { kind: "end", step: 5, seconds: i });
  expect(readLog(folder).map(({ kind }) => kind)).toEqual([
    "resume",
    "end",
    "resume",
    "end",
    "resume",
    "end",
  ]);
});

test("lines that are no records are left out and told", () => {
  writeFileSync(path, '{"kind":"start"}\nnull\n5\n{"step":1}\n{"kind":7}\n{"kind":"st\n\0\0\0\n[]\n');
  appendFileSync(path, Buffer.from([0xff, 0xfe, 0x0a]));
  appendFileSync(path, '{"kind":"step","step":1}\n');
  expect(readLog(folder)).toEqual([
    { kind: "start" },
    { kind: "step", step: 1 },
    { kind: "unreadable", lines: 8, notes: ["log.jsonl: line 2 and 7 more cannot be read; left out"] },
  ]);
});

test("no log, and something else in its place", () => {
  expect(() => readLog(folder)).toThrow(RequestError);
  expect(() => readLog(join(folder, "none"))).toThrow("holds no run");
  rmSync(path, { force: true });
  const inside = join(folder, "inside");
  expect(() => openLog(inside)).toThrow(WorkError);
  writeFileSync(inside, "");
  expect(() => openLog(inside)).toThrow("a file is in the way");
});

test("a tail far longer than a record is cut, too", () => {
  write(step(1));
  appendFileSync(path, `{"kind":"${"x".repeat(200_000)}`);
  write(step(2));
  expect(readLog(folder)).toEqual([step(1), step(2)]);
});
