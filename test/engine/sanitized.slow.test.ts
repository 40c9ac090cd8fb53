// Recorded plans replayed by the C driver under sanitizers: every op, whole training steps, states of every kind and
// random programs, in both precisions. Blocks of memory end where the plan says.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Program } from "../../src/tensor/index.ts";
import { buildReplay, replay } from "../backend/native/replay.ts";
import { opCases } from "./cases/index.ts";
import { programCases } from "./cases/programs.ts";
import { fillIn, native, type Values } from "./harness.ts";
import { programOf, recipes } from "./random/program.ts";
import { recordProgram } from "./record.ts";
import { caseProgram, disguises } from "./suite.ts";
import { trainingProgram, trainings } from "./training.ts";

interface Recorded {
  readonly name: string;
  readonly program: Program;
  readonly values: Values;
}

/** Two settings of every case, with gradients where there are any. */
function* ofCases(): Generator<Recorded> {
  for (const { name, settings, derivatives } of opCases) {
    const sampled = fc.sample(settings, { seed: 3, numRuns: 2 });
    for (const [i, setting] of sampled.entries()) {
      const kind = disguises[(name.length + i) % disguises.length]!;
      yield {
        name: `${name} ${i}`,
        ...caseProgram(setting, { derivatives: derivatives === 0 ? 0 : 1 }, kind, i),
      };
    }
  }
}

function* all(): Generator<Recorded> {
  for (const of of trainings) yield { name: of.name, ...trainingProgram(of) };
  for (const { name, make, values } of programCases) {
    const program = make();
    yield { name, program, values: fillIn(program, 3, values) };
  }
  yield* ofCases();
  for (const [i, recipe] of fc.sample(recipes, { seed: 4, numRuns: 100 }).entries()) {
    const program = programOf(recipe);
    yield { name: `random ${i}`, program, values: fillIn(program, 5) };
  }
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "scantling-sanitized-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function record(double: boolean): Promise<string[]> {
  const machine = await native(double);
  const files: string[] = [];
  for (const { name, program, values } of all()) {
    const path = join(folder, `${files.length} ${double ? "double" : "float"} ${name.replaceAll("/", " ")}`);
    recordProgram(path, machine, program, values, double ? 1e-9 : 1e-3);
    files.push(path);
    await new Promise((resume) => setTimeout(resume, 0)); // lets memory that is no longer used go
  }
  return files;
}

const builds = [
  { double: false, sanitizers: "address,undefined" },
  { double: true, sanitizers: "address,undefined" },
  { double: false, sanitizers: "thread" },
] as const;

test.each(builds)("$sanitizers, double: $double", async ({ double, sanitizers }) => {
  const [program, files] = await Promise.all([buildReplay({ folder, double, sanitizers }), record(double)]);
  expect(files.length).toBeGreaterThan(400);
  for (let from = 0; from < files.length; from += 50) {
    const { ok, output } = await replay(program, files.slice(from, from + 50));
    expect(ok, output.slice(-4000)).toBe(true);
  }
});
