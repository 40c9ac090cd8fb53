// What every stored parameter of an architecture is called in its PyTorch file, and which blocks have parameters of earlier
// ones. Knows no primitive and prints nothing.
import { RequestError } from "../../errors.ts";
import { inputSource, type ParameterDeclaration, type Parameters } from "../../nn/parameters.ts";
import { type PyTorchName, pytorchNames, snakeCase } from "../../nn/pytorch/names.ts";
import { plainParameters, withSources } from "../forward.ts";
import type { Architecture } from "../schema.ts";

/** The modules of the ends that are called otherwise there. */
const ends: Readonly<Record<string, string>> = {
  "embedding.tokens": "tokens.weight",
  "embedding.positions": "positions",
  "embedding.class": "class_token",
  "embedding.types": "token_types",
};

/** A place of a stripe as names of parameters have it: `block.3.` or `first.`, its name, and what is inside. */
const inPlace = /^(block\.\d+|first|last)\.([^.]+)\.(.+)$/s;

/** What primitives ask for, and under which name it is stored. */
export interface StoredParameters {
  readonly asked: Parameters;
  readonly stored: ReadonlyMap<string, string>;
}

/** By stored names. `modules`: parts of the primitive at a place (by block and name) that are modules of their own. */
export function pytorchParameters(
  { asked, stored }: StoredParameters,
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
      if (stored.get(full(name)) !== full(name)) continue;
      const called = path === "" ? (ends[name] ?? own) : `${blockPath(path)}.${inBlock(place, own)}`;
      found.set(full(name), { name: called, transposed });
    }
  }
  return found;
}

/** The norm of a place stands beside its primitive. */
function inBlock(place: string, name: string): string {
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

/** Errors: RequestError where what primitives ask for is not a parameter as it is stored. */
export function storedParameters(architecture: Architecture): StoredParameters {
  const source = inputSource();
  const seen = withSources(architecture, source);
  const asked = plainParameters(architecture);
  const given = [...asked].map(([name, declaration]) => [name, seen.parameter(name, declaration)] as const);
  const names = new Map([...source.tensors].map(([name, tensor]) => [tensor, name]));
  const stored = given.map(([name, tensor]): [string, string] => {
    const found = names.get(tensor);
    if (found === undefined) throw computed(architecture);
    return [name, found];
  });
  return { asked, stored: new Map(stored) };
}

function computed({ sources }: Architecture): RequestError {
  return new RequestError(
    `export: sources ${sources.map(({ source }) => source).join(", ")} compute weights from others, which the PyTorch file ` +
      "cannot; only share can be exported there, leave out the others or export --to onnx",
  );
}

/** Modules of the repeated blocks (`attention`, `attention_norm`) whose parameters are those of an earlier block. */
export interface SharedModules {
  readonly attributes: readonly string[];
  /** For each block the one that has its parameters. */
  readonly firsts: readonly number[];
}

/** Undefined where every block has its own. */
export function sharedModules(
  { stored }: StoredParameters,
  { repeat }: Architecture,
): SharedModules | undefined {
  const firsts = Array.from({ length: repeat }, (_, block) => block);
  const attributes = new Set<string>();
  for (const [name, other] of stored) {
    if (name === other) continue;
    const [, path = "", place = "", inside = ""] = inPlace.exec(name) ?? [];
    firsts[numberOf(path)] = numberOf(inPlace.exec(other)?.[1] ?? "");
    attributes.add(`${attributeOf(place)}${inside.startsWith("norm.") ? "_norm" : ""}`);
  }
  return attributes.size === 0 ? undefined : { attributes: [...attributes], firsts };
}

const numberOf = (path: string): number => Number(path.slice("block.".length));
