// Runs on tiny models and the reference backend, collected whole.
import { expect } from "vitest";
import type { Machine, Store } from "../../src/backend/machine.ts";
import { createReference } from "../../src/backend/reference.ts";
import type { RequestError, WorkError } from "../../src/errors.ts";
import type { TrainEvent } from "../../src/train/events.ts";
import type { TrainOptions } from "../../src/train/train.ts";

/** Twelve steps with dropout on a text file, evaluated after steps 5, 10 and 12. */
export function tinyRun(folder: string, text: string, more: Partial<TrainOptions> = {}): TrainOptions {
  return {
    machine: createReference(),
    folder,
    architecture: { length: 4, width: 8, heads: 2, feedforward: 8, dropout: 0.1 },
    training: { steps: 12, batch: 4, evaluateEvery: 5, schedule: { rate: 0.03, warmup: 2 }, seed: 3 },
    data: { data: text },
    ...more,
  };
}

/** All events; `stop` is called at the step event of step `stopAfter`. */
export async function collect(
  events: AsyncIterable<TrainEvent>,
  stopAfter = Number.POSITIVE_INFINITY,
  stop = () => {},
): Promise<TrainEvent[]> {
  const all: TrainEvent[] = [];
  for await (const event of events) {
    all.push(event);
    if (event.kind === "step" && event.step === stopAfter) stop();
  }
  return all;
}

/** A machine that computes logits a little differently every other time. */
export function unsteadyMachine(): Machine {
  const machine = createReference();
  let loaded = 0;
  return {
    ...machine,
    load: (program) => {
      const executable = machine.load(program);
      if (!("logits" in program.outputs) || loaded++ % 2 === 0) return executable;
      const runSync = (store: Store) => {
        executable.runSync(store);
        store.write(
          "logits",
          Array.from(store.read("logits"), (value) => value + 0.01),
        );
      };
      return { ...executable, runSync };
    },
  };
}

/** The one line of the error that ends a run. */
export async function failure(
  events: AsyncIterable<TrainEvent>,
  kind: typeof RequestError | typeof WorkError,
): Promise<string> {
  try {
    await collect(events);
  } catch (error) {
    expect(error).toBeInstanceOf(kind);
    const { message } = error as Error;
    expect(message).not.toContain("\n");
    return message;
  }
  throw new Error("the run did not fail");
}
