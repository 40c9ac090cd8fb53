// A smaller network out of a larger one: sizes of primitives, the width and layers lose their least important units. The inverse
// of growth, by the same declarations. Knows neither gradients nor data: importance is given (see `Importance`).
// Molchanov et al. 2019, "Importance estimation for neural network pruning"; Yang et al. 2023, "NViT".
import { defineArchitecture } from "../architecture/architecture.ts";
import type { Architecture } from "../architecture/schema.ts";
import { RequestError } from "../errors.ts";
import { primitives } from "../nn/primitives.ts";
import { sameShape } from "../tensor/tensor.ts";
import { scaleOf } from "./axes.ts";
import { type GrownNetwork, growNetwork, type NamedTensors } from "./grow.ts";
import { type Importance, sizedParameters, sum } from "./importance.ts";
import { placesIn } from "./places.ts";
import { storedParameters } from "./plan.ts";
import { repetitions, type StepTarget, stepTarget } from "./steps.ts";
import type { FloatNumbers } from "./tensor.ts";
import {
  type KeptPlaces,
  keepAxes,
  type UnitGroup,
  type UnitGroups,
  type UnitSums,
  unitGroups,
} from "./units.ts";

/** One way to become smaller. */
export type PruneStep =
  /** Settings of primitives, such as `feedforward` or `heads`: in all blocks, or in those repetitions of the stripe (from 0). */
  | {
      readonly prune: "settings";
      readonly to: Readonly<Record<string, unknown>>;
      readonly blocks?: readonly number[] | undefined;
    }
  /** `norms`: what their scales and epsilon do; default scaled. */
  | { readonly prune: "width"; readonly to: number; readonly norms?: NormScales | undefined }
  /** So many repetitions of the stripe stay. */
  | { readonly prune: "layers"; readonly to: number };

/**
 * What becomes of the norms of a narrower stream: `scaled`, as if what is removed had always been 0, or `kept`, as if it had
 * been like the rest.
 */
export type NormScales = "scaled" | "kept";

/** What was removed in one place. */
export interface RemovedUnits {
  /** `block.0.gelu`, `layers 1, 3`; "": everywhere. */
  readonly where: string;
  /** What its declaration calls it, or `layers`. */
  readonly size: string;
  readonly before: number;
  readonly after: number;
  /** Of the importance of all of them, that of the removed ones; null: places that had to go whatever they were. */
  readonly share: number | null;
}

/** A smaller network. */
export interface PrunedNetwork<N extends FloatNumbers> extends GrownNetwork<N> {
  readonly removed: readonly RemovedUnits[];
}

/**
 * The network without its least important units. Errors: RequestError, one line, for a target that is not smaller, that has
 * places the network does not have, or parts that no declaration tells of.
 */
export function pruneNetwork<N extends FloatNumbers>(
  architecture: Architecture,
  values: NamedTensors<N>,
  step: PruneStep,
  importance: Importance,
): PrunedNetwork<N> {
  requirePrunable(architecture);
  const { to, origins, left } = pruneTarget(architecture, step, importance);
  const renamed = renaming(architecture, to, origins);
  const large = new Map(sizedParameters(architecture).map((parameter) => [parameter.name, parameter]));
  const small = sizedParameters(to);
  const groups = unitGroups([...large.values()]);
  const { kept, removed } = chooseUnits(groups, unitGroups(small), renamed, importance.units);
  if (left.length + removed.length === 0) {
    throw new RequestError(
      "prune: nothing would be smaller than it is; expected smaller sizes, grow makes larger ones",
    );
  }
  const stored = storedParameters(to);
  const keepsNorms = step.prune === "width" && step.norms === "kept";
  const parameters = small.map(({ name, shape, parameter, sizes }) => {
    const origin = large.get(renamed(name));
    if (origin === undefined) {
      throw new RequestError(`prune: ${name} has nothing that it could be made of; choose another size`);
    }
    const axes = keepAxes(origin, groups, kept);
    if (
      !sameShape(
        shape,
        axes.map(({ from }) => from.length),
      )
    ) {
      throw new RequestError(
        `prune: ${name} [${origin.shape}] cannot become [${shape}]; choose another size`,
      );
    }
    const isNorm = /(?:^|\.)norm\.scale$/.test(name);
    const scale = keepsNorms && isNorm ? 1 : scaleOf(parameter, origin.sizes, sizes, "zeros");
    const declaration = stored.get(name)!;
    return { name, origin: origin.name, before: origin.shape, shape, declaration, axes, scale };
  });
  const { norm, width } = architecture;
  const normEpsilon =
    keepsNorms || norm === "none" ? architecture.normEpsilon : (architecture.normEpsilon * width) / to.width;
  const smaller = { ...to, normEpsilon };
  const network = growNetwork({ from: architecture, to: smaller, parameters }, values, 0);
  return { ...network, removed: [...left, ...removed] };
}

/** Errors: RequestError where the network has parts that nothing can be pruned with. */
export function requirePrunable({ sources, decoder }: Architecture): void {
  const source = sources.find(({ source }) => source !== "share");
  if (source !== undefined) {
    throw new RequestError(
      `prune: the network has the parameter source ${source.source}, which cannot be pruned; expected none, or share`,
    );
  }
  if (decoder === null) return;
  throw new RequestError("prune: the network has a decoder, whose waves depend on its width; expected none");
}

interface SmallerTarget extends StepTarget {
  /** Layers that are left out. */
  readonly left: readonly RemovedUnits[];
}

