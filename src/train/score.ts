// What a model loses on every single token, and where its first guess is right. Knows no statistics.
// b rows of a batch, T length, V vocabulary.
import type { Architecture } from "../architecture/architecture.ts";
import { forward } from "../architecture/forward.ts";
import type { Machine, NumericArray, Store } from "../backend/machine.ts";
import type { Batch } from "../data/batches.ts";
import { inputSource } from "../nn/parameters.ts";
import { crossEntropies } from "../tensor/composites/loss.ts";
import { cast, equal } from "../tensor/ops/elementwise.ts";
import { input } from "../tensor/ops/leaf.ts";
import { reshape } from "../tensor/ops/movement.ts";
import { program, programInputs } from "../tensor/program.ts";
import { firstOfLargest } from "./objectives/classes.ts";

/** Of one batch; the memory is overwritten by the next. */
export interface Scores {
  /** [b, T], nats; 0 where the target is negative. */
  readonly losses: NumericArray;
  /** [b, T]: 1 where the likeliest token (of equally likely ones the first) is the target. */
  readonly hits: NumericArray;
}

export interface Scorer {
  score(batch: Batch): Promise<Scores>;
  dispose(): void;
}

const names = {
  tokens: "score/tokens",
  targets: "score/targets",
  losses: "score/losses",
  hits: "score/hits",
} as const;

/** A scorer of the parameters in `store`, for batches of `rows` sequences of the architecture's length. */
export function createScorer(
  machine: Machine,
  architecture: Architecture,
  store: Store,
  rows: number,
): Scorer {
  const shape = [rows, architecture.length];
  const logits = forward(architecture, inputSource(), input(names.tokens, shape, "i32"));
  const flat = reshape(logits, [rows * architecture.length, architecture.vocabulary]);
  const targets = reshape(input(names.targets, shape, "i32"), [rows * architecture.length]);
  const scoring = program({
    [names.losses]: crossEntropies(flat, targets),
    [names.hits]: cast(equal(firstOfLargest(flat), targets), "f32"),
  });
  for (const [name, type] of programInputs(scoring)) store.allocate(name, type);
  const executable = machine.load(scoring);
  return {
    async score({ inputs, targets }) {
      store.write(names.tokens, inputs);
      store.write(names.targets, targets);
      await executable.run(store);
      return { losses: store.read(names.losses), hits: store.read(names.hits) };
    },
    dispose() {
      executable.dispose();
      for (const name of Object.values(names)) store.release(name);
    },
  };
}
