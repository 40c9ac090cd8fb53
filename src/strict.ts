// Settings as data, held to a schema: the first thing that is wrong becomes one line. Knows no particular settings.
import { z } from "zod";
import { RequestError } from "./errors.ts";
import { expectedOneOf, nearest } from "./nearest.ts";

export { expectedOneOf } from "./nearest.ts";

/** Sizes and counts stay within what kernels count with. */
const LARGEST = 2 ** 31 - 1;

/** A whole number from `least` (default 1) to `most` (default 2^31 - 1). */
export function wholeNumber(least = 1, most = LARGEST) {
  const atLeast = `expected a whole number of at least ${least}`;
  const atMost = `expected a whole number of at most ${most}`;
  // Numbers beyond what counts exactly are no whole numbers to a schema, and too large to whoever wrote them.
  const error = ({ input }: { readonly input?: unknown }) =>
    typeof input === "number" && input > most ? atMost : atLeast;
  return z.int({ error }).min(least, atLeast).max(most, atMost);
}

/** A finite number above 0. */
export function positiveNumber() {
  return z.number("expected a number above 0").positive("expected a number above 0");
}

/** A number from `least` up to but not including `end`. */
export function numberBetween(least: number, end: number) {
  const message = `expected a number of at least ${least} and below ${end}`;
  return z.number(message).min(least, message).lt(end, message);
}

/** A boolean. */
export function trueOrFalse() {
  return z.boolean("expected true or false");
}

/** One of some words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, { error: ({ input }) => expectedOneOf(input, words) });
}

/**
 * `value` as the flat object that `schema` describes, defaults filled in. `what` names the object in messages.
 * Errors: RequestError for the first key that is unknown (with the nearest known one), missing or wrong.
 */
export function parseStrict<Shape extends z.ZodRawShape>(
  what: string,
  schema: z.ZodObject<Shape>,
  value: unknown,
): z.infer<z.ZodObject<Shape>> {
  const parsed = strictly(schema).safeParse(value);
  if (parsed.success) return parsed.data as z.infer<z.ZodObject<Shape>>;
  const { issues } = parsed.error;
  // A mistyped key explains a missing one.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]!;
  const key = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    throw new RequestError(`${what}: ${unknownKey(issue.keys[0]!, Object.keys(schema.shape))}`);
  }
  if (key === "") throw new RequestError(`${what}: expected an object of settings, got ${show(value)}`);
  const given = issue.path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown>)?.[step], value);
  throw new RequestError(
    given === undefined
      ? `${what}: ${key} is missing; ${issue.message}`
      : `${what}: ${key} is ${show(given)}; ${issue.message}`,
  );
}

/** A schema takes long to make ready, and is asked again and again. */
const strict = new WeakMap<z.ZodObject, z.ZodObject>();

function strictly(schema: z.ZodObject): z.ZodObject {
  const known = strict.get(schema);
  if (known !== undefined) return known;
  const made = schema.strict();
  strict.set(schema, made);
  return made;
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  return `unknown key ${show(key)}; ${meant === null ? `expected one of ${known.join(", ")}` : `did you mean "${meant}"?`}`;
}

const LONGEST_SHOWN = 60;

/** A value as it stands in a message: JSON, cut after 60 characters. Any value, however large, deep or circular. */
export function show(value: unknown): string {
  const text = written(value, LONGEST_SHOWN);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN - 3)}...` : text;
}

/** A value as JSON; what comes after the first `room` characters may be left out. */
function written(value: unknown, room: number): string {
  if (room < 0) return "";
  if (typeof value === "string") return JSON.stringify(value.slice(0, room));
  if (typeof value !== "object" || value === null) return String(value);
  const isList = Array.isArray(value);
  let text = isList ? "[" : "{";
  let separator = "";
  for (const key of isList ? value.keys() : Object.keys(value)) {
    if (text.length > room) break;
    text += separator;
    if (!isList) text += `${JSON.stringify(String(key).slice(0, room))}:`;
    text += written((value as Record<PropertyKey, unknown>)[key], room - text.length);
    separator = ",";
  }
  return text + (isList ? "]" : "}");
}

/** The first thing that is wrong with a file's content, in one line: where and what. */
export function firstIssue({ issues }: z.ZodError): string {
  const { path, message } = issues[0]!;
  const text = path.length === 0 ? message : `${path.join(".")}: ${message}`;
  // A message can quote a key of the file, whatever that holds.
  return text.replace(/\p{Cc}+/gu, " ").slice(0, 200);
}
