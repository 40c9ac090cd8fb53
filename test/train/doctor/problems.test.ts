import { describe, expect, it } from "vitest";
import type { BackendFacts, Diagnosis } from "../../../src/train/doctor/diagnosis.ts";
import { findProblems } from "../../../src/train/doctor/problems.ts";

type Facts = Omit<Diagnosis, "problems" | "used">;

const passed = { name: "sorting", passed: true, error: 0, tolerance: 1e-6, where: "values" };
const native: BackendFacts = {
  name: "native",
  available: true,
  detail: "kernels from the cache",
  threads: 4,
  warnings: [],
  selfTests: [passed],
  speed: { productGflops: 190, peakGflops: 230, copyGigabytesPerSecond: 40 },
};
const reference: BackendFacts = { ...native, name: "reference", threads: 1, selfTests: [], speed: null };
const folder = { path: "/somewhere", exists: true, writable: true, bytes: 0, freeBytes: 1e11 };
const well: Facts = {
  system: {
    ...{ node: "20.19.1", supportedNode: ">=20.19", nodeSupported: true },
    ...{ platform: "linux", release: "6.1", architecture: "x64", processor: "", cores: 8, coreQuota: 4 },
    ...{
      usableCores: 4,
      load: 0.2,
      totalMemoryBytes: 16e9,
      availableMemoryBytes: 8e9,
      memoryLimitBytes: null,
    },
  },
  compiler: { found: true, program: "/usr/bin/cc", version: "cc 12" },
  vectors: { name: "AVX2", bytes: 32, source: "compiler" },
  cache: folder,
  work: folder,
  data: { folders: [], trouble: null },
  backends: [native, reference],
};

const lines = (facts: Partial<Facts>) => findProblems({ ...well, ...facts });

describe("problems", () => {
  it("are none where all is well", () => expect(lines({})).toEqual([]));

  it("are none where only relaxed arithmetic is missing, which nobody asked for", () => {
    const relaxed: BackendFacts = {
      ...native,
      name: "wasm-relaxed",
      available: false,
      detail: "needs Node 22",
    };
    expect(lines({ backends: [native, relaxed, reference] })).toEqual([]);
  });

  it.each<[string, Partial<Facts>, string]>([
    [
      "an old Node",
      { system: { ...well.system, node: "18.0.0", nodeSupported: false } },
      "Node 18.0.0 is not supported: install Node 20.19 or later",
    ],
    [
      "a self-test that fails",
      {
        backends: [
          { ...native, selfTests: [{ ...passed, passed: false, error: 0.25 }], speed: null },
          reference,
        ],
      },
      "native: the self-test of sorting failed (values is off by 2.5e-1, 0.000001 is allowed): do not use this backend; set CC",
    ],
    [
      "no fast backend",
      { backends: [{ ...native, available: false, detail: "no cc", selfTests: [], speed: null }, reference] },
      "only the reference backend works",
    ],
  ])("%s stops work", (_, facts, line) => {
    const found = lines(facts).find((problem) => problem.line.startsWith(line));
    expect(found, JSON.stringify(lines(facts))).toMatchObject({ stops: true });
  });

  it.each<[string, Partial<Facts>, string]>([
    [
      "a cache that cannot be written",
      { backends: [{ ...native, warnings: ["cannot keep compiled kernels in /x"] }] },
      "cannot keep compiled kernels in /x",
    ],
    [
      "slow products",
      { backends: [{ ...native, speed: { ...native.speed!, productGflops: 50 } }] },
      "reach only 22 %",
    ],
    ["a full disk", { work: { ...folder, freeBytes: 1e8 } }, "only 95 MiB of disk are free"],
    ["a folder that cannot be written", { work: { ...folder, writable: false } }, "change to another folder"],
    ["data that are missing", { data: { folders: [], trouble: "SCANTLING_DATA names /x" } }, "names /x"],
    [
      "little memory",
      { system: { ...well.system, availableMemoryBytes: 5e8 } },
      "only 477 MiB of memory are free",
    ],
    ["too many threads", { backends: [{ ...native, threads: 8 }] }, "8 threads share 4 usable cores"],
    ["other programs at work", { system: { ...well.system, load: 3 } }, "a load of 3.0 on 4 cores"],
  ])("%s costs something", (_, facts, line) => {
    const [problem, ...others] = lines(facts);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ stops: false, line: expect.stringContaining(line) });
  });

  it("that stop work come first", () => {
    const found = lines({
      data: { folders: [], trouble: "SCANTLING_DATA" },
      system: { ...well.system, nodeSupported: false },
    });
    expect(found.map(({ stops }) => stops)).toEqual([true, false]);
  });
});
