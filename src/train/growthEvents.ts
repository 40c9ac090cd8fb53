// When a network grows while it is trained, and to what: the settings, what a checkpoint has to remember of them, and when one
// of them is due. Knows no trainer.
import { z } from "zod";
import type { Architecture } from "../architecture/schema.ts";
import { RequestError } from "../errors.ts";
import { defineGrowthSteps, type GrowthTarget } from "../growth/define.ts";
import { growBy, growthMethod, growthMethods } from "../growth/methods/methods.ts";
import { storedParameters } from "../growth/plan.ts";
import { type GrowthStep, planStep } from "../growth/steps.ts";
import { numberBetween, oneOf, parseStrict, positiveNumber, show, wholeNumber } from "../strict.ts";
import { sizeOf } from "../tensor/tensor.ts";

/** After so many updates, tokens or training FLOPs, or when the validation loss no longer falls. */
export type GrowthMoment =
  | { readonly step: number }
  | { readonly tokens: number }
  | { readonly flops: number }
  | {
      /** After so many evaluations in a row that were not below the lowest before them by `improvement` nats. */
      readonly plateau: { readonly improvement: number; readonly evaluations: number };
    };

/** The network grows while it is trained. */
export interface GrowthEvent {
  readonly at: GrowthMoment;
  /** One after the other. */
  readonly to: readonly GrowthStep[];
  /** Whether the learning rate goes on as it was, or its schedule begins again. */
  readonly schedule: "keep" | "restart";
  /** The name of what makes new parameters. */
  readonly method: string;
  /** Signal over noise (dB) of what is added to copies; null: nothing is. */
  readonly noise: number | null;
  /** Updates over which the masks of new parts rise, of a method that masks them; null: of another. */
  readonly over: { readonly steps: number } | null;
}

/** As it may be given. */
export interface GrowthEventInput {
  readonly at: GrowthMoment;
  /** Growth steps, or the architecture to grow to: its settings, a preset's name, or a JSON or YAML file. */
  readonly to: GrowthTarget;
  /** Default keep. */
  readonly schedule?: "keep" | "restart";
  /** Default zero, which keeps the function. */
  readonly method?: string;
  readonly noise?: number | null;
  /** Default of a method that masks new parts: 200 steps. */
  readonly over?: { readonly steps: number } | null;
}

const DEFAULT_METHOD = growthMethods[0]!.name;

const eventSchema = z.object({
  at: z.unknown(),
  to: z.unknown(),
  schedule: oneOf(["keep", "restart"]).default("keep"),
  method: z.string("expected the name of a method").default(DEFAULT_METHOD),
  noise: positiveNumber().nullable().default(null),
  over: z.unknown().optional(),
});
const momentSchema = z.object({
  step: wholeNumber().optional(),
  tokens: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  flops: positiveNumber().optional(),
  plateau: z.unknown().optional(),
});
const plateauSchema = z.object({ improvement: numberBetween(0, 1e9), evaluations: wholeNumber() });

const overSchema = z.object({ steps: wholeNumber() });

/** Steps over which masks rise where nothing else is said. */
export const MASK_STEPS = 200;

const MOST_EVENTS = 100;

/** Errors: RequestError, one line, for unknown keys and for moments that never come. */
export function defineGrowth(input: unknown, steps: number): GrowthEvent[] {
  if (!Array.isArray(input) || input.length > MOST_EVENTS) {
    throw new RequestError(
      `training: grow is ${show(input)}; expected a list of at most ${MOST_EVENTS} events`,
    );
  }
  let earliest = 0;
  return input.map((given: unknown, i) => {
    const what = `training: grow[${i}]`;
    const { at, to, schedule, method, noise, over: asked } = parseStrict(what, eventSchema, given);
    const moment = defineMoment(at, `${what}: at`);
    const over = defineOver(method, asked, what);
    if ("step" in moment) {
      if (moment.step <= earliest || moment.step >= steps) {
        throw new RequestError(
          `${what}: step is ${moment.step}; expected one from ${earliest + 1} to ${steps - 1}, after the events before it ` +
            "and before the end",
        );
      }
      if (over !== null && moment.step + over.steps > steps) {
        throw new RequestError(
          `${what}: its masks rise over ${over.steps} steps, and ${steps - moment.step} are left after step ${moment.step}; ` +
            "expected no more than those",
        );
      }
      earliest = moment.step + (over === null ? 0 : over.steps - 1);
    }
    return { at: moment, to: defineGrowthSteps(to, what), schedule, method, noise, over };
  });
}

