// Architectures of any size: what a ladder draws its models from. Knows no budget and trains nothing.
import {
  type Architecture,
  type ArchitectureInput,
  defineArchitecture,
} from "../architecture/architecture.ts";
import { count, countedParameters } from "../architecture/count.ts";
import { atShape, possibleWidths } from "../architecture/solve.ts";
import { headsOf, nearestDivisor } from "../nn/heads.ts";
import type { RateRule } from "./rates.ts";

/** Architectures that differ in width and depth alone. */
export interface LadderFamily {
  readonly name: string;
  /** Complete but for the vocabulary, which the data decide. */
  readonly architecture: (width: number, layers: number) => Omit<ArchitectureInput, "vocabulary">;
  /** Widths are multiples of this. */
  readonly step: number;
  /** The narrowest; default: one step. */
  readonly least?: number | undefined;
  readonly rates: RateRule;
  /** Architectures that a law is fitted to together, in ladders of state; default: all. */
  readonly group?: string | undefined;
}

/** Wider models are nobody's. */
const MOST_STEPS = 2 ** 16;
const HEAD_WIDTH = 32;

/** A decoder of `length` tokens with heads of about 32 features, SwiGLU of twice the width and rotary positions. */
export function decoderFamily(length: number, rates: RateRule): LadderFamily {
  return {
    ...{ name: "decoder", step: 8, rates },
    architecture: (width, layers) => ({
      ...{ length, width, layers, feedforward: 2 * width },
      heads: nearestDivisor(width / 2, headsOf(width, HEAD_WIDTH)),
      ...{ activation: "swiglu", norm: "rms", positions: "rope" },
    }),
  };
}

/**
 * An architecture at other widths and depths: heads as many as it has, feed-forward layers in proportion.
 * Errors: RequestError where no series of widths fits it.
 */
export function familyOf(name: string, architecture: Architecture, rates: RateRule): LadderFamily {
  const { step, least } = possibleWidths(architecture);
  return {
    ...{ name, step, least, rates },
    architecture: (width, layers) => atShape(architecture, width, layers) as unknown as ArchitectureInput,
  };
}

/** A model of a family. */
export interface Sized {
  readonly architecture: Architecture;
  readonly width: number;
  readonly layers: number;
  /** All of them, embeddings too. */
  readonly parameters: number;
}

/** The model of a family that is nearest in ln parameters at a depth, the smaller of two. */
export function nearestModel(
  family: LadderFamily,
  vocabulary: number,
  layers: number,
  parameters: number,
): Sized {
  const { step, least = step } = family;
  const first = Math.ceil(least / step);
  const at = (steps: number) => modelOf(family, vocabulary, steps * step, layers);
  let [low, high] = [first, first];
  while (high < MOST_STEPS && at(high).parameters < parameters) [low, high] = [high, 2 * high];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (at(middle).parameters < parameters) low = middle;
    else high = middle;
  }
  const [below, above] = [at(low), at(high)];
  return above.parameters / parameters < parameters / below.parameters ? above : below;
}

/** What was found before: a plan asks for the same models again and again. */
const models = new WeakMap<LadderFamily, Map<string, Sized>>();
const costs = new WeakMap<Architecture, ModelCosts>();

/** Errors: RequestError where the family has no such model. */
export function modelOf(family: LadderFamily, vocabulary: number, width: number, layers: number): Sized {
  const known = models.get(family) ?? new Map<string, Sized>();
  models.set(family, known);
  const key = `${vocabulary} ${width} ${layers}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const architecture = defineArchitecture({ ...family.architecture(width, layers), vocabulary });
  const model = { architecture, width, layers, parameters: countedParameters(architecture).total };
  known.set(key, model);
  return model;
}

/** What a token costs, and what a sequence keeps. */
export interface ModelCosts {
  /** Floating-point operations of training. */
  readonly flopsPerToken: number;
  /** Numbers of state, by the MAD paper's convention. */
  readonly state: number;
}

export function costsOf({ architecture }: Sized): ModelCosts {
  const found = costs.get(architecture);
  if (found !== undefined) return found;
  const { flopsPerToken, stateElements } = count(architecture);
  const counted = { flopsPerToken: flopsPerToken.training, state: stateElements.mad };
  costs.set(architecture, counted);
  return counted;
}
