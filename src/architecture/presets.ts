// Architectures with a name: the two that speed is compared on.
import { type Architecture, defineArchitecture } from "./architecture.ts";

/** Two narrow blocks; trained with batches of 128. */
export const W1: Architecture = defineArchitecture({
  vocabulary: 64,
  length: 128,
  width: 128,
  layers: 2,
  heads: 8,
  activation: "swiglu",
  feedforward: 256,
});

/** Six blocks of GPT-2's kind; trained with batches of 8. */
export const W2: Architecture = defineArchitecture({
  vocabulary: 96,
  length: 256,
  width: 384,
  layers: 6,
  heads: 6,
  activation: "gelu",
  feedforward: 1536,
});
