// What a primitive sees of the model around it: its own parameters by name, and where it may drop out or be observed.
// Knows no primitive.
import { dropout, foldIn } from "../tensor/ops/random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { ParameterDeclaration, ParameterSource } from "./parameters.ts";

/** What a primitive sees of the model around it. */
export interface Scope {
  /** Dotted path of the module, "" at the root. */
  readonly path: string;
  /** The parameter of a name, the same tensor whenever it is asked for. */
  parameter(name: string, declaration: ParameterDeclaration): Tensor;
  /** The scope of a part of this module. */
  within(name: string): Scope;
  /** Tells whoever listens that `tensor` is this module's `name`; returns it. */
  observe(name: string, tensor: Tensor): Tensor;
  /** Drops elements while training; otherwise gives `x` itself. */
  dropout(x: Tensor): Tensor;
}

export interface ScopeOptions {
  readonly source: ParameterSource;
  readonly observe?: ((name: string, tensor: Tensor) => void) | undefined;
  /** Rate, and a key u32 [2] that is new at every step; absent: nothing is dropped. */
  readonly dropout?: { readonly rate: number; readonly key: Tensor } | undefined;
}

export function rootScope(options: ScopeOptions): Scope {
  let places = 0;
  const drop = (x: Tensor): Tensor => {
    if (options.dropout === undefined || options.dropout.rate === 0) return x;
    return dropout(x, foldIn(options.dropout.key, places++), options.dropout.rate);
  };
  const scopeAt = (path: string): Scope => {
    const join = (name: string) => (path === "" ? name : `${path}.${name}`);
    return {
      path,
      parameter: (name, declaration) => options.source.parameter(join(name), declaration),
      within: (name) => scopeAt(join(name)),
      observe: (name, tensor) => {
        options.observe?.(join(name), tensor);
        return tensor;
      },
      dropout: drop,
    };
  };
  return scopeAt("");
}
