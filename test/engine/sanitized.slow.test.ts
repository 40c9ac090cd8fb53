// Recorded plans replayed by the C driver under sanitizers: every op, whole training steps, states of every kind and
// random programs, in both precisions. Blocks of memory end where the plan says.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildReplay, replay } from "../backend/native/replay.ts";
import { native } from "./harness.ts";
import { record } from "./recordings.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "scantling-sanitized-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const builds = [
  { double: false, sanitizers: "address,undefined" },
  { double: true, sanitizers: "address,undefined" },
  { double: false, sanitizers: "thread" },
] as const;

test.each(builds)("$sanitizers, double: $double", async ({ double, sanitizers }) => {
  const recording = record(folder, await native(double), { settings: 2, random: 100 }, double ? 1e-9 : 1e-3);
  const [program, files] = await Promise.all([buildReplay({ folder, double, sanitizers }), recording]);
  expect(files.length).toBeGreaterThan(400);
  for (let from = 0; from < files.length; from += 50) {
    const { ok, output } = await replay(program, files.slice(from, from + 50));
    expect(ok, output.slice(-4000)).toBe(true);
  }
});
