// A run whose network is larger, made out of another: it goes on where that one stood, with the same function and with what
// its optimiser knew. Knows folders; how networks grow is another's business.
import { join } from "node:path";
import type { Architecture } from "../architecture/architecture.ts";
import type { Machine } from "../backend/machine.ts";
import { createReference } from "../backend/reference.ts";
import { WorkError } from "../errors.ts";
import { type GrowthNote, growNetwork, type NamedTensors } from "../growth/grow.ts";
import { compareNetworks, type Difference } from "../growth/proof.ts";
import { type GrowthStep, planStep } from "../growth/steps.ts";
import { readCheckpoint, tensorValues } from "./checkpoint.ts";
import { growStates } from "./growStates.ts";
import type { Model } from "./model.ts";
import { createOptimizer } from "./optimizers.ts";
import {
  openRemade,
  type RemadeRun,
  type RemakeOptions,
  type Standing,
  valuesOf,
  writeRun,
} from "./remakeRun.ts";
import { checkpointsPath } from "./runFolder.ts";
import { defineTraining } from "./settings.ts";

/** How a network grows, and what is asked of the result. */
export interface GrowOptions extends RemakeOptions {
  /** One after the other. */
  readonly steps: readonly GrowthStep[];
  /** Of new parameters that may be anything; default 0. */
  readonly seed?: number | undefined;
  /** What computes the proof in float32. */
  readonly machine: Machine;
  /** The new run stands before its first step, with a fresh optimiser. Default: it goes on where the other stood. */
  readonly fresh?: boolean | undefined;
  /** Whether the learning rate goes on as it was, or its schedule begins again here. Default keep. */
  readonly schedule?: "keep" | "restart" | undefined;
  /** Write the run although its network computes something else. */
  readonly unproven?: boolean | undefined;
}

/** What was done in one step of growing. */
export interface GrownStep {
  readonly step: GrowthStep;
  readonly notes: readonly GrowthNote[];
}

/** A run whose network is larger. */
export interface GrownRun extends RemadeRun {
  /** Updates that it has had. */
  readonly step: number;
  readonly steps: readonly GrownStep[];
  /** On the same random tokens before and after; in float32 with the numbers that are written. */
  readonly proof: { readonly float64: Difference; readonly float32: Difference };
}

/** Tokens that both networks are compared on. */
const PROVED_PLACES = 32;
/** Largest |Δ logit| as a share of the largest |logit|. */
const BOUNDS = { float64: 1e-12, float32: 1e-5 };

/**
 * A run of the network grown by those steps, which computes what it did before. Made of the newest checkpoint, unless another
 * is asked for. Errors: as for `cutRun`; RequestError where no way is known to grow so; WorkError where the larger network
 * computes something else, and nothing is written.
 */
export function growRun(options: GrowOptions): GrownRun {
  const { folder, steps, seed = 0, machine, unproven = false, fresh = false } = options;
  const model = openRemade({ ...options, checkpoint: options.checkpoint ?? "last" });
  const optimizer = createOptimizer(model.configuration.training.optimizer);
  const before = { architecture: model.architecture, values: valuesOf(model) };
  let [architecture, values]: [Architecture, NamedTensors<Float64Array>] = [
    before.architecture,
    before.values,
  ];
  let standing = fresh ? undefined : standingOf(folder, model);
  const made = steps.map((step): GrownStep => {
    const plan = planStep(architecture, step);
    const grown = growNetwork(plan, values, seed);
    if (standing !== undefined) {
      standing = { ...standing, states: growStates(plan, optimizer, standing.states, standing.step) };
    }
    ({ architecture, values } = grown);
    return { step, notes: grown.notes };
  });
  const places = { seed, batch: 1, length: Math.min(PROVED_PLACES, architecture.length) };
  const proof = {
    float64: compareNetworks(createReference(), before, { architecture, values }, places),
    float32: compareNetworks(machine, before, { architecture, values }, places),
  };
  for (const [precision, bound] of Object.entries(BOUNDS) as [keyof typeof BOUNDS, number][]) {
    const { largest, scale } = proof[precision];
    if (unproven || largest <= bound * scale) continue;
    throw new WorkError(
      `${folder}: grown, its logits differ by ${largest} in ${precision}, where the largest is ${scale}; expected at ` +
        `most ${bound} of that, nothing is written`,
    );
  }
  const note = `grown from ${folder}, step ${model.step}: ${JSON.stringify(steps)}`;
  const settings = { ...model.configuration, architecture, training: trainingAfter(options, model) };
  const written = writeRun(options, settings, values, note, standing);
  return { ...written, step: standing?.step ?? 0, steps: made, proof };
}

/** Where the run stood, and what its optimiser knew. */
function standingOf(folder: string, { step, best }: Model): Standing {
  const checkpoints = checkpointsPath(folder);
  const { manifest, tensors } = readCheckpoint(checkpoints, step);
  const path = join(checkpoints, String(step));
  const states = [...tensors].map(([name, tensor]) => [
    name,
    { shape: tensor.shape, data: Float32Array.from(tensorValues(name, tensor, path)) },
  ]);
  // The weights of an earlier best evaluation are not in the new run.
  const kept = best?.step === step ? best : null;
  return { step, complete: manifest.complete, best: kept, states: Object.fromEntries(states) };
}

function trainingAfter({ fresh = false, schedule = "keep" }: GrowOptions, { configuration, step }: Model) {
  const { training } = configuration;
  const { start, ...others } = training.schedule;
  if (fresh) return defineTraining({ ...training, schedule: others });
  return schedule === "keep"
    ? training
    : defineTraining({ ...training, schedule: { ...others, start: step } });
}
