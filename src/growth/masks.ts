// Masks that new parts of a network begin behind (Yao et al. 2023, "MSG"): the network sees its numbers through them, at 0 it
// computes what the smaller one did, whatever the new numbers are, and at 1 it is a plain one. Knows no training.
//
// What growth sets to zero is multiplied by the mask instead, which masks the features, heads and blocks that it makes: each of
// them once, so that a new unit's entry in a new feature is multiplied twice. Norms are over what is active: with D₀ features of
// before and D now, a scale times √((D₀ + mask · (D - D₀)) / D) gives what a mean over so many features does. Under layer norms
// new features come from the mean of the old ones, which these subtract, instead of from zero.
import type { Architecture } from "../architecture/schema.ts";
import type { ParameterSource } from "../nn/parameters.ts";
import { add, divide, multiply, sqrt, subtract } from "../tensor/ops/elementwise.ts";
import { literal } from "../tensor/ops/leaf.ts";
import { sum } from "../tensor/ops/reduce.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ARBITRARY, type AxisGrowth, MEAN, OLD, ZERO } from "./axes.ts";
import type { GrowthPlan, ParameterGrowth } from "./plan.ts";
import { type GrowthStep, planStep } from "./steps.ts";

/** What lies between one parameter and what the network sees of it. */
export interface ParameterMask {
  /** All of it is masked: it makes the output of a block that is new. */
  readonly whole: boolean;
  /** Of each place along each axis: OLD where it is seen, else ZERO or MEAN, what is seen while the mask is 0. */
  readonly axes: readonly Uint8Array[];
  /** What all of it is multiplied by while the mask is 0. */
  readonly scale: number;
}

/** By name, of the parameters that have one. */
export type Masks = ReadonlyMap<string, ParameterMask>;

/** The masks of a network that grows by a plan, those that it has already among them. */
export function growMasks(before: Masks, { parameters }: GrowthPlan): Masks {
  const grown = parameters.flatMap((parameter): [string, ParameterMask][] => {
    const { name, origin, axes } = parameter;
    const old = origin === null ? undefined : before.get(origin);
    const mask: ParameterMask =
      origin === null
        ? {
            whole: axes.length > 0 && axes.every(({ kind }) => kind.every((of) => of === ZERO)),
            axes: axes.map(({ kind }) => new Uint8Array(kind.length)),
            scale: 1,
          }
        : {
            whole: old?.whole ?? false,
            axes: axes.map((axis, i) => maskedPlaces(axis, old?.axes[i])),
            scale: (old?.scale ?? 1) * risingScale(parameter),
          };
    const isMasked = mask.whole || mask.scale !== 1 || mask.axes.some(hasMasked);
    return isMasked ? [[name, mask]] : [];
  });
  return new Map(grown);
}

/** The masks of a network that has taken these steps. */
export function planMasks(architecture: Architecture, steps: readonly GrowthStep[]): Masks {
  let masks: Masks = new Map();
  let network = architecture;
  for (const step of steps) {
    const plan = planStep(network, step);
    masks = growMasks(masks, plan);
    network = plan.to;
  }
  return masks;
}

/** What a plan does behind the masks: what they hide may be anything, and what they scale stays as it is. */
export function withoutMasks(plan: GrowthPlan): GrowthPlan {
  const parameters = plan.parameters.map((parameter) => ({
    ...parameter,
    scale: parameter.scale / risingScale(parameter),
    axes: parameter.axes.map((axis) => ({
      ...axis,
      kind: axis.kind.map((of) => (of === OLD ? OLD : ARBITRARY)),
    })),
  }));
  return { ...plan, parameters };
}

/** How many entries of a new or larger parameter a plan would set to zero or to means. */
export function countMasked({ axes }: Pick<ParameterGrowth, "axes">): number {
  const places = (of: (kind: number) => boolean) =>
    axes.reduce((product, { kind }) => product * kind.filter(of).length, 1);
  return axes.length === 0 ? 0 : places(() => true) - places((kind) => kind < MEAN);
}

function maskedPlaces({ kind, from }: AxisGrowth, before: Uint8Array | undefined): Uint8Array {
  return kind.map((of, i) => (of === OLD ? (before?.[from[i]!] ?? OLD) : of === ARBITRARY ? OLD : of));
}

const hasMasked = (places: Uint8Array): boolean => places.some((of) => of !== OLD);

/** A scale that makes up for features that are not there yet; what makes up for copies stays. */
function risingScale({ axes, scale }: Pick<ParameterGrowth, "axes" | "scale">): number {
  const isNew = axes.some(({ kind }) => kind.some((of) => of !== OLD));
  const isCopied = axes.some(({ from, before }) => from.length > before);
  return isNew || !isCopied ? scale : 1;
}

/** What a network sees of its parameters while the mask is `mask` (f32 [], from 0 to 1). */
export function maskedSource(source: ParameterSource, masks: Masks, mask: Tensor): ParameterSource {
  const seen = new Map<string, Tensor>();
  return {
    parameter(name, declaration) {
      const own = masks.get(name);
      const stored = source.parameter(name, declaration);
      if (own === undefined) return stored;
      const tensor = seen.get(name) ?? maskedTensor(stored, own, mask);
      seen.set(name, tensor);
      return tensor;
    },
  };
}

/** What the network sees of one parameter; at 1 it is the parameter, to the bit. */
export function maskedTensor(x: Tensor, { whole, axes, scale }: ParameterMask, mask: Tensor): Tensor {
  const rest = subtract(1, mask);
  let seen = x;
  axes.forEach((places, axis) => {
    const marked = (kind: number): Tensor =>
      literal(
        Array.from(places, (of) => Number(of === kind)),
        x.shape.map((size, i) => (i === axis ? size : 1)),
      );
    if (places.includes(MEAN)) {
      const known = places.filter((of) => of === OLD).length;
      const mean = divide(sum(multiply(seen, marked(OLD)), [axis], true), known);
      const hidden = multiply(marked(MEAN), rest);
      seen = add(multiply(seen, subtract(1, hidden)), multiply(mean, hidden));
    }
    if (places.includes(ZERO)) seen = multiply(seen, subtract(1, multiply(marked(ZERO), rest)));
  });
  if (whole) seen = multiply(seen, mask);
  return scale === 1 ? seen : multiply(seen, risingFactor(scale, rest));
}

/**
 * From `scale` to 1 as `rest` falls from 1 to 0: √(size seen / size) of a norm's scale, where `scale` is below 1, and
 * √(size / size seen) of what is multiplied with more features, above.
 */
function risingFactor(scale: number, rest: Tensor): Tensor {
  const least = Math.min(scale, 1 / scale) ** 2;
  const root = sqrt(subtract(1, multiply(rest, 1 - least)));
  return scale < 1 ? root : divide(1, root);
}
