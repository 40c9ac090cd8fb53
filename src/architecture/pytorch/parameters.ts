// What every stored parameter of an architecture is called in its PyTorch file. Knows no primitive and prints nothing.
import type { ParameterDeclaration, Parameters } from "../../nn/parameters.ts";
import { type PyTorchName, pytorchNames, snakeCase } from "../../nn/pytorch/names.ts";
import type { Origins } from "./origins.ts";

/** The modules of the ends that are called otherwise there. */
const ends: Readonly<Record<string, string>> = {
  "embedding.tokens": "tokens.weight",
  "embedding.positions": "positions",
  "embedding.class": "class_token",
  "embedding.types": "token_types",
};

/** A place of a stripe as names of parameters have it: `block.3.` or `first.`, its name, and what is inside. */
const inPlace = /^(block\.\d+|first|last)\.(between\.\d+|[^.]+)\.(.+)$/s;

/**
 * What primitives ask for, by its names there. `modules`: parts of the primitive at a place (by block and name) that are modules
 * of their own.
 */
export function askedNames(
  asked: Parameters,
  modules: (path: string, place: string) => readonly string[],
): ReadonlyMap<string, PyTorchName> {
  const parts = new Map<string, { path: string; place: string; inside: Map<string, ParameterDeclaration> }>();
  for (const [name, declaration] of asked) {
    const [, path = "", place = "", inside = name] = inPlace.exec(name) ?? [];
    const part = `${path} ${place}`;
    if (!parts.has(part)) parts.set(part, { path, place, inside: new Map() });
    parts.get(part)!.inside.set(inside, declaration);
  }
  const found = new Map<string, PyTorchName>();
  for (const { path, place, inside } of parts.values()) {
    const full = (name: string) => (path === "" ? name : `${path}.${place}.${name}`);
    const names = pytorchNames(inside, path === "" ? [] : modules(path, place));
    for (const [name, { name: own, transposed }] of names) {
      const called = path === "" ? (ends[name] ?? own) : `${blockPath(path)}.${inBlock(place, own)}`;
      found.set(full(name), { name: called, transposed });
    }
  }
  return found;
}

/** The stored parameters: those of shared blocks under the name of the first, what sources keep inside of what computes. */
export function storedNames(
  { origins }: Origins,
  asked: ReadonlyMap<string, PyTorchName>,
): ReadonlyMap<string, PyTorchName> {
  const found = new Map<string, PyTorchName>();
  const set = (stored: string, name: PyTorchName) => {
    if (!found.has(stored)) found.set(stored, name);
  };
  for (const [own, { owner, isStored, steps }] of origins) {
    const { name, transposed } = asked.get(own)!;
    const dot = name.lastIndexOf(".");
    const computed = `${name.slice(0, dot)}.parametrizations${name.slice(dot)}`;
    if (isStored && owner === own) {
      set(own, { name: steps.length === 0 ? name : `${computed}.original`, transposed });
    }
    for (const [i, { form, parameters }] of steps.entries()) {
      for (const [k, parameter] of parameters.entries()) {
        const member = form.members[k]!;
        const at = form.inModel === true ? member : `${computed}.${i}.source.${member}`;
        set(parameter, { name: at, transposed: false });
      }
    }
  }
  return found;
}

/** The norm of a place stands beside its primitive. */
function inBlock(place: string, name: string): string {
  const between = /^between\.(\d+)$/.exec(place);
  // The first application of a block has no map in front of it.
  if (between !== null) return `between.${Number(between[1]) - 1}.${name}`;
  const attribute = attributeOf(place);
  return name.startsWith("norm.") ? `${attribute}_${name}` : `${attribute}.${name}`;
}

/** `block.3` → `blocks.3`. */
const blockPath = (path: string): string => path.replace(/^block\./, "blocks.");

const taken = new Set(
  "and as assert async await break class def del elif else except for from global if import in is lambda not or pass raise return try while with yield apply bfloat16 bool buffers children compile cpu cuda double dump_patches eval float forward half modules parameters share_memory to train training type".split(
    " ",
  ),
);

/** What a place of a block is called in Python. */
export function attributeOf(place: string): string {
  const name = snakeCase(place);
  return taken.has(name) ? `${name}_` : name;
}
