// The parameter sources of an architecture: from what was asked for to sources with all their settings. Knows no source.
import { RequestError } from "../errors.ts";
import type { SourceModule } from "../nn/sources/source.ts";
import { sources } from "../nn/sources/sources.ts";
import { expectedOneOf, show } from "../strict.ts";
import { parsePlace } from "./pattern.ts";

/** One source as it may be given: `ternary`, `lora(rank: 8)`, or settings under their names. */
export type SourceItem = string | Readonly<{ source: string } & Record<string, unknown>>;

/** A source's name and all its settings. */
export type SourceEntry = Readonly<{ source: string } & Record<string, unknown>>;

/** Settings `share` (those of the source of that name) and `sources`, as they were given. */
export function readSources(given: { readonly share?: unknown; readonly sources?: unknown }): SourceEntry[] {
  const { share = null, sources: others = [] } = given;
  if (!Array.isArray(others)) {
    throw new RequestError(
      `architecture: sources is ${show(others)}; expected a list of sources, such as ["lora(rank: 8)"]`,
    );
  }
  const entries: SourceEntry[] = [];
  for (const [i, item] of others.entries()) {
    const what = `architecture: sources[${i}]`;
    const entry = readSource(item, what);
    // Parameters of one name would belong to both.
    if (entries.some(({ source }) => source === entry.source)) {
      throw new RequestError(
        `${what}: ${entry.source} is one of the sources already; expected each at most once`,
      );
    }
    entries.push(entry);
  }
  if (share === null) return entries;
  if (typeof share !== "object" || Array.isArray(share)) {
    throw new RequestError(
      `architecture: share is ${show(share)}; expected settings such as {"period": 1, "norms": "individual"}`,
    );
  }
  if (entries.some(({ source }) => source === "share")) {
    throw new RequestError(
      "architecture: share is given, and is one of the sources too; leave out one of them",
    );
  }
  return [configured("share", share, "architecture"), ...entries];
}

function readSource(item: unknown, what: string): SourceEntry {
  if (typeof item === "string") {
    const { name, settings, instead } = parsePlace(item, what);
    if (instead !== undefined) {
      throw new RequestError(`${what} is ${show(item)}; expected one source, such as "lora(rank: 8)"`);
    }
    return configured(name, settings, what);
  }
  if (typeof item !== "object" || item === null || !("source" in item)) {
    throw new RequestError(`${what} is ${show(item)}; expected a source's name or { "source": name, ... }`);
  }
  const { source: name, ...settings } = item;
  return configured(name, settings, what);
}

function configured(name: unknown, settings: object, what: string): SourceEntry {
  const source = typeof name === "string" ? sources.get(name) : undefined;
  if (source === undefined) {
    throw new RequestError(`${what} is ${show(name)}; ${expectedOneOf(name, [...sources.keys()])}`);
  }
  return { source: source.name, ...source.configure(`${what}: ${source.name}`, settings).configuration };
}

/** The sources of a complete architecture. */
export function sourceModules(entries: readonly SourceEntry[]): SourceModule[] {
  return entries.map(({ source, ...settings }) =>
    sources.get(source)!.configure(`architecture: ${source}`, settings),
  );
}

/** Sources with all their settings: `share(groups: [2, 2], norms: individual), lora(rank: 8)`. */
export function printSources(entries: readonly SourceEntry[]): string {
  return entries
    .map(({ source, ...settings }) => {
      const shown = Object.entries(settings).map(([key, value]) => `${key}: ${printSetting(value)}`);
      return shown.length === 0 ? source : `${source}(${shown.join(", ")})`;
    })
    .join(", ");
}

function printSetting(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(", ")}]` : String(value);
}
