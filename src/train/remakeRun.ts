// A run made out of another: its network cut to narrower feed-forward layers, made to share its blocks, or grown. The new run
// stands before its first step, with new weights, so that it can be evaluated, sampled, exported and trained on. Knows
// folders; how networks are made is another's business.
import { type Architecture, defineArchitecture } from "../architecture/architecture.ts";
import { cutNested } from "../architecture/cutNested.ts";
import { type RelaxedSelection, relaxNetwork } from "../architecture/relaxed.ts";
import type { SourceItem } from "../architecture/sources.ts";
import type { ParameterValues } from "../architecture/values.ts";
import type { Machine } from "../backend/machine.ts";
import { createReference } from "../backend/reference.ts";
import { RequestError, WorkError } from "../errors.ts";
import type { GrowthNote } from "../growth/grow.ts";
import type { GrowthTask } from "../growth/methods/method.ts";
import { growBy, growthMethod } from "../growth/methods/methods.ts";
import { compareNetworks, type Difference } from "../growth/proof.ts";
import type { GrowthStep } from "../growth/steps.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import { openLog } from "./log.ts";
import { type DamageListener, type Model, openModel } from "./model.ts";
import { stateName } from "./names.ts";
import { createObjective } from "./objectives/objectives.ts";
import { createOptimizer } from "./optimizers.ts";
import { checkpointsPath, createRun, defineConfiguration, requireFreeFolder } from "./runFolder.ts";
import { trainingStep } from "./step.ts";

/** Which run to make another of, and where that goes. */
export interface RemakeOptions {
  /** The folder of the run that was trained. */
  readonly folder: string;
  /** The folder of the new run. */
  readonly out: string;
  /** Default: the checkpoint with the lowest validation loss. */
  readonly checkpoint?: "best" | "last" | number | undefined;
  /** Replace the run in `out` where there is one. */
  readonly force?: boolean | undefined;
  /** Told of a damaged checkpoint while an earlier one is read; without it, damage is an error. */
  readonly onDamaged?: DamageListener | undefined;
}

/** A run that was made of another. */
export interface RemadeRun {
  readonly folder: string;
  readonly architecture: Architecture;
  readonly parameters: number;
}

/**
 * A run of the network that `cutNested` makes: feed-forward layers with one share of their width, or one for each repetition.
 * Errors: RequestError for shares that do not fit, runs that are not there, a folder that is taken; WorkError for damage.
 */
export function cutRun(options: RemakeOptions, shares: number | readonly number[]): RemadeRun {
  const model = open(options);
  const { architecture, values } = cutNested(model.architecture, valuesOf(model), shares);
  const note = `cut to ${[shares].flat().join(", ")} of the feed-forward widths of ${options.folder}, step ${model.step}`;
  return writeRun(options, model, architecture, values, note);
}

/** How blocks share their parameters, and what each adds of its own. */
export interface RelaxOptions extends RemakeOptions {
  /** Of the source `share`. */
  readonly share: Readonly<Record<string, unknown>>;
  /** Of the additions. */
  readonly rank: number;
  /** Default stepwise. */
  readonly selection?: RelaxedSelection | undefined;
}

/**
 * A run of the network that `relaxNetwork` makes of one without parameter sources; `missing` is the share of the squared
 * differences between its blocks that the additions leave out. Errors as for `cutRun`.
 */
export function relaxRun(options: RelaxOptions): RemadeRun & { readonly missing: number } {
  const { share, rank, selection } = options;
  const model = open(options);
  const given = model.architecture.sources;
  if (given.length > 0) {
    throw new RequestError(
      `${options.folder}: its network has the parameter sources ${given.map(({ source }) => source).join(", ")}; expected ` +
        "a run without any",
    );
  }
  const sources: SourceItem[] = [
    { source: "share", ...share },
    { source: "lora", rank },
  ];
  const architecture = defineArchitecture({ ...model.architecture, sources });
  const { values, missing } = relaxNetwork(architecture, valuesOf(model), selection);
  const note = `made of ${options.folder}, step ${model.step}: blocks share ${JSON.stringify(share)}, additions of rank ${rank}`;
  return { ...writeRun(options, model, architecture, values, note), missing };
}

/** How a network grows, and what is asked of the result. */
export interface GrowOptions extends RemakeOptions {
  /** One after the other. */
  readonly steps: readonly GrowthStep[];
  /** Of new parameters that may be anything; default 0. */
  readonly seed?: number | undefined;
  /** What computes the proof in float32. */
  readonly machine: Machine;
  /** Write the run although its network computes something else; methods that promise nothing else need no leave. */
  readonly unproven?: boolean | undefined;
  /** The name of what makes new parameters; default zero. */
  readonly method?: string | undefined;
  /** Signal over noise (dB) of what is added to copies; default: nothing. */
  readonly noise?: number | undefined;
  /** What gradients are taken on, by methods that need them. */
  readonly task?: GrowthTask | undefined;
}

