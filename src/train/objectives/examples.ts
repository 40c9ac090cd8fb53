// Batches by chance, for timing. Knows no objective. B sequences, T length.
import type { Architecture } from "../../architecture/architecture.ts";
import { inputType } from "../../architecture/forward.ts";
import { createRandom } from "../../data/random.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import type { TrainerBatch } from "./objective.ts";

/** Tokens drawn once, uniformly; each target is the token before, the first one's the row's last. */
export function exampleTexts({ vocabulary }: Architecture, rows: number, length: number, seed: number) {
  const random = createRandom(seed, 0);
  const inputs = Int32Array.from({ length: rows * length }, (_, i) => random.integer(i, vocabulary));
  const targets = inputs.map((_, i) => inputs[i % length === 0 ? i + length - 1 : i - 1]!);
  return { inputs, targets };
}

/** Tokens, or numbers from -1 to 1, and a class for each sequence. */
export function exampleClasses(architecture: Architecture, rows: number, length: number, seed: number) {
  const { shape, dtype } = inputType(architecture, rows, length);
  const [values, classes] = [createRandom(seed, 0), createRandom(seed, 1)];
  const size = { length: sizeOf(shape) };
  const inputs: TrainerBatch[string] =
    dtype === "i32"
      ? Int32Array.from(size, (_, i) => values.integer(i, architecture.vocabulary))
      : Float32Array.from(size, (_, i) => values.integer(i, 2 ** 24) / 2 ** 23 - 1);
  const targets = Int32Array.from({ length: rows }, (_, i) => classes.integer(i, architecture.vocabulary));
  return { inputs, targets };
}
