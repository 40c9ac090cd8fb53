// What an objective is: which batches it is trained on, by name, and what is lost on each answer of a model. Knows no
// particular one. Batches by objective:
// - next-token: `inputs` i32 [B, T], `targets` i32 [B, T];
// - classification: `inputs` f32 [B, T, N] (i32 [B, T] of an architecture of tokens), `targets` i32 [B] class ids, or
//   f32 [B, V] shares of classes with labels "soft";
// - masked-token: `inputs` i32 [B, T], `targets` i32 [B, T].
// A target that is negative, or all zeros, is not scored. B sequences, T length, N numbers at a place, V vocabulary, P
// places with logits (T, or 1 of a pooled architecture), R = B · P.
import type { Architecture } from "../../architecture/architecture.ts";
import type { Tensor, TensorType } from "../../tensor/tensor.ts";

/** Values of one batch, row-major, by the names that the objective gives them; others are not looked at. */
export type TrainerBatch = Readonly<Record<string, Int32Array | Float32Array>>;

/** What a model reads and what it is held to. */
export interface Task {
  /** As `forward` takes it. */
  readonly inputs: Tensor;
  /** i32 [B, P], or f32 [B, P, V]. */
  readonly targets: Tensor;
}

/** Of some answers; all f32 [] and sums over them, so that parts of a batch add up. */
export interface Score {
  /** Nats. */
  readonly loss: Tensor;
  /** How many are scored. */
  readonly count: Tensor;
  /** By name; divided by the count they are what is told. */
  readonly statistics: Readonly<Record<string, Tensor>>;
}

export interface Objective {
  /** All settings, defaults filled in. */
  readonly settings: Readonly<{ name: string } & Record<string, unknown>>;
  /** Token ids that the model has after those of its data. */
  readonly extraTokens: number;
  /** Whether its loss on text is that of the next token, of which the data may know the lowest. */
  readonly scoresNextTokens: boolean;
  /** Errors: RequestError where models of the architecture cannot be trained so. */
  check(architecture: Architecture): void;
  /** What a batch of `rows` sequences is. */
  batch(architecture: Architecture, rows: number, length: number): Readonly<Record<string, TensorType>>;
  /** A batch by chance, of which a little can be learned by heart: for timing. */
  example(architecture: Architecture, rows: number, length: number, seed: number): TrainerBatch;
  /** `key`: u32 [2], new for every batch. */
  task(architecture: Architecture, batch: Readonly<Record<string, Tensor>>, key: Tensor): Task;
  /** logits [R, V], targets i32 [R] or f32 [R, V]. */
  score(logits: Tensor, targets: Tensor): Score;
}
