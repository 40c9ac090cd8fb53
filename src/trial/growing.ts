// When the networks of arms grow, and how long each of them is trained: moments as numbers of updates. Trains nothing.
import { z } from "zod";
import type { Architecture } from "../architecture/architecture.ts";
import { RequestError } from "../errors.ts";
import { parseStrict, positiveNumber, show, wholeNumber } from "../strict.ts";
import { defineGrowth, type GrowthEvent, growthStages } from "../train/growthEvents.ts";
import type { ArmGrowth, ArmGrowthMoment } from "./input.ts";

/** An event of an arm, complete. */
export type DefinedGrowth = Omit<GrowthEvent, "at"> & { readonly at: ArmGrowthMoment };

const momentSchema = z.object({
  step: wholeNumber().optional(),
  tokens: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  flops: positiveNumber().optional(),
  share: positiveNumber().lt(1, "expected a share below 1").optional(),
});

/** Errors: RequestError, one line. */
export function defineArmGrowth(grow: readonly ArmGrowth[]): DefinedGrowth[] {
  // Which moments there are is the study's own; a plateau comes when it comes, and then nothing is equal.
  const events = Array.isArray(grow)
    ? grow.map((event, place) => ({ ...event, at: { tokens: place + 1 } }))
    : grow;
  return defineGrowth(events, Number.MAX_SAFE_INTEGER).map((event, place) => ({
    ...event,
    at: defineMoment(grow[place]!.at, `training: grow[${place}]: at`),
  }));
}

function defineMoment(given: unknown, what: string): ArmGrowthMoment {
  const parsed = parseStrict(what, momentSchema, given);
  const found = Object.entries(parsed).filter(([, value]) => value !== undefined);
  if (found.length === 1) return Object.fromEntries(found) as unknown as ArmGrowthMoment;
  throw new RequestError(`${what} is ${show(given)}; expected one of step, tokens, flops, share`);
}

/** The networks that an arm comes to, the first as given. Errors: RequestError where no way is known to grow so. */
export function networksOf(architecture: Architecture, growth: readonly DefinedGrowth[]): Architecture[] {
  return growthStages(
    architecture,
    growth.map((event, place) => ({ ...event, at: { step: place + 1 } })),
  );
}

/** What an update of one network takes. */
export interface Price {
  /** Of what is held equal. */
  readonly amount: number;
  /** Training FLOPs. */
  readonly flops: number;
}

/**
 * Updates of each network, the last one's not rounded.
 * @param prices of the networks, one more than there are moments
 * @param total of what is held equal
 */
export function updatesOf(
  prices: readonly Price[],
  moments: readonly ArmGrowthMoment[],
  { total, tokensPerStep }: { readonly total: number; readonly tokensPerStep: number },
): number[] {
  let [done, amount, flops] = [0, 0, 0];
  const before = moments.map((at, place) => {
    const price = prices[place]!;
    const due = ((): number => {
      if ("step" in at) return at.step - done;
      if ("tokens" in at) return Math.ceil(at.tokens / tokensPerStep) - done;
      if ("flops" in at) return Math.ceil((at.flops - flops) / price.flops);
      return Math.round((at.share * total - amount) / price.amount);
    })();
    done += due;
    amount += due * price.amount;
    flops += due * price.flops;
    return due;
  });
  return [...before, (total - amount) / prices.at(-1)!.amount];
}
