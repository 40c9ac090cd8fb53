// Masks that rise while a network is trained. Its parameters are what the network sees, under their own names: evaluations,
// samples and exports need not know of masks. What is trained lies behind them, among the optimiser's states, and what a mask is
// follows from the run's settings and the number of an update. Knows no run and no growth but its masks.
import type { Architecture } from "../architecture/schema.ts";
import { type Masks, maskedSource, maskedTensor, planMasks } from "../growth/masks.ts";
import { type InputSource, inputSource, type ParameterSource } from "../nn/parameters.ts";
import { input } from "../tensor/ops/leaf.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type GrowthEvent, type GrowthProgress, growthStages } from "./growthEvents.ts";
import { scalarName, stateName } from "./names.ts";

/** Masks that rise from 0 after `begun` updates to 1 in the update that is `steps` later. */
export interface Masking {
  readonly masks: Masks;
  readonly begun: number;
  readonly steps: number;
}

/** What is trained of a parameter that is seen through a mask. */
export const behindName = (parameter: string): string => stateName("behind", parameter);
/** f32 []. */
export const maskName = scalarName("mask");

/** The mask in an update (from 1), and in the network that this leaves. */
export function maskAt({ begun, steps }: Pick<Masking, "begun" | "steps">, update: number): number {
  return Math.min(1, (update - begun) / steps);
}

/** Whether the masks have done their work after so many updates. */
export function isOver({ begun, steps }: Pick<Masking, "begun" | "steps">, updates: number): boolean {
  return updates >= begun + steps;
}

/** What a training step reads: the inputs that are trained, by the names of their parameters, and what the network sees. */
export function maskedInputs(masking: Masking | undefined): {
  readonly trained: InputSource;
  readonly seen: ParameterSource;
} {
  if (masking === undefined) {
    const trained = inputSource();
    return { trained, seen: trained };
  }
  const { masks } = masking;
  const trained = inputSource((name) => (masks.has(name) ? behindName(name) : name));
  return { trained, seen: maskedSource(trained, masks, input(maskName, [])) };
}

/** What a training step writes of a parameter: its next value, and where that lies behind a mask what is seen of it. */
export function maskedUpdates(
  masking: Masking | undefined,
  name: string,
  next: Tensor,
): Record<string, Tensor> {
  const mask = masking?.masks.get(name);
  if (mask === undefined) return { [name]: next };
  return { [behindName(name)]: next, [name]: maskedTensor(next, mask, input(maskName, [])) };
}

/** The masks that rise after `updates` updates of a run; undefined: none do. */
export function maskingOf(
  architecture: Architecture,
  events: readonly GrowthEvent[],
  progress: Pick<GrowthProgress, "steps"> | undefined,
  updates: number,
): Masking | undefined {
  const last = (progress?.steps.length ?? 0) - 1;
  const event = events[last];
  if (event === undefined || event.over === null) return undefined;
  const ramp = { begun: progress!.steps[last]!, steps: event.over.steps };
  if (isOver(ramp, updates)) return undefined;
  return { ...ramp, masks: planMasks(growthStages(architecture, events.slice(0, last)).at(-1)!, event.to) };
}
