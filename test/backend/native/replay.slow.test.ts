// The replay program itself: it accepts what is right and finds what is wrong, and the walker has no race.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RecordedBinding, writeRecording } from "../../../src/backend/native/recording.ts";
import {
  innerLoop,
  loop,
  mix,
  rowsAt,
  segment,
  space,
  temporaryFolder,
  writeProbeSources,
} from "./probe/probe.ts";
import { buildReplay, replay } from "./replay.ts";

let folder: string;
let exact: string;
let racing: string;

beforeAll(async () => {
  folder = temporaryFolder();
  const sources = writeProbeSources(folder);
  exact = await buildReplay({ folder, sources, sanitizers: "address,undefined" });
  racing = await buildReplay({ folder, sources, sanitizers: "thread" });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const whole = { rowsPerGroup: 4, stride: 3, shift: 1, effort: 50 };

function record(
  name: string,
  tape: readonly number[],
  bindings: readonly RecordedBinding[],
  localBytes = 16,
): string {
  const path = join(folder, name);
  const sizes = { arenaBytes: 400, localBytes, scratchBytes: 0 };
  writeRecording(path, { realBytes: 4, tape: Int32Array.from(tape), ...sizes, bindings });
  return path;
}

const y = rowsAt(space.binding, 0);
const x = rowsAt(space.binding + 1, 0);
const initial = Int32Array.from({ length: 100 }, (_, i) => i);
const onceMixed = initial.map((value, i) => 31 * value + ((3 * i + 1) % 100));
const mixOnce = segment(25, 1, [mix({ ...whole, x, y, rows: 100 })]);
const bindings = (expected: Int32Array): RecordedBinding[] => [
  { dtype: "i32", initial, expected },
  { dtype: "i32", initial },
];

it("accepts a recording that repeats itself", async () => {
  const good = record("good", mixOnce, bindings(onceMixed));
  expect(await replay(exact, [good, good])).toEqual({ ok: true, output: `${good}: ok\n${good}: ok\n` });
});

it("finds a wrong value", async () => {
  const wrong = onceMixed.slice();
  wrong[70] = 1;
  const path = record("wrong", mixOnce, bindings(wrong));
  expect(await replay(exact, [path])).toEqual({
    ok: false,
    output: `${path}: binding 0[70] is ${onceMixed[70]}, expected 1\n`,
  });
});

it("finds a write just after the end of a value, and one far after it", async () => {
  const near = record("near", segment(26, 1, [mix({ ...whole, x, y, rows: 102 })]), bindings(onceMixed));
  expect((await replay(exact, [near])).output).toContain("binding 0 was written 0 bytes after its end");
  const far = record("far", segment(40, 1, [mix({ ...whole, x, y, rows: 160 })]), bindings(onceMixed));
  expect((await replay(exact, [far])).output).toContain("heap-buffer-overflow");
});

it("finds a write after the end of the arena and of local memory", async () => {
  for (const where of [space.arena, space.local]) {
    const outside = rowsAt(where, where === space.arena ? 40 : 0);
    const rowsPerGroup = where === space.arena ? 4 : 100;
    const path = record(
      "outside",
      segment(25, 1, [mix({ ...whole, rowsPerGroup, x, y: outside, rows: 100 })]),
      [
        { dtype: "i32", initial },
        { dtype: "i32", initial },
      ],
    );
    expect((await replay(exact, [path])).output).toContain("heap-buffer-overflow");
  }
});

it("refuses files that are not whole recordings", async () => {
  const good = record("good", mixOnce, bindings(onceMixed));
  expect(await replay(exact, [`${good}-missing`])).toMatchObject({ ok: false });
  const broken = record("broken", mixOnce.slice(0, -1), bindings(onceMixed));
  expect((await replay(exact, [broken])).output).toContain("a broken tape");
});

it("never looks beyond a damaged tape, and runs none that is not whole", async () => {
  const main = fileURLToPath(new URL("./faults.c", import.meta.url));
  const program = await buildReplay({ folder, sources: folder, sanitizers: "address,undefined", main });
  const mixing = mix({ ...whole, x, y, rows: 100 });
  const inner = [...innerLoop(2, [mixing, ...innerLoop(3, [mixing])]), mixing];
  const tapes = [mixOnce, loop(2, [segment(25, 1, inner), loop(3, [mixOnce, segment(25, 0, [mixing])])])];
  const files = tapes.map((tape, i) => record(`tape ${i}`, tape, bindings(onceMixed)));
  const { ok, output } = await replay([program, "500000"], files);
  expect({ ok, output }).toMatchObject({
    ok: true,
    output: expect.stringMatching(/^1000000 tapes, \d{5,} held/),
  });
});

it("finds a missing barrier, and no race where there is none", async () => {
  const back = (barrier: 0 | 1) => segment(25, barrier, [mix({ ...whole, x: y, y: x, rows: 100 })]);
  const mixing = mix({ ...whole, x, y, rows: 100 });
  const none = [
    { dtype: "i32" as const, initial },
    { dtype: "i32" as const, initial },
  ];
  const right = record("right", loop(50, [segment(25, 1, innerLoop(2, [mixing])), back(1)]), none);
  expect(await replay(racing, [right])).toEqual({ ok: true, output: `${right}: ok\n` });
  const racy = record("racy", loop(3000, [segment(25, 1, [mixing]), back(0)]), none);
  expect((await replay(racing, [racy])).output).toContain("data race");
});

it.each([false, true])("builds with the real kernels without a warning (double: %s)", async (double) => {
  const program = await buildReplay({ folder, double, sanitizers: "address,undefined" });
  expect(await replay(program, [])).toEqual({ ok: true, output: "" });
});
