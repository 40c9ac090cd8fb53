// What an optimiser is: a graph function on one parameter's value, gradient and state. Knows no particular one.
import type { ParameterDeclaration } from "../nn/parameters.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The parameter as the optimiser sees it. */
export interface OptimizedParameter extends ParameterDeclaration {
  readonly name: string;
  /** Whether weight decay applies to it. */
  readonly decays: boolean;
  /** Of its parametrisation; absent: all are 1. */
  readonly factors?: OptimizerFactors;
}

/** What settings of the optimiser are multiplied by for one parameter. */
export interface OptimizerFactors {
  readonly rate: number;
  readonly weightDecay: number;
  readonly epsilon: number;
}

export interface ParameterUpdate {
  readonly value: Tensor;
  /** New states, under the names of `states`. */
  readonly states: Readonly<Record<string, Tensor>>;
}

export interface Optimizer {
  /** All settings, defaults filled in. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Names of the states kept for a parameter; each has the parameter's shape and begins at zeros. */
  states(parameter: OptimizedParameter): readonly string[];
  /** Of each state, the power of the gradient that it is a mean or sum of. */
  readonly powers: Readonly<Record<string, 1 | 2>>;
  /**
   * Run-time scalars of the n-th update (from 1) at a learning rate; always the same names. What differs from one update to
   * the next becomes smaller.
   */
  scalars(update: number, rate: number): Readonly<Record<string, number>>;
  /** The graph of one update; `scalars` are f32 [], or of the parameter's shape where entries have had different numbers of updates. */
  update(
    parameter: OptimizedParameter,
    value: Tensor,
    gradient: Tensor,
    states: Readonly<Record<string, Tensor>>,
    scalars: Readonly<Record<string, Tensor>>,
  ): ParameterUpdate;
}
