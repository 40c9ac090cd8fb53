// Training steps of small decoders, with values for everything they read.
import { type ArchitectureInput, defineArchitecture } from "../../src/architecture/architecture.ts";
import { type Program, programInputs } from "../../src/tensor/index.ts";
import { createOptimizer } from "../../src/train/optimizers.ts";
import { trainingStep } from "../../src/train/step.ts";
import { generator, uniformValue, type Value, value, wholeValue } from "../tensor/harness.ts";
import type { Values } from "./harness.ts";

export interface Training {
  readonly name: string;
  readonly architecture: ArchitectureInput;
  readonly batch: number;
  readonly clip: number | null;
}

const small = { vocabulary: 29, length: 24, width: 32, heads: 4, layers: 2 };

export const trainings: readonly Training[] = [
  { name: "layer norm, GELU", architecture: { ...small, feedforward: 48 }, batch: 5, clip: 1 },
  {
    name: "RMS norm, SwiGLU, rotary positions, grouped heads",
    architecture: {
      ...small,
      activation: "swiglu",
      feedforward: 40,
      norm: "rms",
      positions: "rope",
      kvHeads: 2,
    },
    batch: 3,
    clip: null,
  },
  {
    name: "odd sizes, window, tied, dropout, biases",
    architecture: {
      ...{ vocabulary: 11, length: 17, width: 21, heads: 3, layers: 1, feedforward: 19 },
      ...{ window: 5, tie: true, dropout: 0.2, bias: true },
    },
    batch: 7,
    clip: 0.5,
  },
  { name: "batch 1", architecture: { ...small, layers: 1, feedforward: 64 }, batch: 1, clip: 1 },
];

/** The whole step with AdamW as one program, and the values of a step some way into a training. */
export function trainingProgram({ architecture, batch, clip }: Training): {
  program: Program;
  values: Values;
} {
  const defined = defineArchitecture(architecture);
  const { update } = trainingStep(defined, {
    optimizer: createOptimizer({ name: "adamw" }),
    ...{ batch, clip, length: defined.length, microBatches: 1, decay: "matrices" },
  });
  const random = generator(17);
  const values: Record<string, Value> = {};
  for (const [name, { shape, dtype }] of programInputs(update)) {
    if (name === "scalar/rate" || name === "scalar/stepSize") values[name] = value([0.01], []);
    else if (name === "scalar/varianceScale") values[name] = value([2], []);
    else if (name === "batch/inputs") values[name] = wholeValue(random, shape, 0, defined.vocabulary);
    else if (name === "batch/targets") values[name] = wholeValue(random, shape, -1, defined.vocabulary);
    else if (dtype === "u32") values[name] = { ...wholeValue(random, shape, 0, 2 ** 31), dtype };
    else if (name.startsWith("variance/")) values[name] = uniformValue(random, shape, 0, 0.01);
    else values[name] = uniformValue(random, shape, -0.3, 0.3);
  }
  return {
    program: update,
    values: Object.fromEntries(Object.entries(values).map(([name, of]) => [name, rounded(of)])),
  };
}

/** As the float build holds it. */
function rounded(of: Value): Value {
  return of.dtype === "f32" ? { ...of, data: of.data.map(Math.fround) } : of;
}
