// What a way of making new parameters is: what it can grow, what it promises, what it needs. Knows no particular one.
import type { Architecture } from "../../architecture/schema.ts";
import type { Executable, Machine, Store } from "../../backend/machine.ts";
import type { ParameterSource } from "../../nn/parameters.ts";
import type { Module } from "../../nn/primitive.ts";
import type { Scope } from "../../nn/scope.ts";
import type { Program } from "../../tensor/program.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { GrowthNote, NamedTensors } from "../grow.ts";
import type { Masks } from "../masks.ts";
import type { GrowthPlan } from "../plan.ts";
import type { GrowthStep } from "../steps.ts";
import type { FloatNumbers } from "../tensor.ts";

/** The data that a network is trained on, for methods that look at it. */
export interface GrowthData {
  /** What computes on it. */
  readonly machine: Machine;
  /** Mean over the scored answers of a batch (f32 [], nats) of a network with those parameters; the batch is inputs of the graph. */
  loss(
    architecture: Architecture,
    parameters: ParameterSource,
    options?: {
      /** Stands in for a module at the scope of each place. */
      readonly apply?: (module: Module, scope: Scope, x: Tensor) => Tensor;
    },
  ): Tensor;
  /** Writes the n-th batch (from 0) to what the store has of a loss's inputs. */
  write(store: Store, n: number): void;
  /**
   * Makes room for a program's inputs, and plans it. Errors: RequestError where there is not memory enough; nothing has been
   * allocated then.
   */
  load(store: Store, of: Program): Executable;
}

/** What a method is given beside the network and the steps. */
export interface MethodContext {
  /** Of everything that is drawn. */
  readonly seed: number;
  /** Signal over noise (dB) of what is added to copies; absent: nothing is. */
  readonly noise?: number | undefined;
  /** Aborted: what it was aborted with is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** Numbers of one format with the architecture that they are parameters of. */
export interface GrowingNetwork<N extends FloatNumbers = FloatNumbers> {
  readonly architecture: Architecture;
  readonly values: NamedTensors<N>;
}

/** What was done in one step of growing. */
export interface GrownStep {
  readonly step: GrowthStep;
  readonly notes: readonly GrowthNote[];
  /** What becomes of what an optimiser remembers; absent: it begins anew. */
  readonly plan?: GrowthPlan;
  /** What else there is to tell, one line each. */
  readonly told?: readonly string[];
}

/** A larger network and how it came about. */
export interface GrownBy<N extends FloatNumbers = FloatNumbers> extends GrowingNetwork<N> {
  readonly steps: readonly GrownStep[];
  /** Masks that the network is seen through, and its numbers behind them; absent: none. */
  readonly masked?: { readonly masks: Masks; readonly values: NamedTensors<N> };
  /** Training FLOPs that it took; absent: none. */
  readonly flops?: number;
}

/** What a method says of itself. */
export interface MethodDescription {
  readonly name: string;
  /** One line, for lists. */
  readonly summary: string;
  /** Steps that it can take. */
  readonly grows: readonly GrowthStep["grow"][];
  /** Whether the larger network computes what the smaller one did, up to rounding. */
  readonly preserves: boolean;
  /** New units may equal old ones and get equal gradients, unless noise tells them apart. */
  readonly twins: boolean;
  /** New parts begin behind masks that rise while the network is trained; absent: they do not. */
  readonly masks?: true;
}

/** A way of making new parameters out of the network alone. */
export interface CopyingMethod extends MethodDescription {
  readonly needsData: false;
  /** Errors: RequestError, one line, for a network or a size that it cannot make. */
  grow<N extends FloatNumbers>(
    network: GrowingNetwork<N>,
    steps: readonly GrowthStep[],
    context: MethodContext,
  ): GrownBy<N>;
}

/** A way of making new parameters that looks at the data, too. */
export interface LearningMethod extends MethodDescription {
  readonly needsData: true;
  /** Errors: RequestError, one line, for a network or a size that it cannot make. */
  grow<N extends FloatNumbers>(
    network: GrowingNetwork<N>,
    steps: readonly GrowthStep[],
    context: MethodContext,
    data: GrowthData,
  ): Promise<GrownBy<N>>;
}

/** A way of making new parameters. */
export type GrowthMethod = CopyingMethod | LearningMethod;

/** What one step made. */
export type GrownAlone<N extends FloatNumbers> = GrowingNetwork<N> & Omit<GrownStep, "step">;

/** A network after each step in turn. */
export function growInSteps<N extends FloatNumbers>(
  network: GrowingNetwork<N>,
  steps: readonly GrowthStep[],
  grow: (network: GrowingNetwork<N>, step: GrowthStep) => GrownAlone<N>,
): GrownBy<N> {
  let { architecture, values } = network;
  const made = steps.map((step): GrownStep => {
    const { architecture: larger, values: found, ...how } = grow({ architecture, values }, step);
    [architecture, values] = [larger, found];
    return { step, ...how };
  });
  return { architecture, values, steps: made };
}
