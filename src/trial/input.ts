// A study of trained models as data: what it may be asked with, checked key by key. Knows single settings only.
import { z } from "zod";
import {
  type FlopConvention,
  flopConventions,
  type ParameterConvention,
  parameterConventions,
} from "../architecture/solve.ts";
import { RequestError } from "../errors.ts";
import { oneOf, parseStrict, positiveNumber, wholeNumber } from "../strict.ts";
import type { GrowthEventInput, GrowthMoment } from "../train/growthEvents.ts";
import type { ImageRunInput } from "../train/imageRun.ts";
import type { TrainingInput } from "../train/settings.ts";
import { ratesSchema, readArms, requireRising, trainingOf } from "./armInput.ts";
import { measures } from "./measures.ts";
import { requireOwnKeys, subjectOf } from "./subjects/subjects.ts";

/** When the network of an arm grows: at a share of its run, of the FLOPs where `train` gives those, else of the updates. */
export type ArmGrowthMoment = Exclude<GrowthMoment, { plateau: unknown }> | { readonly share: number };

/** The network of an arm grows while it is trained. */
export interface ArmGrowth extends Omit<GrowthEventInput, "at"> {
  readonly at: ArmGrowthMoment;
}

/** What an arm may have of its own in how it is trained. */
export type ArmTraining = Omit<
  TrainingInput,
  "steps" | "batch" | "seed" | "objective" | "order" | "microBatches" | "grow"
> & { readonly grow?: readonly ArmGrowth[] };

/** One arm: an architecture, and what is its own of how it is trained. */
export interface ArmInput {
  /** A preset, a .json or .yaml file (its path from the study's), or settings. Vocabulary and length are the study's. */
  readonly architecture: string | Readonly<Record<string, unknown>>;
  /** Default: that of `training`, or standard. */
  readonly parametrisation?: TrainingInput["parametrisation"];
  /** In place of the study's, and as many. */
  readonly rates?: readonly number[];
  /** Settings in place of the study's, and when its network grows; the architecture is what it begins with. */
  readonly training?: ArmTraining;
}

/**
 * Arms of one architecture at several depths, the width of each solved for the parameters that `equal` gives, or, where it
 * gives none, for the state.
 */
export interface FamilyInput {
  readonly architecture: ArmInput["architecture"];
  /** Repetitions of the stripe. */
  readonly depths: readonly number[];
  readonly parametrisation?: TrainingInput["parametrisation"];
}

/** What is the same for all arms: parameters, the state of decoding, or both. */
export interface EqualInput {
  /** How many; arms that are not solved for only have to be as large as each other where it is left out. */
  readonly parameters?: number;
  /** What counts as one; default total. */
  readonly convention?: ParameterConvention;
  /**
   * Numbers that decoding carries for a sequence: how many, or true for as many as each other; held too, or alone where
   * nothing is said of parameters. Default false.
   */
  readonly state?: boolean | number;
  /** Largest share by which an arm may be off; default 0.02. */
  readonly tolerance?: number;
}

/** How long each run is trained: one of them. */
export interface LengthInput {
  readonly steps?: number;
  readonly tokens?: number;
  /** Times that all training data are gone through. */
  readonly epochs?: number;
  /** Training FLOPs of a run; while a network is smaller, its own. */
  readonly flops?: number;
  /** Of `flops`; default training, the operations that run. */
  readonly convention?: FlopConvention;
  /** Of a run on this machine, at the speed that is measured before the first. */
  readonly seconds?: number;
}

/** A study, as a file or a caller has it. */
export interface TrialInput {
  /** For the report; default "study". */
  readonly name?: string;
  /** By name. */
  readonly arms?: Readonly<Record<string, string | ArmInput>>;
  readonly family?: FamilyInput;
  readonly equal?: EqualInput;
  readonly train: LengthInput;
  /** Tokens of a sequence of text; default 128. */
  readonly length?: number;
  /** Sequences of an update; default 16, of images 64. */
  readonly batch?: number;
  /** Learning rates, rising; each arm is given the best of them. */
  readonly rates: readonly number[];
  /** How many; default 3. The same seed is the same data in the same order for all arms. */
  readonly seeds?: number;
  /** Default 1. */
  readonly firstSeed?: number;
  /** Text, as for training; default: the built-in language. */
  readonly data?: string;
  readonly tokenizer?: string;
  /** Images instead: what `scantling train` takes, or how they are cut and changed besides; `shapes` are built in. */
  readonly images?: string | (Partial<ImageRunInput> & { readonly data?: string });
  /** Other settings of training, the same for all arms. */
  readonly training?: Omit<TrainingInput, "steps" | "batch" | "seed">;
  /** `race` (default): rates on the first seed, then seeds until arms are told apart; `full`: every rate under every seed. */
  readonly stop?: "race" | "full";
  /** Differences that are surely smaller than this are ties; default 0.01 nats, of images 0.2 points of error. */
  readonly margin?: number;
  /** Most that all runs together may take: `10m`, `3e13flops`. Default: no bound. */
  readonly spend?: string;
  /** Most validation tokens of a look at the loss of text; default 16,384. The test takes up to four times as many others. */
  readonly evaluationTokens?: number;
}

