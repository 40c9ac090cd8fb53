// A parametrisation applied: to an architecture, as settings of its forward pass, and to its parameters, as first values and
// factors of the optimiser's settings. Knows no optimiser and no loop.
import { defineArchitecture } from "../../architecture/architecture.ts";
import type { Architecture, StripeEntry } from "../../architecture/schema.ts";
import type { Initializer, ParameterDeclaration, Parameters } from "../../nn/parameters.ts";
import { primitives } from "../../nn/primitives.ts";
import type { OptimizerFactors } from "../optimizer.ts";
import { graphAwareDeviations, graphAwareRate } from "./graphAware.ts";
import { maximalUpdateFactors, multipliers, ratiosOf } from "./maximalUpdate.ts";
import type { Parametrisation } from "./settings.ts";
import { widthAxes } from "./widthAxes.ts";

/** A parameter as it begins and learns. */
export interface ParametrisedParameter extends ParameterDeclaration {
  /** Absent: all are 1. */
  readonly factors?: OptimizerFactors;
}

/**
 * The architecture with the multipliers of its parametrisation: at the logits, at residual branches, in attention. To be done
 * once, before the first step; multipliers that it has are multiplied. Errors: RequestError where one has no place.
 */
export function parametrise(architecture: Architecture, to: Parametrisation): Architecture {
  switch (to.kind) {
    case "standard":
    case "chen":
    case "gradinit":
      return architecture;
    case "mup":
    case "depth-mup":
    case "completep": {
      const { logits, residual } = multipliers(ratiosOf(architecture, to));
      const headed = (entries: readonly StripeEntry[]) =>
        entries.map((entry) =>
          to.baseHeadWidth !== undefined && primitives.get(entry.primitive)!.keys.includes("baseHeadWidth")
            ? { ...entry, baseHeadWidth: to.baseHeadWidth }
            : entry,
        );
      const { first, stripe, last, logitScale = 1, residualScale = 1 } = architecture;
      const isDeep = to.kind !== "mup";
      return defineArchitecture({
        ...architecture,
        ...{ first: headed(first), stripe: headed(stripe), last: headed(last) },
        logitScale: logitScale * logits,
        ...(isDeep ? { residualScale: residualScale * residual } : {}),
      });
    }
  }
}

/** The parameters that an architecture stores, as the parametrisation has them. */
export function parametrisedParameters(
  architecture: Architecture,
  declared: Parameters,
  to: Parametrisation,
): ReadonlyMap<string, ParametrisedParameter> {
  switch (to.kind) {
    case "standard":
    case "gradinit":
      return declared;
    case "chen": {
      const factors = { rate: graphAwareRate(architecture, to.baseDepth), weightDecay: 1, epsilon: 1 };
      const deviationOf = graphAwareDeviations(architecture);
      const entries = [...declared].map(([name, declaration]) => {
        const standardDeviation = deviationOf(name, declaration);
        if (standardDeviation === undefined) return [name, { ...declaration, factors }] as const;
        return [
          name,
          { ...declaration, initializer: { kind: "normal", standardDeviation }, factors },
        ] as const;
      });
      return new Map(entries);
    }
    case "mup":
    case "depth-mup":
    case "completep": {
      const axes = widthAxes(architecture);
      const ratios = ratiosOf(architecture, to);
      const entries = [...declared].map(([name, declaration]) => {
        const { deviation, ...factors } = maximalUpdateFactors(name, declaration, axes.get(name)!, ratios);
        const initializer = scaled(declaration.initializer, deviation);
        return [name, { ...declaration, initializer, factors }] as const;
      });
      return new Map(entries);
    }
  }
}

/** Values drawn around zero, times `factor`; others as they are. */
function scaled(initializer: Initializer, factor: number): Initializer {
  switch (initializer.kind) {
    case "normal":
      return { ...initializer, standardDeviation: factor * initializer.standardDeviation };
    case "uniform":
      if (initializer.transform !== undefined) return initializer;
      return { ...initializer, low: factor * initializer.low, high: factor * initializer.high };
    case "constant":
    case "values":
      return initializer;
  }
}
