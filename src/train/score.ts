// What a model loses on every single token or image, and where its first guess is right. Knows no statistics.
// b rows of a batch, T length, V vocabulary, P answers of a row: T, or 1 of a pooled architecture.
import type { Architecture } from "../architecture/architecture.ts";
import { forward, inputType, outputPlaces } from "../architecture/forward.ts";
import type { Machine, NumericArray, Store } from "../backend/machine.ts";
import { inputSource } from "../nn/parameters.ts";
import { crossEntropies } from "../tensor/composites/loss.ts";
import { cast, equal } from "../tensor/ops/elementwise.ts";
import { input } from "../tensor/ops/leaf.ts";
import { reshape } from "../tensor/ops/movement.ts";
import { program, programInputs } from "../tensor/program.ts";
import { firstOfLargest } from "./objectives/classes.ts";

/** Of one batch; the memory is overwritten by the next. */
export interface Scores {
  /** [b, P], nats; 0 where the target is negative. */
  readonly losses: NumericArray;
  /** [b, P]: 1 where the likeliest token or class (of equally likely ones the first) is the target. */
  readonly hits: NumericArray;
}

export interface ScoredBatch {
  readonly inputs: Int32Array | Float32Array;
  readonly targets: Int32Array;
}

export interface Scorer {
  /** Inputs as the architecture takes them, targets i32 [b, P]. */
  score(batch: ScoredBatch): Promise<Scores>;
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
  const { shape, dtype } = inputType(architecture, rows, architecture.length);
  const logits = forward(architecture, inputSource(), input(names.tokens, shape, dtype));
  const answers = rows * outputPlaces(architecture, architecture.length);
  const flat = reshape(logits, [answers, architecture.vocabulary]);
  const targets = input(names.targets, [answers], "i32");
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
