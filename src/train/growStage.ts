// A network that grows between two updates of its training, optimiser and all, and is proved to compute the same where its
// method promises so. Knows no log.
import { WorkError } from "../errors.ts";
import type { NamedTensors } from "../growth/grow.ts";
import type { GrownBy } from "../growth/methods/method.ts";
import { growBy, growthMethod } from "../growth/methods/methods.ts";
import { compareNetworks, type Difference } from "../growth/proof.ts";
import { agesOf } from "./ages.ts";
import { freshStates, growStates } from "./growStates.ts";
import type { GrowthEvent } from "./growthEvents.ts";
import { behindName } from "./masking.ts";
import { enterStage, type Run } from "./run.ts";
import type { Trainer } from "./trainer.ts";

/** Places of the random tokens that both networks are compared on. */
export const PROVED_PLACES = 32;
/** Largest |Δ logit| in float32, as a share of the largest |logit|. */
export const FLOAT32_BOUND = 1e-5;

/**
 * Puts the larger network in the place of the run's, after `updates` updates. New parameters that may be anything begin as those
 * of a new network of `seed`; where the method leaves no rule for what the optimiser remembers, that begins anew. Errors: WorkError
 * where it computes something else against its method's promise; the run's network has not changed then.
 */
export function growStage(
  run: Run,
  { to, method: name, noise, over }: GrowthEvent,
  { updates, seed }: { readonly updates: number; readonly seed: number },
): Difference {
  const { architecture: before, trainer } = run.stage;
  const { optimizer } = trainer.options;
  const method = growthMethod(name);
  const smaller = tensorsOf(trainer, trainer.parameters.keys());
  const network = { architecture: before, values: smaller };
  const { architecture, values, steps, masked } = growBy(method, network, to, {
    seed,
    noise: noise ?? undefined,
  });
  let states = tensorsOf(trainer, trainer.states.keys());
  for (const { plan } of steps) if (plan !== undefined) states = growStates(plan, optimizer, states, updates);
  if (steps.some(({ plan }) => plan === undefined)) states = freshStates(architecture, optimizer, updates);
  const difference = compareNetworks(
    run.options.machine,
    { architecture: before, values: smaller },
    { architecture, values },
    { seed, batch: 1, length: Math.min(PROVED_PLACES, before.length) },
  );
  if (method.preserves && difference.largest > FLOAT32_BOUND * difference.scale) {
    throw new WorkError(
      `step ${updates}: grown, the network's logits differ by ${difference.largest}, where the largest is ${difference.scale}; ` +
        `expected at most ${FLOAT32_BOUND} of that; the checkpoint of this step has the network as it was`,
    );
  }
  const shapes = Object.entries(values).map(([name, { shape }]) => [name, shape] as const);
  const larger = enterStage(
    run,
    architecture,
    agesOf(shapes, (name) => states[name]?.data),
    masked && { masks: masked.masks, begun: updates, steps: over!.steps },
  );
  const behind = masked === undefined ? {} : behindMasks(masked);
  writeTensors(larger, { ...values, ...states, ...behind });
  return difference;
}

/** What lies behind the masks of a larger network, by the names of a trainer's states. */
export function behindMasks({ masks, values }: NonNullable<GrownBy["masked"]>): NamedTensors {
  return Object.fromEntries([...masks.keys()].map((name) => [behindName(name), values[name]!]));
}

/** Puts the same network without masks in the place of the run's, once these are at 1. */
export function dropMasks(run: Run): void {
  const { architecture, trainer } = run.stage;
  const { ages = new Map(), masking } = trainer.options;
  const behind = new Set([...masking!.masks.keys()].map(behindName));
  const states = [...trainer.states.keys()].filter((name) => !behind.has(name));
  const tensors = tensorsOf(trainer, [...trainer.parameters.keys(), ...states]);
  writeTensors(enterStage(run, architecture, ages, undefined), tensors);
}

function writeTensors({ store }: Trainer, tensors: NamedTensors): void {
  for (const [name, { data }] of Object.entries(tensors)) store.write(name, data);
}

/** Copies of a trainer's numbers: its memory may move when more is taken. */
function tensorsOf({ store }: Trainer, names: Iterable<string>): NamedTensors {
  const tensors = [...names].map((name) => {
    const data = store.read(name);
    if (data instanceof Float32Array || data instanceof Float64Array) {
      return [name, { shape: store.type(name)!.shape, data: data.slice() }] as const;
    }
    throw new RangeError(`growth: ${name} is no tensor of floating-point numbers`);
  });
  return Object.fromEntries(tensors);
}
