// A study of trained models as data: what it may be asked with, checked key by key. Knows single settings only.
import { z } from "zod";
import {
  type FlopConvention,
  flopConventions,
  type ParameterConvention,
  parameterConventions,
} from "../architecture/solve.ts";
import { RequestError } from "../errors.ts";
import { isObject } from "../json.ts";
import { oneOf, parseStrict, positiveNumber, show, wholeNumber } from "../strict.ts";
import type { TrainingInput } from "../train/settings.ts";

/** One arm: an architecture, and what is its own of how it is trained. */
export interface ArmInput {
  /** A preset, a .json or .yaml file (its path from the study's), or settings. Vocabulary and length are the study's. */
  readonly architecture: string | Readonly<Record<string, unknown>>;
  /** Default: that of `training`, or standard. */
  readonly parametrisation?: TrainingInput["parametrisation"];
  /** In place of the study's, and as many. */
  readonly rates?: readonly number[];
}

/** Arms of one architecture at several depths, the width of each solved for the parameters that `equal` gives. */
export interface FamilyInput {
  readonly architecture: ArmInput["architecture"];
  /** Repetitions of the stripe. */
  readonly depths: readonly number[];
  readonly parametrisation?: TrainingInput["parametrisation"];
}

/** What is the same for all arms: parameters, where this is given. */
export interface EqualInput {
  /** How many; arms that are not solved for only have to be as large as each other where it is left out. */
  readonly parameters?: number;
  /** What counts as one; default total. */
  readonly convention?: ParameterConvention;
  /** Whether the numbers that decoding carries are equal, too. Default false. */
  readonly state?: boolean;
  /** Largest share by which an arm may be off; default 0.02. */
  readonly tolerance?: number;
}

/** How long each run is trained: one of them. */
export interface LengthInput {
  readonly steps?: number;
  readonly tokens?: number;
  /** Training FLOPs of a run. */
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
  /** Tokens of a sequence; default 128. */
  readonly length?: number;
  /** Sequences of an update; default 16. */
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
  /** Other settings of training, the same for all arms. */
  readonly training?: Omit<TrainingInput, "steps" | "batch" | "seed">;
  /** `race` (default): rates on the first seed, then seeds until arms are told apart; `full`: every rate under every seed. */
  readonly stop?: "race" | "full";
  /** Differences of loss that are surely smaller than this are ties, nats; default 0.01. */
  readonly margin?: number;
  /** Most that all runs together may take: `10m`, `3e13flops`. Default: no bound. */
  readonly spend?: string;
  /** Most validation tokens of a look at the loss; default 16,384. The test takes up to four times as many others. */
  readonly evaluationTokens?: number;
}

/** With every default. */
export interface TrialSettings extends Omit<TrialInput, "arms" | "family" | "equal"> {
  readonly name: string;
  readonly arms: Readonly<Record<string, ArmInput>> | null;
  readonly family: FamilyInput | null;
  readonly equal: Required<Omit<EqualInput, "parameters">> & {
    /** Null: no number is given. */
    readonly parameters: number | null;
    /** Whether parameters are held equal at all: where `equal` is given. */
    readonly isHeld: boolean;
  };
  readonly length: number;
  readonly batch: number;
  readonly seeds: number;
  readonly firstSeed: number;
  readonly training: Omit<TrainingInput, "steps" | "batch" | "seed">;
  readonly stop: "race" | "full";
  readonly margin: number;
  readonly evaluationTokens: number;
}

const rates = z.array(positiveNumber(), "expected a list of learning rates").min(1).max(32);
const schema = z.object({
  name: z
    .string("expected a name")
    .max(100, "expected at most 100 characters")
    .regex(/^\P{C}*$/u, "expected a name on one line")
    .default("study"),
  arms: z.unknown().optional(),
  family: z.unknown().optional(),
  equal: z.unknown().optional(),
  train: z.unknown(),
  length: wholeNumber(1, 2 ** 20).default(128),
  batch: wholeNumber(1, 2 ** 20).default(16),
  rates,
  seeds: wholeNumber(1, 100).default(3),
  firstSeed: wholeNumber(0).default(1),
  data: z.string().max(4096).optional(),
  tokenizer: z.string().max(4096).optional(),
  training: z.unknown().optional(),
  stop: oneOf(["race", "full"]).default("race"),
  margin: z.number("expected a number of at least 0").min(0, "expected a number of at least 0").default(0.01),
  spend: z.string().max(100).optional(),
  evaluationTokens: wholeNumber(2).default(16_384),
});
const architecture = z.unknown();
const parametrisation = z.unknown().optional();
const armSchema = z.object({ architecture, parametrisation, rates: rates.optional() });
const familySchema = z.object({
  architecture,
  parametrisation,
  depths: z.array(wholeNumber(1, 10_000), "expected a list of depths").min(2).max(100),
});
const equalSchema = z.object({
  parameters: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  convention: oneOf(parameterConventions).default("total"),
  state: z.boolean("expected true or false").default(false),
  tolerance: positiveNumber().max(1, "expected a share of at most 1").default(0.02),
});
const trainSchema = z.object({
  steps: wholeNumber().optional(),
  tokens: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  flops: positiveNumber().optional(),
  convention: oneOf(flopConventions).optional(),
  seconds: positiveNumber().optional(),
});

