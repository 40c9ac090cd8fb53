// What a way of making new parameters is: what it can grow, what it promises, what it needs. Knows no particular one.
import type { Architecture } from "../../architecture/schema.ts";
import type { GrowthNote, NamedTensors } from "../grow.ts";
import type { GrowthPlan } from "../plan.ts";
import type { GrowthStep } from "../steps.ts";
import type { FloatNumbers } from "../tensor.ts";

/** What a method is given beside the network and the steps. */
export interface MethodContext {
  /** Of everything that is drawn. */
  readonly seed: number;
  /** Signal over noise (dB) of what is added to copies; absent: nothing is. */
  readonly noise?: number | undefined;
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
