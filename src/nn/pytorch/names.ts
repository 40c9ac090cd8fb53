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
 * and its `bias` belong to a module; `modules` are names in front that stay modules, so `filter.output.weight` may be
 * `filter.output.weight`.
 */
export function pytorchNames(
  parameters: Parameters,
  modules: readonly string[] = [],
): ReadonlyMap<string, PyTorchName> {
  return new Map(
    [...parameters].map(([name, declaration]) => {
      const module = modules.find((module) => name.startsWith(`${module}.`));
      const front = module === undefined ? "" : `${snakeCase(module)}.`;
      const inside = module === undefined ? name : name.slice(module.length + 1);
      const parts = inside.split(".");
      const last = parts.pop()!;
      const owner = parts.join(".");
      const sibling = (other: string) =>
        parameters.get([module, owner, other].filter((part) => part !== undefined && part !== "").join("."));
      const weight = sibling("weight");
      const isOwned =
        (last === "weight" && isModule(declaration)) ||
        (last === "scale" && owner !== "") ||
        (last === "bias" && ((weight !== undefined && isModule(weight)) || sibling("scale") !== undefined));
      const member = last === "scale" ? "weight" : last;
      const path = isOwned ? (owner === "" ? member : `${snakeCase(owner)}.${member}`) : snakeCase(inside);
      return [name, { name: front + path, transposed: last === "weight" && isLinear(declaration) }];
    }),
  );
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
