// How long a program takes on the native backend, what it keeps in memory, and where its time goes.

import type { NativeMachine } from "../../src/backend/native/index.ts";
import { createNativeStore, type NativeStore } from "../../src/backend/native/store.ts";
import type { Stage, Step } from "../../src/compiler/plan.ts";
import type { Program } from "../../src/tensor/index.ts";

/** Instructions of one kind; waiting for others is a kind of its own, `wait`. */
export interface Expense {
  readonly name: string;
  /** Summed over threads. */
  readonly milliseconds: number;
  /** Places on the tape. */
  readonly count: number;
}

/** A program loaded with its values, to be run again and again. */
export interface Prepared {
  run(): void;
  /** Where the time of one run goes, most first. */
  profile(): Expense[];
  readonly arenaBytes: number;
  /** A line for each stage: groups of rows, then steps; loops indented. */
  readonly plan: readonly string[];
}

export function prepare(machine: NativeMachine, of: Program, store: NativeStore): Prepared {
  const executable = machine.load(of);
  const { plan, encoded } = executable;
  const { library } = machine;
  return {
    arenaBytes: encoded.arenaBytes,
    plan: describeStages(plan.stages, ""),
    run: () => executable.runSync(store),
    profile: () => {
      const runtime = library.createRuntime();
      const tape = library.loadTape({
        tape: encoded.words,
        bindings: plan.bindings.length,
        arenaBytes: encoded.arenaBytes,
        localBytes: encoded.localBytes,
        scratchBytes: encoded.scratchBytes,
      });
      const literals = createNativeStore(library);
      plan.bindings.forEach(({ name, literal, dtype, elements }, i) => {
        if (literal !== undefined) {
          literals.allocate(name!, { shape: [elements], dtype });
          literals.write(name!, literal);
        }
        tape.bindings[i] = (literal === undefined ? store : literals).address(name!);
      });
      const memory = library.allocate(encoded.words.length * 8);
      const times = new BigInt64Array(memory.buffer, 0, encoded.words.length);
      runtime.runSync(tape, machine.threads); // touches the arena
      runtime.runSync(tape, machine.threads, memory);
      const names = new Map(encoded.instructions.map(({ word, step }) => [word, describeStep(step)]));
      const sums = new Map<string, { milliseconds: number; count: number }>();
      times.forEach((nanoseconds, word) => {
        if (nanoseconds === 0n) return;
        const name = names.get(word) ?? "wait";
        const before = sums.get(name) ?? { milliseconds: 0, count: 0 };
        sums.set(name, {
          milliseconds: before.milliseconds + Number(nanoseconds) / 1e6,
          count: before.count + 1,
        });
      });
      runtime.dispose();
      library.releaseTape(tape);
      return [...sums]
        .map(([name, { milliseconds, count }]) => ({
          name,
          milliseconds: Number(milliseconds.toFixed(2)),
          count,
        }))
        .sort((p, q) => q.milliseconds - p.milliseconds);
    },
  };
}

function describeStages(stages: readonly Stage[], indent: string): string[] {
  return stages.flatMap(({ groups, steps }) => {
    const lines = [`${indent}${groups ?? "-"}: ${steps.map(describeStep).join(" ; ")}`];
    for (const step of steps)
      if (step.kind === "loop") lines.push(...describeStages(step.stages, `${indent}  `));
    return lines;
  });
}

function describeStep(step: Step): string {
  switch (step.kind) {
    case "group": {
      const names = step.instructions
        .map(({ name, extent }) => (extent === "column" ? `|${name}` : name))
        .join(",");
      const memory = step.memory
        .map(
          ({ view, extent }) =>
            `${extent[0]}${view.axes.map((a) => `${a.size}*${a.stride}`).join("/")}.${view.columnStride}`,
        )
        .join(" ");
      return `group ${step.rows}x${step.length} (${names}) in[${memory}] out ${step.stores.length} partial ${step.partials.length}`;
    }
    case "contract":
      return `contract [${step.a.shape}]·[${step.b.shape}]${step.addend ? " + addend" : ""}${step.prepared ? " prepared" : ""}`;
    case "reduce":
      return `reduce ${step.name} [${step.input.shape}]${step.partial ? ` of ${step.partial.groups} partials` : ""}`;
    case "prepare":
      return `prepare [${step.b.shape}]`;
    case "kernel":
      return `${step.node.op.name} [${step.outputs.map(({ shape }) => shape).join("] [")}]`;
    case "loop":
      return `loop ${step.count} times`;
  }
}
