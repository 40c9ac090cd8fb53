// A run whose network is larger, made out of another: it goes on where that one stood, with the same function and with what
// its optimiser knew. Knows folders; how networks grow is another's business.
import { join } from "node:path";
import { setImmediate as eventLoop } from "node:timers/promises";
import type { Architecture } from "../architecture/architecture.ts";
import { count } from "../architecture/count.ts";
import type { Machine } from "../backend/machine.ts";
import { createReference } from "../backend/reference.ts";
import type { DataFolders } from "../data/text.ts";
import { RequestError, WorkError } from "../errors.ts";
import type { GrowthNote, NamedTensors } from "../growth/grow.ts";
import { growByData, growthMethod } from "../growth/methods/methods.ts";
import { compareNetworks, type Difference } from "../growth/proof.ts";
import type { GrowthStep } from "../growth/steps.ts";
import { readCheckpoint, tensorValues } from "./checkpoint.ts";
import { behindMasks, FLOAT32_BOUND, PROVED_PLACES } from "./growStage.ts";
import { growStates } from "./growStates.ts";
import { growthData } from "./growthData.ts";
import { defineOver, type GrowthEvent, scheduleStart } from "./growthEvents.ts";
import { maskingOf } from "./masking.ts";
import type { Model } from "./model.ts";
import { createOptimizer } from "./optimizers.ts";
import { reloadData } from "./reloadData.ts";
import {
  openRemade,
  type RemadeRun,
  type RemakeOptions,
  type Standing,
  valuesOf,
  writeRun,
} from "./remakeRun.ts";
import type { RunData } from "./runData.ts";
import { checkpointsPath } from "./runFolder.ts";
import { defineTraining, type TrainingSettings } from "./settings.ts";

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
  /** Where data sets with a name lie. */
  readonly dataFolder?: DataFolders | undefined;
  /** Write the run although its network computes something else; methods that promise nothing else need no leave. */
  readonly unproven?: boolean | undefined;
  /** The name of what makes new parameters; default zero. */
  readonly method?: string | undefined;
  /** Signal over noise (dB) of what is added to copies; default: nothing. */
  readonly noise?: number | undefined;
  /** Updates over which masks rise, of a method that masks new parts; default 200. */
  readonly maskSteps?: number | undefined;
  /** Aborted: what it was aborted with is thrown, and nothing is written. */
  readonly signal?: AbortSignal | undefined;
}

/** What was done in one step of growing. */
export interface GrownStep {
  readonly step: GrowthStep;
  readonly notes: readonly GrowthNote[];
}

/** A run whose network is larger. */
export interface GrownRun extends RemadeRun {
  readonly method: { readonly name: string; readonly preserves: boolean; readonly twins: boolean };
  /** Updates that it has had. */
  readonly step: number;
  readonly steps: readonly GrownStep[];
  /** On the same random tokens before and after. */
  readonly proof: Proof & {
    /** On the beginning of the run's validation data; null where they cannot be had. */
    readonly data: Proof | null;
  };
  /** Training FLOPs that the run has taken, those of growing among them. */
  readonly flops: number;
  /** What the user should know, one line each. */
  readonly notes: readonly string[];
}

/** How far both networks are from each other; in float32 with the numbers that are written. */
export interface Proof {
  readonly float64: Difference;
  readonly float32: Difference;
}

/** Largest |Δ logit| as a share of the largest |logit|. */
const BOUNDS = { float64: 1e-12, float32: FLOAT32_BOUND };

/**
 * A run of the network grown by those steps, which computes what it did before. Made of the newest checkpoint, unless another
 * is asked for. Errors: as for `cutRun`; RequestError where no way is known to grow so, or masks still rise; WorkError where the
 * larger network computes something else, and nothing is written.
 */
export async function growRun(options: GrowOptions): Promise<GrownRun> {
  const { folder, steps, seed = 0, machine, fresh = false, noise, maskSteps, signal } = options;
  const method = growthMethod(options.method ?? "zero");
  const over = defineOver(method.name, maskSteps && { steps: maskSteps }, "grow");
  const model = openRemade({ ...options, checkpoint: options.checkpoint ?? "last" });
  if (over !== null) requireTrained(options, model);
  const stood = fresh ? undefined : standingOf(folder, model);
  const optimizer = createOptimizer(model.configuration.training.optimizer);
  const before = { architecture: model.architecture, values: valuesOf(model) };
  const loaded = await dataOf(options, model);
  if (method.needsData && typeof loaded === "string") throw new RequestError(loaded);
  const data = typeof loaded === "string" ? undefined : growthData(machine, model.configuration, loaded);
  const grown = await growByData(method, before, steps, { seed, noise, signal, data });
  const { architecture, values, masked } = grown;
  let standing: Stood | undefined = stood;
  for (const { plan } of grown.steps) {
    if (standing === undefined) break;
    standing = plan && { ...standing, states: growStates(plan, optimizer, standing.states, standing.step) };
  }
  if (standing !== undefined && masked !== undefined) {
    const growing = { from: model.architecture, event: eventOf(options, model, over) };
    standing = { ...standing, growing, states: { ...standing.states, ...behindMasks(masked) } };
  }
  const flops = (stood?.flops ?? 0) + (grown.flops ?? 0);
  const made = grown.steps.map(({ step, notes }): GrownStep => ({ step, notes }));
  const inputs = typeof loaded === "string" ? null : validationInputs(loaded, architecture);
  const notes = [
    ...grown.steps.flatMap(({ told = [] }) => told),
    ...(over === null ? [] : [`masks rise in the next ${over.steps} steps of its training`]),
    ...(typeof loaded === "string" ? [`not compared on the run's own data: ${loaded}`] : []),
  ];
  const prove = (given?: ArrayLike<number>): Proof => {
    const places = { seed, batch: 1, length: placesOf(architecture), inputs: given };
    const compare = (on: Machine) => compareNetworks(on, before, { architecture, values }, places);
    const proof = { float64: compare(createReference()), float32: compare(machine) };
    if (method.preserves)
      requireEqual(proof, options, given === undefined ? "random tokens" : "its validation data");
    return proof;
  };
  const proof = { ...prove(), data: inputs && prove(inputs) };
  const note = `grown by ${method.name} from ${folder}, step ${model.step}: ${JSON.stringify(steps)}`;
  const settings = {
    ...model.configuration,
    architecture,
    training: trainingAfter(options, model, standing),
  };
  // A signal may have come meanwhile.
  await eventLoop();
  signal?.throwIfAborted();
  const written = writeRun(options, settings, values, note, standing, flops);
  const { name, preserves, twins } = method;
  const how = { name, preserves, twins: twins && noise === undefined };
  return { ...written, method: how, step: standing?.step ?? 0, steps: made, proof, flops, notes };
}

