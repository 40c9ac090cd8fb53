// Threads, barriers and loops of the tape walker against a walk in one thread written here.
import { constants } from "node:buffer";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type LoadedTape,
  type Memory,
  type NativeLibrary,
  openLibrary,
  type Runtime,
} from "../../../src/backend/native/library.ts";
import {
  halve,
  innerLoop,
  loop,
  mix,
  rowsAt,
  segment,
  space,
  temporaryFolder,
  writeProbeSources,
} from "./probe/probe.ts";

const rows = 200;
let folder: string;
let library: NativeLibrary;
let runtime: Runtime;
let values: Memory;

beforeAll(async () => {
  folder = temporaryFolder();
  const environment = { ...process.env, SCANTLING_CACHE: join(folder, "cache") };
  library = await openLibrary({ sources: writeProbeSources(folder), environment });
  runtime = library.createRuntime();
  values = library.allocate(64 * rows * 4);
});
afterAll(() => {
  runtime.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const load = (tape: readonly number[]): LoadedTape => {
  const loaded = library.loadTape({
    tape: Int32Array.from(tape),
    bindings: 1,
    arenaBytes: 1 << 20,
    localBytes: 4096,
    scratchBytes: 64,
  });
  loaded.bindings[0] = values.address;
  return loaded;
};

const at = (row: number, step: readonly number[] = []) => rowsAt(space.binding, row * rows, step);

/** Starts from row i of the values = i + position, runs, and returns all values. */
function runOn(tape: LoadedTape, threads: number): Int32Array {
  const all = new Int32Array(values.buffer);
  all.forEach((_, i) => {
    all[i] = i;
  });
  runtime.runSync(tape, threads);
  return all.slice();
}

/** The same in JavaScript: y = 31 y + x[stride r + shift]. */
function mixing(all: Int32Array, y: number, x: number, stride: number, shift: number): void {
  const before = all.slice(x * rows, (x + 1) * rows);
  for (let r = 0; r < rows; r++) {
    all[y * rows + r] = Math.imul(31, all[y * rows + r]!) + before[(r * stride + shift) % rows]!;
  }
}

const start = () => Int32Array.from({ length: 64 * rows }, (_, i) => i);

describe.each([1, 2, 3, 8, 64])("%i threads", (threads) => {
  it("run dependent segments in order", () => {
    const steps = Array.from({ length: 60 }, (_, i) => ({ y: (i + 1) % 7, x: i % 7, stride: 7, shift: i }));
    const tape = load(
      steps.flatMap(({ y, x, stride, shift }) =>
        segment(shift % 3 === 0 ? 1 : 50, 1, [
          mix({
            y: at(y),
            x: at(x),
            rows,
            rowsPerGroup: shift % 3 === 0 ? rows : 4,
            stride,
            shift,
            effort: 300,
          }),
        ]),
      ),
    );
    const expected = start();
    for (const { y, x, stride, shift } of steps) mixing(expected, y, x, stride, shift);
    for (let again = 0; again < 5; again++) expect(runOn(tape, threads)).toEqual(expected);
  });

  it("overlap segments without a barrier, and wait for all of them at the next", () => {
    const independent = Array.from({ length: 12 }, (_, i) =>
      segment(i % 4 === 0 ? 1 : 20, 0, [
        mix({
          y: at(20 + i),
          x: at(i),
          rows,
          rowsPerGroup: i % 4 === 0 ? rows : 10,
          stride: 3,
          shift: i,
          effort: 500,
        }),
      ]),
    );
    const gathering = Array.from({ length: 12 }, (_, i) =>
      mix({ y: at(40), x: at(20 + i), rows, rowsPerGroup: 10, stride: 1, shift: 1, effort: 0 }),
    );
    const tape = load([...independent.flat(), ...segment(20, 1, gathering)]);
    const expected = start();
    for (let i = 0; i < 12; i++) mixing(expected, 20 + i, i, 3, i);
    for (let i = 0; i < 12; i++) mixing(expected, 40, 20 + i, 1, 1);
    for (let again = 0; again < 5; again++) expect(runOn(tape, threads)).toEqual(expected);
  });

  it("repeat loops, nested and inside segments", () => {
    const row = rows;
    const inside = innerLoop(3, [
      mix({
        y: at(30, [0, row, 0]),
        x: at(5, [row, 0, 2 * row]),
        rows,
        rowsPerGroup: 25,
        stride: 11,
        shift: 4,
        effort: 100,
      }),
    ]);
    const tape = load(
      loop(4, [
        loop(5, [
          segment(8, 1, inside),
          segment(8, 1, [
            mix({
              y: at(5, [row]),
              x: at(30, [0, row]),
              rows,
              rowsPerGroup: 25,
              stride: 13,
              shift: 1,
              effort: 50,
            }),
          ]),
        ]),
      ]),
    );
    const expected = start();
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 5; j++) {
        for (let k = 0; k < 3; k++) mixing(expected, 30 + j, 5 + i + 2 * k, 11, 4);
        mixing(expected, 5 + i, 30 + j, 13, 1);
      }
    }
    for (let again = 0; again < 5; again++) expect(runOn(tape, threads)).toEqual(expected);
  });

  it("keep local rows apart", () => {
    const local = rowsAt(space.local, 0);
    const whole = { rows, rowsPerGroup: 8, stride: 1, shift: 0, effort: 200 };
    const tape = load(
      segment(25, 1, [
        mix({ ...whole, y: local, x: at(1) }),
        mix({ ...whole, y: at(2), x: local }),
        mix({ ...whole, y: local, x: at(1) }),
        mix({ ...whole, y: at(3), x: local }),
      ]),
    );
    const all = runOn(tape, threads);
    // What local memory held before is the only unknown, and it cancels: after = 31 before + x.
    for (let r = 0; r < rows; r++) {
      const first = all[2 * rows + r]! - Math.imul(31, 2 * rows + r);
      const second = all[3 * rows + r]! - Math.imul(31, 3 * rows + r);
      expect(second | 0).toBe((Math.imul(31, first) + rows + r) | 0);
    }
  });
});