/** Errors: RequestError for a method that is not known, and one without masks that is to raise them. */
export function defineOver(method: string, given: unknown, what: string): GrowthEvent["over"] {
  const { masks } = growthMethod(method);
  if (masks) return parseStrict(`${what}: over`, overSchema, given ?? { steps: MASK_STEPS });
  if (given == null) return null;
  const others = growthMethods.filter((other) => other.masks).map(({ name }) => name);
  throw new RequestError(
    `${what}: over is ${show(given)}, and the method ${method} has no masks that rise; expected ${others.join(" or ")}, or leave it out`,
  );
}

function defineMoment(given: unknown, what: string): GrowthMoment {
  const { plateau, ...counts } = parseStrict(what, momentSchema, given);
  const found = Object.entries(counts).filter(([, value]) => value !== undefined);
  if (found.length + (plateau === undefined ? 0 : 1) !== 1) {
    throw new RequestError(`${what} is ${show(given)}; expected one of step, tokens, flops, plateau`);
  }
  if (plateau === undefined) return Object.fromEntries(found) as GrowthMoment;
  return { plateau: parseStrict(`${what}.plateau`, plateauSchema, plateau) };
}

/**
 * The network before the first event, and after each of them.
 * Errors: RequestError, one line that names the event, where no way is known to grow so.
 */
export function growthStages(architecture: Architecture, events: readonly GrowthEvent[]): Architecture[] {
  const stages = [architecture];
  for (const [i, event] of events.entries()) {
    try {
      stages.push(grownArchitecture(stages.at(-1)!, event));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      throw new RequestError(`training: grow[${i}]: ${error.message.replace(/^grow: /, "")}`);
    }
  }
  return stages;
}

function grownArchitecture(from: Architecture, { to, method, noise }: GrowthEvent): Architecture {
  if (method === DEFAULT_METHOD && noise === null)
    return to.reduce((network, step) => planStep(network, step).to, from);
  // What other methods can make they tell by making it.
  const blank = [...storedParameters(from)].map(
    ([name, { shape }]) => [name, { shape, data: new Float32Array(sizeOf(shape)) }] as const,
  );
  const network = { architecture: from, values: Object.fromEntries(blank) };
  return growBy(growthMethod(method), network, to, { seed: 0, noise: noise ?? undefined }).architecture;
}

export const growthProgressSchema = z.strictObject({
  /** After which updates the events so far took place. */
  steps: z.array(z.int().min(1)),
  /** Training FLOPs so far, each update's by the network of its stage. */
  flops: z.number().min(0),
  /** The loss that evaluations are held against, and how many of them have not been well below it. */
  plateau: z.strictObject({ best: z.number().nullable(), evaluations: z.int().min(0) }),
});

/** What a run has to remember of its growth. */
export type GrowthProgress = z.infer<typeof growthProgressSchema>;

export const noPlateau: GrowthProgress["plateau"] = { best: null, evaluations: 0 };

/** What an evaluation says of a plateau that the next event waits for. */
export function withEvaluation(
  { plateau }: GrowthProgress,
  next: GrowthEvent | undefined,
  loss: number,
): GrowthProgress["plateau"] {
  if (next === undefined || !("plateau" in next.at)) return noPlateau;
  const isBetter = plateau.best === null || loss < plateau.best - next.at.plateau.improvement;
  return isBetter ? { best: loss, evaluations: 0 } : { ...plateau, evaluations: plateau.evaluations + 1 };
}

/** Whether the next event is due after `step` updates; there is one after any update at most. */
export function isDue(
  { steps, flops, plateau }: GrowthProgress,
  { at }: GrowthEvent,
  { step, tokens }: { readonly step: number; readonly tokens: number },
): boolean {
  if (steps.at(-1) === step) return false;
  if ("step" in at) return step >= at.step;
  if ("tokens" in at) return tokens >= at.tokens;
  if ("flops" in at) return flops >= at.flops;
  return plateau.evaluations >= at.plateau.evaluations;
}

/** The update after which the schedule began again for the last time; undefined: it never did. */
export function scheduleStart({ steps }: GrowthProgress, events: readonly GrowthEvent[]): number | undefined {
  return steps.findLast((_, i) => events[i]?.schedule === "restart");
}
