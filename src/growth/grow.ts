// A larger network out of a smaller one that computes the same, its optimiser's moments with it. Knows no file.
import type { Architecture } from "../architecture/schema.ts";
import { RequestError } from "../errors.ts";
import { initialValues } from "../nn/initialize.ts";
import { type Shape, sameShape, sizeOf } from "../tensor/tensor.ts";
import { OLD, ZERO } from "./axes.ts";
import type { GrowthPlan, ParameterGrowth } from "./plan.ts";
import { countNew, type FloatNumbers, growTensor } from "./tensor.ts";

/** Tensors by name, in float64 or float32. */
export type NamedTensors<N extends FloatNumbers = FloatNumbers> = Readonly<
  Record<string, { readonly shape: Shape; readonly data: N }>
>;

/** What was done to one parameter. */
export interface GrowthNote {
  readonly name: string;
  /** Null: there was none. */
  readonly before: Shape | null;
  readonly after: Shape;
  /** Entries that are new, and how many of these are zero. */
  readonly added: number;
  readonly zero: number;
  /** Entries that are old ones once more. */
  readonly copied: number;
  /** Old entries were multiplied by this. */
  readonly scale: number;
  /** What new entries are, where they are neither zero nor as in a new network. */
  readonly how?: string;
}

/** A larger network. */
export interface GrownNetwork<N extends FloatNumbers> {
  readonly architecture: Architecture;
  readonly values: NamedTensors<N>;
  /** Of every parameter that was changed. */
  readonly notes: readonly GrowthNote[];
}

/**
 * The larger network of a plan. New entries that may be anything begin as those of a new network of that seed.
 * Errors: RequestError for a parameter that is absent or misshapen.
 */
export function growNetwork<N extends FloatNumbers>(
  plan: GrowthPlan,
  values: NamedTensors<N>,
  seed: number,
): GrownNetwork<N> {
  const grown = plan.parameters.map((parameter) => {
    const { name, declaration } = parameter;
    const old = oldValues(parameter, values);
    return [name, growTensor(parameter, old, initialValues(name, declaration, seed)) as N] as const;
  });
  return { architecture: plan.to, values: named(plan, grown), notes: notesOf(plan) };
}

/**
 * Moments of an optimiser for the larger network, by the names of their parameters: gradients of what was multiplied by c are
 * those of before divided by c, and their squares, at power 2, by c². Those of copies of features share it out, as far as norms between them
 * let it be known. New entries have not had any: zero.
 */
export function growMoments<N extends FloatNumbers>(
  plan: GrowthPlan,
  moments: NamedTensors<N>,
  power: 1 | 2,
): NamedTensors<N> {
  const grown = plan.parameters.map((parameter) => {
    const axes = parameter.axes.map(({ from, kind, before, gradients }) => ({
      ...{ from, before, kind: kind.map((of) => (of === OLD ? OLD : ZERO)) },
      ...(gradients && { factors: gradients.map((share) => share ** power) }),
    }));
    const scale = parameter.scale ** -power;
    const old = oldValues(parameter, moments);
    return [parameter.name, growTensor({ ...parameter, axes, scale }, old, []) as N] as const;
  });
  return named(plan, grown);
}

function named<N extends FloatNumbers>(
  plan: GrowthPlan,
  grown: readonly (readonly [string, N])[],
): NamedTensors<N> {
  return Object.fromEntries(
    grown.map(([name, data], i) => [name, { shape: plan.parameters[i]!.shape, data }]),
  );
}

/**
 * The old numbers; of a parameter that is new none, in the others' format.
 * Errors: RequestError for a parameter that is absent or misshapen.
 */
export function oldValues<N extends FloatNumbers>(
  { origin, before, name }: Pick<ParameterGrowth, "origin" | "before" | "name">,
  values: NamedTensors<N>,
): FloatNumbers {
  if (origin === null) {
    const isSingle = Object.values(values)[0]?.data instanceof Float32Array;
    return isSingle ? new Float32Array() : new Float64Array();
  }
  const found = Object.hasOwn(values, origin) ? values[origin] : undefined;
  if (found !== undefined && sameShape(found.shape, before)) return found.data;
  throw new RequestError(
    `grow: parameter ${origin}, of which ${name} is made, is ${found === undefined ? "absent" : `[${found.shape}]`}; ` +
      `expected [${before}]`,
  );
}

/** What a plan does to each parameter that it changes. */
export function notesOf({ parameters }: GrowthPlan): GrowthNote[] {
  return parameters.flatMap((parameter) => {
    const { name, origin, before, shape, scale } = parameter;
    if (origin !== null && sameShape(before, shape) && scale === 1) return [];
    return [{ name, before: origin === null ? null : before, after: shape, scale, ...countNew(parameter) }];
  });
}

/** One line of text: what was padded, zeroed and scaled. */
export function printNote({ name, before, after, added, zero, copied, scale, how }: GrowthNote): string {
  const from = before === null ? "new" : `[${before.join(", ")}] →`;
  const parts = [
    ...(before === null || added === 0 ? [] : [`${added} of ${sizeOf(after)} are new`]),
    ...(zero === 0 ? [] : [zero === added ? "new ones are 0" : `${zero} of them are 0`]),
    ...(before === null || copied === 0 ? [] : [`${copied} of ${sizeOf(after)} are copies`]),
    ...(scale === 1 ? [] : [`old ones times ${Number(scale.toPrecision(6))}`]),
    ...(how === undefined ? [] : [how]),
  ];
  return `${name}: ${from} [${after.join(", ")}]${parts.length === 0 ? "" : `; ${parts.join(", ")}`}`;
}