describe("a runtime", () => {
  it("flushes denormals on every thread and gives the caller's setting back", () => {
    const tape = load(segment(rows, 1, [halve([...at(0)], rows, 1)]));
    for (const threads of [1, 3]) {
      runtime.runSync(tape, threads);
      expect(new Float32Array(values.buffer, 0, rows).every((value) => value === 0)).toBe(true);
      const smallest = new Float64Array([Number.MIN_VALUE])[0]!;
      expect(smallest + smallest).toBe(1e-323);
    }
  });

  it("runs on another thread while the event loop is free, one tape after the other", async () => {
    const slow = load(
      loop(2000, [
        segment(50, 1, [
          mix({ y: at(0), x: at(1), rows, rowsPerGroup: 4, stride: 3, shift: 1, effort: 100 }),
        ]),
      ]),
    );
    const other = library.createRuntime();
    let ticks = 0;
    let running = true;
    const tick = () => {
      ticks++;
      if (running) setImmediate(tick);
    };
    setImmediate(tick);
    const expected = runOn(slow, 1);
    for (let again = 0; again < 2; again++) mixAgain(expected);
    const all = new Int32Array(values.buffer);
    all.set(start());
    await Promise.all([other.run(slow, 2), other.run(slow, 1), other.run(slow, 3)]);
    running = false;
    other.dispose();
    // A run that kept the loop would not let it turn once.
    expect(ticks).toBeGreaterThan(0);
    expect(all.slice()).toEqual(expected);
    function mixAgain(state: Int32Array) {
      for (let turn = 0; turn < 2000; turn++) mixing(state, 0, 1, 3, 1);
    }
  });

  it("can be disposed of while it runs", async () => {
    const tape = load(
      loop(500, [
        segment(50, 1, [
          mix({ y: at(0), x: at(1), rows, rowsPerGroup: 4, stride: 3, shift: 1, effort: 100 }),
        ]),
      ]),
    );
    const other = library.createRuntime();
    const run = other.run(tape, 2);
    other.dispose();
    await run;
    expect(() => other.runSync(tape, 2)).toThrow(RangeError);
  });

  it("adds up the time of each instruction", () => {
    const tape = load(
      loop(3, [
        segment(50, 1, [
          mix({ y: at(0), x: at(1), rows, rowsPerGroup: 4, stride: 3, shift: 1, effort: 200_000 }),
          mix({ y: at(0), x: at(1), rows, rowsPerGroup: 4, stride: 3, shift: 1, effort: 0 }),
        ]),
      ]),
    );
    const times = library.allocate(tape.words * 8);
    runtime.runSync(tape, 2, times);
    const nanoseconds = Array.from(new BigInt64Array(times.buffer), Number);
    const length = 4 + 13 + 13 + 3;
    expect(nanoseconds[10]).toBeGreaterThan(nanoseconds[10 + length]!);
    expect(nanoseconds[10 + length]).toBeGreaterThan(0);
    expect(nanoseconds.filter((time, word) => time !== 0 && ![5, 10, 10 + length].includes(word))).toEqual(
      [],
    );
  });

  it.each([
    ["an unknown opcode", segment(1, 0, [[99, 4, 1, 1]]), 5],
    ["an instruction longer than its segment", segment(1, 0, [[1, 40, 1, 1]]), 5],
    [
      "rows that no group runs",
      segment(2, 0, [mix({ y: at(0), x: at(1), rows: 9, rowsPerGroup: 4, stride: 1, shift: 0, effort: 0 })]),
      5,
    ],
    [
      "an entry cut short",
      segment(1, 0, [
        mix({ y: at(0), x: at(1), rows, rowsPerGroup: rows, stride: 1, shift: 0, effort: 0 }),
      ]).slice(0, -1),
      0,
    ],
    ["an inner loop without a body", segment(1, 0, [[0, 6, 0, 0, 3, 1]]), 5],
    [
      "nine loops",
      Array.from({ length: 8 }).reduce<number[]>((inside) => loop(1, [inside]), loop(1, [])),
      40,
    ],
  ])("refuses %s", (_, tape, word) => {
    expect(() => runtime.runSync(load(tape), 2)).toThrow(`a broken tape: word ${word} of ${tape.length}`);
  });

  it("says what is wrong with a number of threads", () => {
    expect(() => runtime.runSync(load([]), 0)).toThrow("threads: 0, expected a whole number from 1 to 64");
    expect(() => runtime.runSync(load([]), 65)).toThrow("threads: 65, expected a whole number from 1 to 64");
  });

  it("says when there is no memory", () => {
    const tape = { ...load([]), arenaBytes: 2 ** 52 };
    expect(() => runtime.runSync(tape, 1)).toThrow(/out of memory: the system refused an arena of \d+ MB/);
    runtime.runSync(load([]), 1);
    expect(() => library.allocate(2 ** 52)).toThrow(/out of memory/);
    expect(() => library.allocate(constants.MAX_LENGTH + 1)).toThrow(/out of memory/);
  });

  it("measures a peak", () => {
    const gflops = library.peakGflops(1, 20);
    expect(gflops).toBeGreaterThan(1);
    expect(gflops).toBeLessThan(2000);
  });
});
