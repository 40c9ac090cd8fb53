// A run made out of another: its network cut to narrower feed-forward layers, or made to share its blocks. The new run stands
// before its first step, with new weights, so that it can be evaluated, sampled, exported and trained on. Knows folders; how
// networks are made is another's business.
import { type Architecture, defineArchitecture } from "../architecture/architecture.ts";
import { cutNested } from "../architecture/cutNested.ts";
import { relaxNetwork } from "../architecture/relaxed.ts";
import type { RelaxedSelection } from "../architecture/relaxedSelections.ts";
import type { SourceItem } from "../architecture/sources.ts";
import type { ParameterValues } from "../architecture/values.ts";
import { createReference } from "../backend/reference.ts";
import { RequestError } from "../errors.ts";
import type { NamedTensors } from "../growth/grow.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import type { Best } from "./events.ts";
import { type GrowthEvent, noPlateau } from "./growthEvents.ts";
import { openLog } from "./log.ts";
import { type DamageListener, type Model, openModel } from "./model.ts";
import { stateName } from "./names.ts";
import { createObjective } from "./objectives/objectives.ts";
import { createOptimizer } from "./optimizers.ts";
import {
  checkpointsPath,
  createRun,
  defineConfiguration,
  type RunSettings,
  requireFreeFolder,
} from "./runFolder.ts";
import { type TrainingStep, trainingStep } from "./step.ts";

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
  const model = openRemade(options);
  const { architecture, values } = cutNested(model.architecture, valuesOf(model), shares);
  const note = `cut to ${[shares].flat().join(", ")} of the feed-forward widths of ${options.folder}, step ${model.step}`;
  return writeRun(options, { ...model.configuration, architecture }, values, note);
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
  const model = openRemade(options);
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
  return { ...writeRun(options, { ...model.configuration, architecture }, values, note), missing };
}

export function openRemade({ folder, out, checkpoint, force = false, onDamaged }: RemakeOptions): Model {
  requireFreeFolder(out, force);
  return openModel(createReference(), folder, checkpoint, onDamaged);
}

export function valuesOf({ store }: Model): ParameterValues {
  const values = store
    .names()
    .map((name) => [
      name,
      { shape: store.type(name)!.shape, data: Float64Array.from(store.read(name), Number) },
    ]);
  return Object.fromEntries(values);
}

/** What a run that is made of another stands at; without it, before its first step, with a fresh optimiser. */
export interface Standing {
  readonly step: number;
  readonly complete: boolean;
  readonly best: Best | null;
  /** Training FLOPs so far. */
  readonly flops: number;
  /** By their names in the store. */
  readonly states: NamedTensors;
  /** The network that it grows out of here, and how; absent: it is whole. */
  readonly growing?: { readonly from: Architecture; readonly event: GrowthEvent };
}

/**
 * Writes the run with one checkpoint; `flops` are the training FLOPs that it has taken so far.
 * Errors: RequestError where it would be the run itself.
 */
export function writeRun(
  { out, folder }: RemakeOptions,
  before: RunSettings,
  values: NamedTensors,
  note: string,
  standing?: Standing,
  flops = standing?.flops ?? 0,
): RemadeRun {
  if (out === folder) throw new RequestError(`${out} is the run itself; name another folder for the new one`);
  // What the other run was still to become is of no use to another network.
  const { architecture } = before;
  const growing = standing?.growing;
  const configuration = defineConfiguration({
    ...before,
    architecture: growing?.from ?? architecture,
    training: { ...before.training, grow: growing === undefined ? [] : [growing.event] },
  });
  const { training } = configuration;
  const [optimizer, objective] = [createOptimizer(training.optimizer), createObjective(training.objective)];
  const step = trainingStep(architecture, { ...training, length: architecture.length, optimizer, objective });
  const states = standing?.states ?? freshStates(step);
  const tensors: NamedTensors = { ...values, ...states };
  const parameters = step.parameters.map(({ name }) => name);
  createRun(out, configuration);
  writeCheckpoint(
    checkpointsPath(out),
    {
      read: (name) => Float32Array.from(tensors[name]!.data),
      type: (name) => ({ shape: tensors[name]!.shape, dtype: "f32" }),
    },
    { parameters, states: Object.keys(states) },
    {
      ...{ configuration: configuration.hash, backend: "reference", identity: "" },
      ...{ step: standing?.step ?? 0, complete: standing?.complete ?? true, best: standing?.best ?? null },
      growth: { steps: growing === undefined ? [] : [standing!.step], flops, plateau: noPlateau },
    },
  );
  const log = openLog(out);
  log.write({ kind: "made", step: standing?.step ?? 0, notes: [note] });
  log.close();
  const size = step.parameters.reduce((total, { shape }) => total + sizeOf(shape), 0);
  return { folder: out, architecture, parameters: size };
}

function freshStates({ parameters, options: { optimizer } }: TrainingStep): NamedTensors {
  const states = parameters.flatMap((parameter) =>
    optimizer
      .states(parameter)
      .map((state) => [
        stateName(state, parameter.name),
        { shape: parameter.shape, data: new Float32Array(sizeOf(parameter.shape)) },
      ]),
  );
  return Object.fromEntries(states);
}