function pruneTarget(architecture: Architecture, step: PruneStep, { layers }: Importance): SmallerTarget {
  switch (step.prune) {
    case "settings":
      requireSizes(architecture, Object.keys(step.to));
      return asPruning(() => stepTarget(architecture, { ...step, grow: "settings" }));
    case "width":
      if (step.to < architecture.width) {
        return asPruning(() => stepTarget(architecture, { grow: "width", to: step.to }));
      }
      throw new RequestError(
        `prune: width is ${step.to}; expected less than the ${architecture.width} of now, grow makes it more`,
      );
    case "layers":
      return fewerLayers(architecture, step.to, layers);
  }
}

/** Errors: RequestError for settings that are no sizes. */
function requireSizes({ first, stripe, last }: Architecture, keys: readonly string[]): void {
  for (const { primitive } of [...first, ...stripe, ...last]) {
    const { keys: known, growing } = primitives.get(primitive)!;
    const wrong = keys.find((key) => known.includes(key) && !growing?.settings.includes(key));
    if (wrong === undefined) continue;
    const sizes = growing?.settings.join(", ") || "none";
    throw new RequestError(
      `prune: ${wrong} of ${primitive} is not a size that can shrink; expected one of its ${sizes}`,
    );
  }
}

/** What is asked of sizes is the same for both, and so are the errors. */
function asPruning(of: () => StepTarget): SmallerTarget {
  try {
    return { ...of(), left: [] };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new RequestError(error.message.replace(/^grow: /, "prune: "));
  }
}

function fewerLayers(architecture: Architecture, to: number, layers: readonly number[]): SmallerTarget {
  const stripe = repetitions(architecture);
  const first = architecture.first.length;
  if (!(Number.isInteger(to) && to >= 1 && to < stripe.length)) {
    throw new RequestError(
      `prune: layers is ${to}; expected less than the ${stripe.length} repetitions of the stripe of now, at least 1`,
    );
  }
  if (architecture.sources.length > 0) {
    throw new RequestError("prune: layers cannot be removed where they share parameters; prune their sizes");
  }
  const chosen = largest(layers, to);
  const repeated = architecture.repeat > 1;
  const entries = repeated ? architecture.stripe : chosen.flatMap((i) => stripe[i]!);
  const smaller = defineArchitecture({ ...architecture, stripe: entries, repeat: repeated ? to : 1 });
  const size = stripe[0]!.length;
  const after = first + stripe.length * size;
  const origins = [
    ...Array(first).keys(),
    ...chosen.flatMap((i) => Array.from({ length: size }, (_, j) => first + i * size + j)),
    ...architecture.last.map((_, i) => after + i),
  ];
  const gone = [...stripe.keys()].filter((i) => !chosen.includes(i));
  const share = shareOf(
    gone.map((i) => layers[i]!),
    layers,
  );
  const left = {
    where: `layers ${gone.join(", ")}`,
    size: "layers",
    before: stripe.length,
    after: to,
    share,
  };
  return { to: smaller, origins, left: [left] };
}

/** From a name, or the beginning of one, in the smaller network to that in the larger. */
function renaming(from: Architecture, to: Architecture, origins: StepTarget["origins"]) {
  const before = placesIn(from);
  const prefixes = new Map<string, string>();
  for (const [i, { prefix, path }] of placesIn(to).entries()) {
    const origin = before[origins[i]!]!;
    prefixes.set(prefix, origin.prefix);
    prefixes.set(`${path}.between.`, `${origin.path}.between.`);
  }
  return (name: string): string =>
    name.replace(/^(?:block\.\d+|first|last)\.[^.]+\./, (prefix) => prefixes.get(prefix) ?? prefix);
}

function chooseUnits(
  groups: UnitGroups,
  smaller: UnitGroups,
  renamed: (name: string) => string,
  importance: UnitSums,
): { readonly kept: KeptPlaces; readonly removed: readonly RemovedUnits[] } {
  const kept = new Map<string, readonly (readonly number[])[]>();
  const removed: RemovedUnits[] = [];
  for (const [key, group] of smaller) {
    const origin = renamed(key);
    const large = groups.get(origin);
    if (large === undefined) continue;
    const where = large.owner.replace(/\.$/, "");
    const [before, after] = [large.count, group.count];
    if (after > before) {
      throw new RequestError(
        `prune: ${where}: ${large.size} ${before} cannot become ${after}; expected fewer, grow makes more`,
      );
    }
    if (after === before) continue;
    const forced = samePlaces(large, group, where);
    const scores = importance.get(origin)!;
    const lists = Array.from(
      { length: large.apart },
      (_, i) => forced ?? largest(Array.from(scores.subarray(i * before, (i + 1) * before)), after),
    );
    kept.set(origin, lists);
    const gone = lists.flatMap((list, i) =>
      Array.from({ length: before }, (_, unit) => (list.includes(unit) ? 0 : scores[i * before + unit]!)),
    );
    const share = forced === undefined ? shareOf(gone, scores) : null;
    removed.push({ where, size: large.size, before, after, share });
  }
  return { kept, removed };
}

/** Where places are not alike, those that the smaller network has. */
function samePlaces(large: UnitGroup, small: UnitGroup, where: string): number[] | undefined {
  if (large.labels === undefined || small.labels === undefined) return undefined;
  const at = new Map(large.labels.map((label, i) => [label, i]));
  const places = small.labels.map((label) => at.get(label));
  if (!places.includes(undefined)) return places as number[];
  throw new RequestError(
    `prune: ${where}: the ${small.count} ${large.size} would not be among the ${large.count} of now, which are not alike; ` +
      "choose another size",
  );
}

/** The places of the `count` largest, ascending; of equal ones the first. */
function largest(scores: readonly number[], count: number): number[] {
  const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
  return order.slice(0, count).sort((a, b) => a - b);
}

function shareOf(part: ArrayLike<number>, whole: ArrayLike<number>): number {
  const all = sum(whole);
  return all === 0 ? 0 : sum(part) / all;
}
