// What parameters of a model are called in its PyTorch form, and which are stored the other way round. Knows no primitive.
import type { ParameterDeclaration, Parameters } from "../parameters.ts";

/** A parameter in the PyTorch form of a model. */
export interface PyTorchName {
  readonly name: string;
  /** A matrix [K, P] that PyTorch keeps as [P, K]. */
  readonly transposed: boolean;
}

/**
 * Names of the parameters of one part, by their names inside it. Parts of a name are joined by underscores in snake case:
 * `query.norm.scale` is the `weight` of a module `query_norm`, `share` of `key` is `key_share`. The matrix `weight` of a linear map
 * and its `bias` belong to a module. `modules` are names in front that stay modules, as `filter` in `filter.output.weight` or
 * `paths.0`; of several the longest counts.
 */
export function pytorchNames(
  parameters: Parameters,
  modules: readonly string[] = [],
): ReadonlyMap<string, PyTorchName> {
  const longestFirst = modules.toSorted((a, b) => b.length - a.length);
  const moduleOf = (name: string) => longestFirst.find((module) => name.startsWith(`${module}.`));
  const parts = new Map<string, Map<string, ParameterDeclaration>>();
  for (const [name, declaration] of parameters) {
    const module = moduleOf(name);
    const front = module === undefined ? "" : `${module}.`;
    if (!parts.has(front)) parts.set(front, new Map());
    parts.get(front)!.set(name.slice(front.length), declaration);
  }
  return new Map(
    [...parts].flatMap(([front, inside]) =>
      [...inside].map(([name, declaration]): [string, PyTorchName] => {
        const called = front.split(".").map(snakeCase).join(".");
        const transposed = name.endsWith("weight") && isLinear(declaration);
        return [front + name, { name: `${called}${memberName(name, inside)}`, transposed }];
      }),
    ),
  );
}

/** `up.weight` where it is part of a linear map or a norm, `up_weight` where it stands alone. */
function memberName(name: string, parameters: Parameters): string {
  const dot = name.lastIndexOf(".");
  const [owner, last] = [name.slice(0, Math.max(0, dot)), name.slice(dot + 1)];
  const beside = (other: string) => parameters.get(owner === "" ? other : `${owner}.${other}`);
  const weight = beside("weight");
  const isMapped = weight !== undefined && isModule(weight);
  const isNorm = owner !== "" && beside("scale") !== undefined;
  const isOwned =
    (last === "weight" && isMapped) ||
    (last === "scale" && isNorm) ||
    (last === "bias" && (isMapped || isNorm));
  if (!isOwned || owner === "") return snakeCase(name);
  return `${snakeCase(owner)}.${last === "scale" ? "weight" : last}`;
}

/** Weights of more axes are those of several maps at once. */
const isModule = ({ shape }: ParameterDeclaration): boolean => shape.length === 2;

/** The filters of short convolutions are matrices, too, but multiply nothing. */
const isLinear = (declaration: ParameterDeclaration): boolean =>
  isModule(declaration) && (declaration.role === "hidden" || declaration.role === "head");

/** `readNorm`, `moe-mlp`, `query.norm` → `read_norm`, `moe_mlp`, `query_norm`. */
export function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[.-]/g, "_")
    .toLowerCase();
}
