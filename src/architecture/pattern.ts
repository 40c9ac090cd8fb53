// The pattern language of stripes: `[hyena, swiglu] × 3`, `[attention] + [hyena | attention 1/4 at 4, swiglu] × 8`,
// `attention(heads: 8, window: 32)`. Text to primitives in order; knows no primitive.
//
//   pattern   = group { "+" group }
//   group     = ( list | place ) [ "×" count ]              x and * stand for × as well
//   list      = "[" place { "," place } "]"
//   place     = primitive [ "|" primitive "1/" n [ "at" k ] ] | list [ "×" count ]
//   primitive = name [ "(" [ key ":" value { "," key ":" value } ] ")" ]
import { RequestError } from "../errors.ts";
import { show } from "../strict.ts";

/** A primitive as it was asked for. */
export interface PatternItem {
  readonly name: unknown;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A place of a period: a primitive, and perhaps another one that stands in for it in each `every`-th repetition. */
export interface Place extends PatternItem {
  readonly instead?: { readonly item: PatternItem; readonly every: number; readonly at: number };
}

export interface Pattern {
  readonly first: readonly PatternItem[];
  readonly stripe: readonly PatternItem[];
  readonly repeat: number;
  readonly last: readonly PatternItem[];
}

/** More would take longer to plan than anybody waits. */
export const MOST_PRIMITIVES = 10_000;
const LONGEST_TEXT = 20_000;
const DEEPEST_LIST = 8;

interface Group {
  readonly places: readonly Place[];
  readonly count: number | undefined;
}

/**
 * The parts of a pattern. The group with a count is the repeated stripe (of several, the longest one); what is before
 * and after it stands once. `repeat` is given where the pattern itself has no count.
 * Errors: RequestError, begun by `what`, that quotes the text at the place of the error.
 */
export function parsePattern(text: string, repeat: number | undefined, what: string): Pattern {
  if (text.length > LONGEST_TEXT) {
    throw new RequestError(`${what} has ${text.length} characters; expected at most ${LONGEST_TEXT}`);
  }
  const groups = readGroups(text, what);
  const counted = groups.filter(({ count }) => count !== undefined);
  if (counted.length > 0 && repeat !== undefined) {
    throw new RequestError(
      `${what} says itself how often it is repeated, and so does repeat or layers (${repeat}); leave out one of them`,
    );
  }
  if (counted.length === 0) {
    return {
      first: [],
      ...repeatPlaces(
        groups.flatMap(({ places }) => places),
        repeat,
        what,
      ),
      last: [],
    };
  }
  const size = ({ places, count }: Group) => places.length * count!;
  const main = counted.reduce((best, group) => (size(group) > size(best) ? group : best));
  const at = groups.indexOf(main);
  const whole = (some: readonly Group[]) =>
    some.flatMap(({ places, count }) => written(places, count ?? 1, what));
  const pattern = {
    first: whole(groups.slice(0, at)),
    ...repeatPlaces(main.places, main.count, what),
    last: whole(groups.slice(at + 1)),
  };
  requireFew(pattern.first.length + pattern.last.length + pattern.stripe.length * pattern.repeat, what);
  return pattern;
}

/** One place, as it stands in a list of a file. */
export function parsePlace(text: string, what: string): Place {
  const groups = readGroups(text.slice(0, LONGEST_TEXT), what);
  const [group] = groups;
  if (groups.length !== 1 || group!.places.length !== 1 || group!.count !== undefined) {
    throw new RequestError(`${what} is ${show(text)}; expected one primitive, such as "attention(heads: 8)"`);
  }
  return group!.places[0]!;
}

/** Places repeated `count` times, as a period without alternatives. Without a count: once through all of them. */
export function repeatPlaces(
  places: readonly Place[],
  count: number | undefined,
  what: string,
): Pick<Pattern, "stripe" | "repeat"> {
  const period = places.reduce((all, { instead }) => leastCommonMultiple(all, instead?.every ?? 1), 1);
  requireFew(period * places.length, what);
  const repetitions = count ?? period;
  if (repetitions % period !== 0) {
    const below = repetitions - (repetitions % period);
    const choices = below === 0 ? `${period}` : `${below} or ${below + period}`;
    throw new RequestError(
      `${what}: a pattern that comes round after ${period} repetitions never fits evenly into ${repetitions}; ` +
        `expected a multiple of ${period}, such as ${choices}`,
    );
  }
  const stripe = Array.from({ length: period }, (_, repetition) =>
    places.map(({ name, settings, instead }) =>
      instead !== undefined && repetition % instead.every === instead.at - 1
        ? instead.item
        : { name, settings },
    ),
  ).flat();
  return { stripe, repeat: repetitions / period };
}

function written(places: readonly Place[], count: number, what: string): PatternItem[] {
  const { stripe, repeat } = repeatPlaces(places, count, what);
  requireFew(stripe.length * repeat, what);
  return Array.from({ length: repeat }, () => stripe).flat();
}

function requireFew(primitives: number, what: string): void {
  if (primitives <= MOST_PRIMITIVES) return;
  throw new RequestError(`${what} makes ${primitives} primitives; expected at most ${MOST_PRIMITIVES}`);
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

// "x12" after a list or a primitive is a count.
const tokenPattern =
  /\s*(?:((?=[xX]\d)(?<=[\])]\s*|\w\s+)[xX]|[A-Za-z_][\w-]*|[×*])|(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)|"([^"]*)"|([[\](),:|/+]))/y;

