// The runs that a study could make: what each is told, what it is known by, and its job. Trains nothing.
import { createHash } from "node:crypto";
import { RequestError } from "../errors.ts";
import { storedParameters } from "../growth/plan.ts";
import { type Job, type Json, toJson } from "../study/job.ts";
import { parametrise, parametrisedParameters } from "../train/parametrisation/parametrise.ts";
import { defineTraining, type TrainingInput, type TrainingSettings } from "../train/settings.ts";
import type { Arm } from "./arms.ts";
import type { TrialContext } from "./define.ts";
import type { TrialSettings } from "./input.ts";
import type { TrialArm } from "./lengths.ts";
import type { Material, Split } from "./subjects/subject.ts";
import { subjectOf } from "./subjects/subjects.ts";

/** Runs are known whatever their backend. */
export interface RunIdentity {
  /** Whether the data are named by a path; then what is in them counts, wherever they lie and however that is written. */
  readonly isPath: boolean;
}

/** What the worker is told of a run. */
export interface TrialSpec extends Material {
  readonly architecture: Arm["architecture"];
  readonly training: TrainingInput & { readonly steps: number; readonly batch: number };
  readonly backend: string | null;
}

/** One run that could be made. */
export interface TrialRun {
  readonly run: string;
  readonly arm: number;
  readonly candidate: number;
  readonly seed: number;
  readonly steps: number;
  readonly flops: number;
  readonly spec: TrialSpec;
  /** What the run is known by, where that is not the spec. */
  readonly identity?: Json | undefined;
}

const EVALUATIONS = 12;

/** A run among all of a study. */
export interface RunPlace {
  readonly arm: TrialArm;
  readonly place: number;
  readonly rate: number;
  readonly candidate: number;
  /** Number of the seed. */
  readonly seed: number;
  readonly seeds: readonly number[];
  readonly settings: TrialSettings;
  readonly split: Split;
  readonly context: TrialContext;
}

/** Errors: RequestError, one line, for what the run itself would refuse. */
export function runOf({
  arm,
  place,
  rate,
  candidate,
  seed,
  seeds,
  settings,
  split,
  context,
}: RunPlace): TrialRun {
  const { steps, parametrisation, training: own, grow } = arm;
  const { batch, training: common, train } = settings;
  const subject = subjectOf(settings);
  const training = {
    ...(train.epochs === undefined ? {} : { order: "epochs" as const }),
    ...common,
    ...own,
    ...(parametrisation === undefined ? {} : { parametrisation }),
    ...{ steps, batch, seed: seeds[seed]!, keep: 1 },
    schedule: { warmup: Math.floor(steps / 10), ...common.schedule, ...own.schedule, rate },
    evaluateEvery: Math.ceil(steps / EVALUATIONS),
    ...subject.looks(split),
    ...(grow.length === 0 ? {} : { grow }),
  };
  asArm(arm, () => {
    const objective = subject.objective(settings);
    const defined = defineTraining({ ...training, objective: objective.settings });
    if (candidate === 0 && seed === 0) {
      // What a run would refuse.
      objective.check(arm.architecture);
      const { parametrisation: to } = defined;
      parametrisedParameters(parametrise(arm.architecture, to), storedParameters(arm.architecture), to);
    }
  });
  const spec: TrialSpec = {
    architecture: arm.architecture,
    training,
    ...subject.material(settings, split),
    backend: context.backend ?? null,
  };
  const identity = identityOf(spec, subject.key, context);
  const hash = createHash("sha256")
    .update(JSON.stringify([arm.name, identity ?? spec]))
    .digest("hex")
    .slice(0, 8);
  const label = `${arm.name.slice(0, 60)}-rate${rate.toPrecision(3).replace("e+", "e")}-seed${seeds[seed]}`;
  return {
    run: `${label.replace(/[^\w.]+/g, "-").replace(/^[.-]+/, "")}-${hash}`,
    ...{ arm: place, candidate, seed, steps, flops: arm.flops, spec },
    ...(identity === undefined ? {} : { identity }),
  };
}

/** How the updates of an arm are made, whatever their rate and their number. Errors: RequestError, one line. */
export function updatesOf(
  arm: Pick<Arm, "name" | "training" | "parametrisation">,
  settings: TrialSettings,
): TrainingSettings {
  const { parametrisation, training } = arm;
  const { schedule: _, order: __, ...own } = { ...settings.training, ...training };
  const { settings: objective } = subjectOf(settings).objective(settings);
  return asArm(arm, () =>
    defineTraining({
      ...{ ...own, objective, steps: 1, batch: settings.batch },
      ...(parametrisation === undefined ? {} : { parametrisation }),
    }),
  );
}

/** Errors: as `make`, with the name of the arm. */
function asArm<T>({ name }: Pick<Arm, "name">, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof RequestError ? new RequestError(`study: ${name}: ${error.message}`) : error;
  }
}

/** Undefined where that is the spec itself, as it was in all studies of earlier versions. */
function identityOf(
  spec: TrialSpec,
  key: "data" | "images",
  { knownBy, data: { sha256 } }: TrialContext,
): Json | undefined {
  if (knownBy === undefined) return undefined;
  const isPath = knownBy.isPath && sha256 !== undefined;
  if (!isPath && spec.backend === null) return undefined;
  const named = spec[key];
  const known = typeof named === "object" ? { ...named, data: sha256 } : sha256;
  // Of the same order as the spec, and with the backend that is usual.
  return toJson({ ...spec, ...(isPath ? { [key]: known } : {}), backend: null });
}

/** The job that makes a run, whole. */
export function jobOf({ run, steps, spec, identity }: TrialRun): Job {
  return { run, until: steps, spec: toJson(spec), ...(identity === undefined ? {} : { identity }) };
}