/** What was done in one step of growing. */
export interface GrownStep {
  readonly step: GrowthStep;
  readonly notes: readonly GrowthNote[];
}

/** A run whose network is larger. */
export interface GrownRun extends RemadeRun {
  readonly method: { readonly name: string; readonly preserves: boolean; readonly twins: boolean };
  readonly steps: readonly GrownStep[];
  /** On the same random tokens before and after; in float32 with the numbers that are written. */
  readonly proof: { readonly float64: Difference; readonly float32: Difference };
}

/** Tokens that both networks are compared on. */
const PROVED_PLACES = 32;
/** Largest |Δ logit| as a share of the largest |logit|. */
const BOUNDS = { float64: 1e-12, float32: 1e-5 };

/**
 * A run of the network grown by those steps, which computes what it did before.
 * Errors: as for `cutRun`; RequestError where no way is known to grow so; WorkError where the larger network computes something
 * else, and nothing is written.
 */
export function growRun(options: GrowOptions): GrownRun {
  const { steps, seed = 0, machine, unproven = false, noise, task } = options;
  const method = growthMethod(options.method ?? "zero");
  const model = open(options);
  const before = { architecture: model.architecture, values: valuesOf(model) };
  const grown = growBy(method, before, steps, { seed, noise, task });
  const { architecture, values } = grown;
  const made = grown.steps.map(({ step, notes }): GrownStep => ({ step, notes }));
  const places = { seed, batch: 1, length: Math.min(PROVED_PLACES, architecture.length) };
  const proof = {
    float64: compareNetworks(createReference(), before, { architecture, values }, places),
    float32: compareNetworks(machine, before, { architecture, values }, places),
  };
  for (const [precision, bound] of Object.entries(BOUNDS) as [keyof typeof BOUNDS, number][]) {
    const { largest, scale } = proof[precision];
    if (unproven || !method.preserves || largest <= bound * scale) continue;
    throw new WorkError(
      `${options.folder}: grown, its logits differ by ${largest} in ${precision}, where the largest is ${scale}; expected at ` +
        `most ${bound} of that, nothing is written`,
    );
  }
  const { name, preserves, twins } = method;
  const note = `grown by ${name} from ${options.folder}, step ${model.step}: ${JSON.stringify(steps)}`;
  const written = writeRun(options, model, architecture, values, note);
  return { ...written, method: { name, preserves, twins: twins && noise === undefined }, steps: made, proof };
}

function open({ folder, out, checkpoint, force = false, onDamaged }: RemakeOptions): Model {
  requireFreeFolder(out, force);
  return openModel(createReference(), folder, checkpoint, onDamaged);
}

function valuesOf({ store }: Model): ParameterValues {
  const values = store
    .names()
    .map((name) => [
      name,
      { shape: store.type(name)!.shape, data: Float64Array.from(store.read(name), Number) },
    ]);
  return Object.fromEntries(values);
}

function writeRun(
  { out, folder }: RemakeOptions,
  { configuration: before }: Model,
  architecture: Architecture,
  values: ParameterValues,
  note: string,
): RemadeRun {
  if (out === folder) throw new RequestError(`${out} is the run itself; name another folder for the new one`);
  const configuration = defineConfiguration({ ...before, architecture });
  const { training } = configuration;
  const [optimizer, objective] = [createOptimizer(training.optimizer), createObjective(training.objective)];
  const step = trainingStep(architecture, { ...training, length: architecture.length, optimizer, objective });
  const tensors = new Map(
    step.parameters.flatMap((parameter) => {
      const { name, shape } = parameter;
      const states = optimizer.states(parameter).map((state) => stateName(state, name));
      return [
        [name, { shape, data: Float32Array.from(values[name]!.data) }] as const,
        ...states.map((state) => [state, { shape, data: new Float32Array(sizeOf(shape)) }] as const),
      ];
    }),
  );
  const parameters = step.parameters.map(({ name }) => name);
  const states = [...tensors.keys()].filter((name) => !Object.hasOwn(values, name));
  createRun(out, configuration);
  writeCheckpoint(
    checkpointsPath(out),
    {
      read: (name) => tensors.get(name)!.data,
      type: (name) => ({ shape: tensors.get(name)!.shape, dtype: "f32" }),
    },
    { parameters, states },
    {
      ...{ configuration: configuration.hash, step: 0, complete: true, best: null },
      ...{ backend: "reference", identity: "" },
    },
  );
  const log = openLog(out);
  log.write({ kind: "made", step: 0, notes: [note] });
  log.close();
  const size = step.parameters.reduce((total, { shape }) => total + sizeOf(shape), 0);
  return { folder: out, architecture, parameters: size };
}
