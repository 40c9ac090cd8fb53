// One suite over all machines: every op and composite against the reference.
import { beforeAll, describe, test } from "vitest";
import { compositeCases } from "./cases/composites.ts";
import { elementwiseCases } from "./cases/elementwise.ts";
import { indexingCases } from "./cases/indexing.ts";
import { scanCases } from "./cases/scans.ts";
import { structureCases } from "./cases/structure.ts";
import { native } from "./harness.ts";
import { type Case, checkCase } from "./suite.ts";

const cases: readonly Case[] = [...elementwiseCases, ...structureCases, ...indexingCases, ...compositeCases, ...scanCases];

/** Where a program runs, how exactly, and how many settings of each case. */
const machines = [
  { name: "native, double", start: () => native(true), tolerance: () => 1e-10, runs: 10 },
  { name: "native, float", start: () => native(false), tolerance: (of: Case) => of.float, runs: 5 },
] as const;

describe.each(machines)("$name", ({ start, tolerance, runs }) => {
  beforeAll(async () => void (await start()), 300_000); // compiles the kernels where they are not kept

  test.each(cases)("$name", async (of) => {
    checkCase(await start(), of, tolerance(of), runs);
  });
});