/** Errors: RequestError for a run in which no mask can rise. */
function requireTrained({ folder, fresh }: GrowOptions, { step }: Model): void {
  if (fresh) {
    throw new RequestError(
      "grow: masks rise in the training that follows, and a fresh run would begin without; leave out --fresh, or the method",
    );
  }
  if (step > 0) return;
  throw new RequestError(
    `grow: masks rise in training, and ${folder} stands before its first step; train it first, or choose another method`,
  );
}

/** What the new run has just done. */
function eventOf(
  { steps, method }: GrowOptions,
  { step, architecture, configuration: { training } }: Model,
  over: GrowthEvent["over"],
): GrowthEvent {
  // In tokens, because a run that has come to its end has no more steps.
  const at = { tokens: step * training.batch * architecture.length };
  return { at, to: steps, schedule: "keep", method: method!, noise: null, over };
}

const placesOf = ({ length }: Architecture): number => Math.min(PROVED_PLACES, length);

/** Errors: WorkError where both networks do not compute the same. */
function requireEqual(proof: Proof, { folder, unproven = false }: GrowOptions, on: string): void {
  for (const [precision, bound] of Object.entries(BOUNDS) as [keyof Proof, number][]) {
    const { largest, scale } = proof[precision];
    if (unproven || largest <= bound * scale) continue;
    throw new WorkError(
      `${folder}: grown, its logits on ${on} differ by ${largest} in ${precision}, where the largest is ${scale}; expected ` +
        `at most ${bound} of that, nothing is written`,
    );
  }
}

/** What the run is trained on; where it cannot be had, why. */
async function dataOf(options: GrowOptions, { configuration }: Model): Promise<RunData | string> {
  try {
    return await reloadData(configuration, options);
  } catch (error) {
    if (error instanceof RequestError) return error.message;
    throw error;
  }
}

/** The beginning of what the run is judged by. */
function validationInputs({ validation }: RunData, architecture: Architecture): ArrayLike<number> {
  const [first] = validation(1);
  return first!.inputs!.slice(0, placesOf(architecture) * (architecture.inputs ?? 1));
}

/** Where the run stood. */
type Stood = Standing & { readonly scheduleStart: number | undefined };

/** The same, with what its optimiser knew. Errors: RequestError while masks rise. */
function standingOf(folder: string, { step, best, architecture, configuration }: Model) {
  const checkpoints = checkpointsPath(folder);
  const { manifest, tensors } = readCheckpoint(checkpoints, step);
  const { architecture: first, training } = configuration;
  const masking = maskingOf(first, training.grow, manifest.growth, step);
  if (masking !== undefined) {
    throw new RequestError(
      `grow: the masks of new parts of ${folder} rise until step ${masking.begun + masking.steps}, and this is step ${step}; train ` +
        "it until then, or give --fresh",
    );
  }
  const path = join(checkpoints, String(step));
  const states = [...tensors].map(([name, tensor]) => [
    name,
    { shape: tensor.shape, data: Float32Array.from(tensorValues(name, tensor, path)) },
  ]);
  // The weights of an earlier best evaluation are not in the new run.
  const kept = best?.step === step ? best : null;
  const perStep =
    count(architecture).flopsPerToken.training * configuration.training.batch * architecture.length;
  const { growth } = manifest;
  return {
    ...{ step, complete: manifest.complete, best: kept, flops: growth?.flops ?? step * perStep },
    states: Object.fromEntries(states) as NamedTensors,
    scheduleStart: growth && scheduleStart(growth, training.grow),
  };
}

function trainingAfter(
  { schedule = "keep" }: GrowOptions,
  { configuration: { training } }: Model,
  standing: Stood | undefined,
): TrainingSettings {
  const { start: asked, ...others } = training.schedule;
  const start = schedule === "restart" ? standing?.step : standing && (standing.scheduleStart ?? asked);
  return defineTraining({ ...training, schedule: { ...others, ...(start === undefined ? {} : { start }) } });
}
