// Option values from text: each gives the value or an error that says what was expected. Knows no command.

import { InvalidArgumentError } from "commander";

/** A whole number of at least `least`; 12, 3e5, 20k, 1.5M and 7B are read. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = scaled(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Expected a whole number of at least ${least}.`);
  };
}

/** Whole numbers of at least `least`, separated by commas; each once. */
export function wholeNumbers(least: number): (text: string) => number[] {
  const one = wholeNumber(least);
  return (text) => [...new Set(text.split(",").map(one))];
}

/** Whole numbers of at least `least`, separated by commas, in their order. */
export function wholeNumberList(least: number): (text: string) => number[] {
  const one = wholeNumber(least);
  return (text) => text.split(",").map(one);
}

/** Names separated by commas, each once. */
export function names(text: string): string[] {
  const found = new Set(text.split(",").map((name) => name.trim()));
  if (!found.has("")) return [...found];
  throw new InvalidArgumentError("Expected names separated by commas.");
}

/** A number above `above` and, where given, below `below`. */
export function numberBetween(above: number, below = Number.POSITIVE_INFINITY): (text: string) => number {
  return (text) => {
    const value = scaled(text);
    if (value > above && value < below) return value;
    const upper = Number.isFinite(below) ? ` and below ${below}` : "";
    throw new InvalidArgumentError(`Expected a number above ${above}${upper}.`);
  };
}

/** A number of at least `least`. */
export function numberFrom(least: number): (text: string) => number {
  return (text) => {
    const value = scaled(text);
    if (value >= least && value < Number.POSITIVE_INFINITY) return value;
    throw new InvalidArgumentError(`Expected a number of at least ${least}.`);
  };
}

/** Sizes under their names: state=32,rank=8. */
export function sizes(text: string): Record<string, number> {
  return Object.fromEntries(
    text.split(",").map((part) => {
      const [, key, value] = /^([A-Za-z][\w-]*)=(\d+)$/.exec(part.trim()) ?? [];
      if (key === undefined) throw new InvalidArgumentError("Expected settings such as state=32,rank=8.");
      return [key, wholeNumber(1)(value!)];
    }),
  );
}

const memoryUnits: Readonly<Record<string, number>> = {
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Bytes of an amount of memory with its unit: 900MB, 8GB, 7.5GiB. */
export function memorySize(text: string): number {
  const found = /^(\d+(?:\.\d+)?)\s*([kmgt]i?b)$/i.exec(text.trim());
  const bytes = found === null ? 0 : Math.floor(Number(found[1]) * memoryUnits[found[2]!.toLowerCase()]!);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new InvalidArgumentError("Expected an amount of memory with its unit, such as 900MB, 8GB or 7.5GiB.");
}

/** A number above 0, at most 1. */
export function share(text: string): number {
  const value = scaled(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError("Expected a number above 0 and at most 1.");
}

const suffixes: Readonly<Record<string, number>> = { "": 1, k: 1e3, M: 1e6, G: 1e9, B: 1e9, T: 1e12 };

function scaled(text: string): number {
  const found = /^([+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?|[+-]?\.\d+(?:e[+-]?\d+)?)([kMGBT]?)$/.exec(text.trim());
  if (found === null) return Number.NaN;
  // 1.1M must not become 1100000.0000000002.
  const value = Number(found[1]) * suffixes[found[2]!]!;
  return Math.abs(value - Math.round(value)) < 1e-9 * Math.abs(value) ? Math.round(value) : value;
}