interface Token {
  readonly kind: "word" | "number" | "string" | "sign" | "end";
  readonly text: string;
  readonly at: number;
}

function tokenize(text: string, what: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const end = text.trimEnd().length;
  while (at < end) {
    tokenPattern.lastIndex = at;
    const found = tokenPattern.exec(text);
    if (found === null) {
      throw new RequestError(`${what}: ${show(text.slice(at).trim())} was not understood; expected ${FORM}`);
    }
    const [, word, number, string, sign] = found;
    const kind =
      word !== undefined
        ? "word"
        : number !== undefined
          ? "number"
          : string !== undefined
            ? "string"
            : "sign";
    tokens.push({ kind, text: (word ?? number ?? string ?? sign)!, at });
    at = tokenPattern.lastIndex;
  }
  return [...tokens, { kind: "end", text: "", at: text.length }];
}

const FORM = "a pattern such as [hyena, swiglu, attention, swiglu] × 3";

/** Reads the whole text. */
function readGroups(text: string, what: string): Group[] {
  const tokens = tokenize(text, what);
  let next = 0;
  const peek = () => tokens[next]!;
  const isSign = (sign: string) => peek().kind === "sign" && peek().text === sign;
  const accept = (sign: string) => isSign(sign) && next++ >= 0;
  const fail = (expected: string): never => {
    const rest = text.slice(peek().at).trim();
    const where = rest === "" ? "at its end" : `at ${show(rest)}`;
    throw new RequestError(`${what}: ${where}, expected ${expected}`);
  };
  const expectSign = (sign: string, instead = `"${sign}"`) => void (accept(sign) || fail(instead));

  function whole(expected: string): number {
    const { kind, text: digits } = peek();
    const value = Number(digits);
    if (kind !== "number" || !Number.isSafeInteger(value) || value < 1) fail(expected);
    next++;
    return value;
  }

  function count(): number | undefined {
    const { kind, text: word } = peek();
    if (kind !== "word" || !["×", "x", "X", "*"].includes(word)) return undefined;
    next++;
    return whole("a whole number of repetitions, at least 1");
  }

  function value(): unknown {
    const { kind, text: word } = peek();
    if (kind === "sign" || kind === "end") fail("a number, a word, true, false or null");
    next++;
    if (kind === "number") return Number(word);
    if (kind === "string") return word;
    return word === "true" ? true : word === "false" ? false : word === "null" ? null : word;
  }

  function primitive(): PatternItem {
    const { kind, text: name } = peek();
    if (kind !== "word") fail("a primitive's name");
    next++;
    const settings: Record<string, unknown> = {};
    if (!accept("(")) return { name, settings };
    while (!accept(")")) {
      const key = peek();
      if (key.kind !== "word") fail("a setting's name");
      next++;
      if (Object.hasOwn(settings, key.text)) {
        throw new RequestError(`${what}: ${name} has ${show(key.text)} twice; leave one out`);
      }
      expectSign(":");
      Object.defineProperty(settings, key.text, { value: value(), enumerable: true });
      if (!isSign(")")) expectSign(",", '"," or ")"');
    }
    return { name, settings };
  }

  function place(): Place {
    const item = primitive();
    if (!accept("|")) return item;
    const other = primitive();
    const share = 'a share such as "1/4"';
    if (whole(share) !== 1) fail(share);
    expectSign("/", share);
    const every = whole(share);
    let at = every;
    if (peek().kind === "word" && peek().text === "at") {
      next++;
      at = whole("a place of at least 1");
    }
    if (at > every) {
      throw new RequestError(`${what}: one in ${every} at ${at}; expected a place from 1 to ${every}`);
    }
    return { ...item, instead: { item: other, every, at } };
  }

  function list(depth: number): Place[] {
    if (depth > DEEPEST_LIST) {
      throw new RequestError(`${what} has lists more than ${DEEPEST_LIST} deep; write them out`);
    }
    const places: Place[] = [];
    do {
      if (accept("[")) {
        const inner = list(depth + 1);
        places.push(...written(inner, count() ?? 1, what));
      } else places.push(place());
      requireFew(places.length, what);
    } while (accept(","));
    expectSign("]", '"," or "]"');
    return places;
  }

  const groups: Group[] = [];
  do {
    const places = accept("[") ? list(1) : [place()];
    groups.push({ places, count: count() });
  } while (accept("+"));
  if (peek().kind !== "end")
    fail(`"+", "× n" or the end${isSign(",") ? "; a list stands in brackets, as in [attention, gelu]" : ""}`);
  return groups;
}
