// Programs to be recorded and replayed elsewhere: every op, whole training steps, states of every kind and random
// programs. Knows no machine but the one it records on.
import { join } from "node:path";
import fc from "fast-check";
import type { NativeMachine } from "../../src/backend/native/index.ts";
import type { Program } from "../../src/tensor/index.ts";
import { opCases } from "./cases/index.ts";
import { programCases } from "./cases/programs.ts";
import { fillIn, type Values } from "./harness.ts";
import { programOf, recipes } from "./random/program.ts";
import { recordProgram } from "./record.ts";
import { caseProgram, disguises } from "./suite.ts";
import { trainingProgram, trainings } from "./training.ts";

interface Recorded {
  readonly name: string;
  readonly program: Program;
  readonly values: Values;
}

export interface Selection {
  /** Settings of every op. */
  readonly settings: number;
  /** Random programs. */
  readonly random: number;
}

/** Some settings of every case, with gradients where there are any. */
function* ofCases(count: number): Generator<Recorded> {
  for (const { name, settings, derivatives } of opCases) {
    const sampled = fc.sample(settings, { seed: 3, numRuns: count });
    for (const [i, setting] of sampled.entries()) {
      const kind = disguises[(name.length + i) % disguises.length]!;
      yield {
        name: `${name} ${i}`,
        ...caseProgram(setting, { derivatives: derivatives === 0 ? 0 : 1 }, kind, i),
      };
    }
  }
}

function* all({ settings, random }: Selection): Generator<Recorded> {
  for (const of of trainings) yield { name: of.name, ...trainingProgram(of) };
  for (const { name, make, values } of programCases) {
    const program = make();
    yield { name, program, values: fillIn(program, 3, values) };
  }
  yield* ofCases(settings);
  for (const [i, recipe] of fc.sample(recipes, { seed: 4, numRuns: random }).entries()) {
    const program = programOf(recipe);
    yield { name: `random ${i}`, program, values: fillIn(program, 5) };
  }
}

/** Runs the programs on `machine` and records them in `folder`; returns the files. */
export async function record(
  folder: string,
  machine: NativeMachine,
  selection: Selection,
  tolerance: number,
): Promise<string[]> {
  const files: string[] = [];
  for (const { name, program, values } of all(selection)) {
    const precision = machine.library.realBytes === 8 ? "double" : "float";
    const path = join(folder, `${files.length} ${precision} ${name.replaceAll("/", " ")}`);
    recordProgram(path, machine, program, values, tolerance);
    files.push(path);
    await new Promise((resume) => setTimeout(resume, 0)); // lets memory that is no longer used go
  }
  return files;
}