/** With every default. */
export interface TrialSettings
  extends Omit<TrialInput, "arms" | "family" | "equal" | "length" | "images" | "evaluationTokens"> {
  readonly name: string;
  readonly arms: Readonly<Record<string, ArmInput>> | null;
  readonly family: FamilyInput | null;
  readonly equal: Required<Omit<EqualInput, "parameters">> & {
    /** Null: no number is given. */
    readonly parameters: number | null;
    /** Whether parameters are held equal at all: where `equal` is given, unless it is about state alone. */
    readonly isHeld: boolean;
  };
  /** Null: the data decide it. */
  readonly length: number | null;
  readonly batch: number;
  readonly seeds: number;
  readonly firstSeed: number;
  /** Undefined: the data are text. */
  readonly images: ImageRunInput | undefined;
  readonly training: Omit<TrainingInput, "steps" | "batch" | "seed">;
  readonly stop: "race" | "full";
  readonly margin: number;
  /** Null: all validation data are looked at. */
  readonly evaluationTokens: number | null;
}

const named = z.string("expected a name or a path").max(4096, "expected at most 4096 characters");
const schema = z.object({
  name: z
    .string("expected a name")
    .min(1, "expected a name")
    .max(100, "expected at most 100 characters")
    .regex(/^\P{C}*$/u, "expected a name on one line")
    .default("study"),
  arms: z.unknown().optional(),
  family: z.unknown().optional(),
  equal: z.unknown().optional(),
  train: z.custom(
    (given) => given !== undefined,
    "expected how long each run is trained, such as { tokens: 1000000 }",
  ),
  length: wholeNumber(1, 2 ** 20).optional(),
  batch: wholeNumber(1, 2 ** 20).optional(),
  rates: ratesSchema,
  seeds: wholeNumber(1, 100).default(3),
  firstSeed: wholeNumber(0).default(1),
  data: named.optional(),
  tokenizer: named.optional(),
  images: z.unknown().optional(),
  training: z.unknown().optional(),
  stop: oneOf(["race", "full"]).default("race"),
  margin: z.number("expected a number of at least 0").min(0, "expected a number of at least 0").optional(),
  spend: z.string("expected time or FLOPs, such as 10m or 3e13flops").max(100).optional(),
  evaluationTokens: wholeNumber(2).optional(),
});
const stateNumbers = wholeNumber(1, Number.MAX_SAFE_INTEGER);
const equalSchema = z.object({
  parameters: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  convention: oneOf(parameterConventions).default("total"),
  state: z.union([z.boolean(), stateNumbers], "expected true, false or a whole number").default(false),
  tolerance: positiveNumber().max(1, "expected a share of at most 1").default(0.02),
});
const trainSchema = z.object({
  steps: wholeNumber().optional(),
  tokens: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  epochs: positiveNumber().optional(),
  flops: positiveNumber().optional(),
  convention: oneOf(flopConventions).optional(),
  seconds: positiveNumber().optional(),
});

/** State alone is a budget of its own: what names neither parameters nor how they count does not hold them. */
function holdsParameters(equal: unknown): boolean {
  if (equal === undefined) return false;
  const { state = false, parameters, convention } = equal as EqualInput;
  return state === false || parameters !== undefined || convention !== undefined;
}

/** Errors: RequestError, one line, for the first key that is unknown, missing or wrong. */
export function readSettings(input: unknown): TrialSettings {
  const given = parseStrict("study", schema, input);
  const subject = subjectOf(given);
  requireOwnKeys(subject, given);
  const train = parseStrict("study: train", trainSchema, given.train);
  const { convention, ...amounts } = train;
  const asked = Object.values(amounts).filter((amount) => amount !== undefined);
  if (asked.length !== 1) {
    throw new RequestError(
      `study: train has ${asked.length} of steps, tokens, epochs, flops and seconds; expected one, such as ` +
        "{ tokens: 1000000 }",
    );
  }
  if (convention !== undefined && train.flops === undefined) {
    throw new RequestError("study: train.convention says how flops are counted; leave it out or give flops");
  }
  const equal = parseStrict("study: equal", equalSchema, given.equal === undefined ? {} : given.equal);
  const { arms, family } = readArms(given);
  if (family !== null && equal.parameters === undefined && typeof equal.state !== "number") {
    throw new RequestError(
      "study: family is solved for equal.parameters, or for a number as equal.state; give one, such as { parameters: 200000 }",
    );
  }
  requireRising("rates", given.rates);
  const growing = Object.entries(arms ?? {}).find(([, { training }]) => training?.grow !== undefined);
  if (train.seconds !== undefined && growing !== undefined) {
    throw new RequestError(
      `study: ${growing[0]} grows, and seconds are measured before it does; give train as flops, steps, tokens or epochs`,
    );
  }
  return {
    ...given,
    ...subject.read(given),
    ...{ train, arms, family },
    batch: given.batch ?? subject.batch,
    margin: given.margin ?? measures[subject.measure].margin,
    equal: { ...equal, parameters: equal.parameters ?? null, isHeld: holdsParameters(given.equal) },
    training: trainingOf("training", given.training, ["grow"]),
  } as TrialSettings;
}
