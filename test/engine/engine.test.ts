// One suite over all machines: every op and composite against the reference.
import { beforeAll, describe, test } from "vitest";
import { opCases } from "./cases/index.ts";
import { native, wasm, wasmFlavours } from "./harness.ts";
import { type Case, checkCase } from "./suite.ts";

/** Where a program runs, how exactly, and how many settings of each case. */
const machines = [
  { name: "native, double", start: () => native(true), tolerance: () => 1e-10, runs: 7 },
  { name: "native, float", start: () => native(false), tolerance: (of: Case) => of.float, runs: 3 },
  ...wasmFlavours.map((relaxed) => ({
    name: relaxed ? "wasm, relaxed" : "wasm",
    start: () => wasm(relaxed),
    tolerance: (of: Case) => of.float,
    runs: 3,
  })),
];

describe.each(machines)("$name", ({ start, tolerance, runs }) => {
  beforeAll(async () => void (await start()), 300_000); // compiles the kernels where they are not kept

  test.each(opCases)("$name", async (of) => {
    checkCase(await start(), of, tolerance(of), runs);
  });
});