const MOST_ARMS = 64;
/** What a study decides itself. */
const decided = [
  "steps",
  "batch",
  "seed",
  "evaluateEvery",
  "evaluationTokens",
  "keep",
  "sampleEvery",
  "grow",
];

/** Errors: RequestError, one line, for the first key that is unknown, missing or wrong. */
export function readSettings(input: unknown): TrialSettings {
  const given = parseStrict("study", schema, input);
  const { steps, tokens, flops, seconds } = parseStrict("study: train", trainSchema, given.train);
  const length = parseStrict("study: train", trainSchema, given.train);
  const amounts = [steps, tokens, flops, seconds].filter((amount) => amount !== undefined);
  if (amounts.length !== 1) {
    throw new RequestError(
      `study: train has ${amounts.length} of steps, tokens, flops and seconds; expected one, such as { tokens: 1000000 }`,
    );
  }
  if (length.convention !== undefined && flops === undefined) {
    throw new RequestError("study: train.convention says how flops are counted; leave it out or give flops");
  }
  const equal = parseStrict("study: equal", equalSchema, given.equal ?? {});
  const { arms, family } = armsOrFamily(given);
  if (family !== null && equal.parameters === undefined) {
    throw new RequestError(
      "study: family is solved for equal.parameters, which is missing; give it, such as 200000",
    );
  }
  requireRising("rates", given.rates);
  if (given.evaluationTokens < given.length) {
    throw new RequestError(
      `study: evaluationTokens is ${given.evaluationTokens}; expected at least the ${given.length} of one sequence`,
    );
  }
  return {
    ...given,
    train: length,
    arms,
    family,
    equal: { ...equal, parameters: equal.parameters ?? null, isHeld: given.equal !== undefined },
    training: trainingOf(given.training),
  } as TrialSettings;
}

function armsOrFamily(given: {
  readonly arms?: unknown;
  readonly family?: unknown;
  readonly rates: number[];
}) {
  if ((given.arms === undefined) === (given.family === undefined)) {
    throw new RequestError("study: expected arms, by name, or a family that is solved; one of them");
  }
  if (given.family !== undefined) {
    const family = parseStrict("study: family", familySchema, given.family);
    requireArchitecture("family", family.architecture);
    requireRising("family.depths", family.depths);
    return { arms: null, family: family as FamilyInput };
  }
  if (!isObject(given.arms)) {
    throw new RequestError(
      `study: arms is ${show(given.arms)}; expected architectures by name, such as { wide: wide.yaml, deep: deep.yaml }`,
    );
  }
  const names = Object.keys(given.arms);
  if (names.length < 2 || names.length > MOST_ARMS) {
    throw new RequestError(`study: arms are ${names.length}; expected from 2 to ${MOST_ARMS}`);
  }
  for (const name of names) requireName(name);
  const entries = Object.entries(given.arms).map(([name, arm]): [string, ArmInput] => [
    name,
    armOf(name, arm, given.rates.length),
  ]);
  return { arms: Object.fromEntries(entries), family: null };
}

const LONGEST_NAME = 60;

/** Names stand in lines of text and on pages. */
function requireName(name: string): void {
  if (name.trim() !== "" && name.length <= LONGEST_NAME && !/\p{C}/u.test(name)) return;
  throw new RequestError(
    `study: an arm is named ${show(name)}; expected 1 to ${LONGEST_NAME} characters, on one line`,
  );
}

function armOf(name: string, given: unknown, count: number): ArmInput {
  const what = `arms.${name}`;
  const arm = parseStrict(
    `study: ${what}`,
    armSchema,
    typeof given === "string" ? { architecture: given } : given,
  );
  requireArchitecture(what, arm.architecture);
  if (arm.rates !== undefined) {
    requireRising(`${what}.rates`, arm.rates);
    if (arm.rates.length !== count) {
      throw new RequestError(
        `study: ${what} has ${arm.rates.length} rates; expected ${count}, as the study has, so that all are tuned alike`,
      );
    }
  }
  return arm as ArmInput;
}

function requireArchitecture(what: string, given: unknown): void {
  if ((typeof given === "string" && given !== "") || isObject(given)) return;
  throw new RequestError(
    `study: ${what}.architecture is ${show(given)}; expected a preset, a .json or .yaml file, or settings`,
  );
}

function requireRising(what: string, values: readonly number[]): void {
  if (values.every((value, i) => i === 0 || value > values[i - 1]!)) return;
  throw new RequestError(`study: ${what} are ${values.join(", ")}; expected each larger than the one before`);
}

function trainingOf(given: unknown): TrialSettings["training"] {
  if (given === undefined) return {};
  if (!isObject(given)) throw new RequestError(`study: training is ${show(given)}; expected settings`);
  const own = decided.find((key) => Object.hasOwn(given, key));
  if (own !== undefined) throw new RequestError(`study: training.${own} is the study's own; leave it out`);
  if (isObject(given.schedule) && Object.hasOwn(given.schedule, "rate")) {
    throw new RequestError("study: training.schedule.rate is one of rates, in turn; leave it out");
  }
  return given;
}
