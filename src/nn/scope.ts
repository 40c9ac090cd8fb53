// What a primitive sees of the model around it: its own parameters by name, chance while training, and where it may drop
// out, be observed, or add to the loss.
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
  readonly isTraining: boolean;
  /** A key u32 [2] that nothing else has, new at every step, while training; otherwise undefined. */
  randomKey(): Tensor | undefined;
  /** Adds a number (f32 [], nats) to the loss that is trained on; evaluations leave it out. */
  loss(name: string, value: Tensor): void;
  /** Tells of a small tensor f32 [...] that training logs: a mean over tokens, so that parts of a batch can be averaged. */
  statistic(name: string, value: Tensor): void;
}

export interface ScopeOptions {
  readonly source: ParameterSource;
  readonly observe?: ((name: string, tensor: Tensor) => void) | undefined;
  /** A key u32 [2] that is new at every step; absent: the model is not being trained, and nothing is left to chance. */
  readonly key?: Tensor | undefined;
  /** Rate of dropout while training. Default 0. */
  readonly dropout?: number | undefined;
  readonly loss?: ((name: string, value: Tensor) => void) | undefined;
  readonly statistic?: ((name: string, value: Tensor) => void) | undefined;
}

export function rootScope(options: ScopeOptions): Scope {
  let places = 0;
  const { key, dropout: rate = 0 } = options;
  const randomKey = (): Tensor | undefined => key && foldIn(key, places++);
  const drop = (x: Tensor): Tensor => {
    const own = rate === 0 ? undefined : randomKey();
    return own === undefined ? x : dropout(x, own, rate);
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
      isTraining: key !== undefined,
      randomKey,
      loss: (name, value) => options.loss?.(join(name), value),
      statistic: (name, value) => options.statistic?.(join(name), value),
    };
  };
  return scopeAt("");
}
