// What a way of making new parameters is: what it can grow, what it promises, what it needs. Knows no particular one.
import type { ForwardOptions } from "../../architecture/forward.ts";
import type { Architecture } from "../../architecture/schema.ts";
import type { Machine } from "../../backend/machine.ts";
import type { ParameterSource } from "../../nn/parameters.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { GrowthNote, NamedTensors } from "../grow.ts";
import type { GrowthPlan } from "../plan.ts";
import type { GrowthStep } from "../steps.ts";
import type { FloatNumbers } from "../tensor.ts";

/** What a network is trained for, for methods that look at gradients. */
export interface GrowthTask {
  /** What computes the gradients. */
  readonly machine: Machine;
  /** Mean loss (nats, f32 []) of a batch, whose values are inputs of the graph under the names of `batchAt`. */
  loss(architecture: Architecture, source: ParameterSource, options?: ForwardOptions): Tensor;
  /** Values of batch `step` (from 0), row-major, by name. */
  batchAt(step: number): Readonly<Record<string, ArrayLike<number>>>;
}

/** What a method is given beside the network and the steps. */
export interface MethodContext {
  /** Of everything that is drawn. */
  readonly seed: number;
  /** Signal over noise (dB) of what is added to copies; absent: nothing is. */
  readonly noise?: number | undefined;
  /** Needed by methods with `needs: "data"`. */
  readonly task?: GrowthTask | undefined;
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
}

/** A larger network and how it came about. */
export interface GrownBy<N extends FloatNumbers = FloatNumbers> extends GrowingNetwork<N> {
  readonly steps: readonly GrownStep[];
}

/** A way of making new parameters. */
export interface GrowthMethod {
  readonly name: string;
  /** One line, for lists. */
  readonly summary: string;
  /** Steps that it can take. */
  readonly grows: readonly GrowthStep["grow"][];
  /** Whether the larger network computes what the smaller one did, up to rounding. */
  readonly preserves: boolean;
  /** New units may equal old ones and get equal gradients, unless noise tells them apart. */
  readonly twins: boolean;
  /** What it cannot do without. */
  readonly needs: "nothing" | "data";
  /** Errors: RequestError, one line, for a network or a size that it cannot make. */
  grow<N extends FloatNumbers>(
    network: GrowingNetwork<N>,
    steps: readonly GrowthStep[],
    context: MethodContext,
  ): GrownBy<N>;
}

/** A network after each step in turn. */
export function growInSteps<N extends FloatNumbers>(
  network: GrowingNetwork<N>,
  steps: readonly GrowthStep[],
  grow: (network: GrowingNetwork<N>, step: GrowthStep) => GrowingNetwork<N> & Omit<GrownStep, "step">,
): GrownBy<N> {
  let { architecture, values } = network;
  const made = steps.map((step): GrownStep => {
    const { architecture: larger, values: made, ...how } = grow({ architecture, values }, step);
    [architecture, values] = [larger, made];
    return { step, ...how };
  });
  return { architecture, values, steps: made };
}
