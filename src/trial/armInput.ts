// The arms of a study as they are given: architectures by name, or a family, and what is their own of how they are trained.
// Knows single settings only.

import { z } from "zod";
import { RequestError } from "../errors.ts";
import { isObject } from "../json.ts";
import { formatNumber } from "../report/format.ts";
import { parseStrict, positiveNumber, show, wholeNumber } from "../strict.ts";
import type { ArmInput, FamilyInput } from "./input.ts";

export const ratesSchema = z.array(positiveNumber(), "expected a list of learning rates").min(1).max(32);
const architecture = z.unknown();
const parametrisation = z.unknown().optional();
const armSchema = z.object({
  ...{ architecture, parametrisation },
  rates: ratesSchema.optional(),
  training: z.unknown().optional(),
});
const familySchema = z.object({
  architecture,
  parametrisation,
  depths: z.array(wholeNumber(1, 10_000), "expected a list of depths").min(2).max(100),
});
const MOST_ARMS = 64;
/** What a study decides itself. */
const decided = ["steps", "batch", "seed", "evaluateEvery", "evaluationTokens", "keep", "sampleEvery"];
/** What has to be the same for all arms, so that they are compared by the same thing on the same batches. */
const ofStudy = ["objective", "order", "microBatches"];

/** The arms by name, or the family; the other is null. Errors: RequestError, one line. */
export function readArms(given: {
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
    throw new RequestError(
      `study: arms are ${formatNumber(names.length, "architecture")}; expected from 2 to ${MOST_ARMS}`,
    );
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
  const training = trainingOf(`${what}.training`, arm.training, ofStudy);
  if (arm.rates !== undefined) {
    requireRising(`${what}.rates`, arm.rates);
    if (arm.rates.length !== count) {
      throw new RequestError(
        `study: ${what} has ${arm.rates.length} rates; expected ${count}, as the study has, so that all are tuned alike`,
      );
    }
  }
  return { ...arm, training } as ArmInput;
}

function requireArchitecture(what: string, given: unknown): void {
  if ((typeof given === "string" && given !== "") || isObject(given)) return;
  throw new RequestError(
    `study: ${what}.architecture is ${show(given)}; expected a preset, a .json or .yaml file, or settings`,
  );
}

/** Errors: RequestError for values of which one is not larger than the one before. */
export function requireRising(what: string, values: readonly number[], of = "study"): void {
  if (values.every((value, i) => i === 0 || value > values[i - 1]!)) return;
  throw new RequestError(`${of}: ${what} are ${values.join(", ")}; expected each larger than the one before`);
}

/** Settings of training without those that are not `what`'s to give. */
export function trainingOf(
  what: string,
  given: unknown,
  others: readonly string[],
): Readonly<Record<string, unknown>> {
  if (given === undefined) return {};
  if (!isObject(given)) throw new RequestError(`study: ${what} is ${show(given)}; expected settings`);
  const own = decided.find((key) => Object.hasOwn(given, key));
  if (own !== undefined) throw new RequestError(`study: ${what}.${own} is the study's own; leave it out`);
  const other = others.find((key) => Object.hasOwn(given, key));
  if (other !== undefined) {
    const where = other === "grow" ? "an arm's" : "the same for all arms";
    throw new RequestError(`study: ${what}.${other} is out of place: it is ${where}; move it`);
  }
  if (given.schedule !== undefined && !isObject(given.schedule)) {
    throw new RequestError(
      `study: ${what}.schedule is ${show(given.schedule)}; expected settings, such as { decay: linear }`,
    );
  }
  if (isObject(given.schedule) && Object.hasOwn(given.schedule, "rate")) {
    throw new RequestError(`study: ${what}.schedule.rate is one of rates, in turn; leave it out`);
  }
  return given;
}
