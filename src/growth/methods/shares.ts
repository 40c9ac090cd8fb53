// Values of a network made of copies: what sums over copies shares its entries out among them, evenly or not, with noise or
// without; the shares always add up to the old entry. Knows no network.
import { initialValues } from "../../nn/initialize.ts";
import type { Initializer } from "../../nn/parameters.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import { OLD, ZERO } from "../axes.ts";
import { type GrowthNote, type NamedTensors, oldValues } from "../grow.ts";
import { type FloatNumbers, growTensor } from "../tensor.ts";
import type { CopiedParameter, CopyPlan } from "./copies.ts";
import type { GrowingNetwork } from "./method.ts";

/** How copies share. */
export interface Sharing {
  readonly seed: number;
  /** Default: evenly. */
  readonly unevenly?: boolean;
  /** Signal over noise, dB; absent: none. */
  readonly noise?: number | undefined;
  /** The parameter that copies of whole units are taken from; default: that of the unit itself. */
  readonly unitsFrom?: (parameter: CopiedParameter) => string | undefined;
}

/** Errors: RequestError for a parameter that is absent or misshapen. */
export function copyNetwork<N extends FloatNumbers>(
  plan: CopyPlan,
  values: NamedTensors<N>,
  sharing: Sharing,
): GrowingNetwork<N> & { readonly notes: readonly GrowthNote[] } {
  const grown = plan.parameters.map((parameter) => {
    const { name, shape, declaration } = parameter;
    const arbitrary = initialValues(name, declaration, sharing.seed);
    const copied = growTensor(parameter, oldValues(parameter, values), arbitrary);
    const origin = sharing.unitsFrom?.(parameter);
    if (origin !== undefined) {
      takeUnits(
        parameter,
        copied,
        growTensor(parameter, oldValues({ ...parameter, origin }, values), arbitrary),
      );
    }
    if (parameter.sums) share(parameter, copied, sharing);
    return [name, { shape, data: copied as N }] as const;
  });
  return { architecture: plan.to, values: Object.fromEntries(grown), notes: notesOf(plan, sharing) };
}

/** Places of the old ones along an axis, those of copies without the first. */
function repeats({ from, kind }: CopiedParameter["axes"][number]): Uint8Array {
  const seen = new Set<number>();
  return Uint8Array.from(from, (place, i) => {
    if (kind[i] !== OLD) return 0;
    const isRepeat = seen.has(place);
    seen.add(place);
    return isRepeat ? 1 : 0;
  });
}

/** Copies of units, along every axis that is not summed over, become those of `others`. */
function takeUnits({ axes, shape, sums }: CopiedParameter, values: FloatNumbers, others: FloatNumbers): void {
  const units = axes.map((axis, i) => (sums && i === 0 ? undefined : repeats(axis)));
  const strides = shape.map((_, i) => sizeOf(shape.slice(i + 1)));
  for (let i = 0; i < values.length; i++) {
    const isRepeat = units.some((of, axis) => of?.[Math.floor(i / strides[axis]!) % shape[axis]!] === 1);
    if (isRepeat) values[i] = others[i]!;
  }
}

/** For every old place of the first axis, its places now. */
function copiesOf({ from, kind }: CopiedParameter["axes"][number], before: number): number[][] {
  const copies: number[][] = Array.from({ length: before }, () => []);
  from.forEach((place, i) => {
    if (kind[i] === OLD) copies[place]!.push(i);
  });
  return copies.filter(({ length }) => length > 1);
}

/** Each entry of the copies becomes its own share of what they all were. */
function share(parameter: CopiedParameter, values: FloatNumbers, { seed, unevenly, noise }: Sharing): void {
  const { axes, shape, name, declaration } = parameter;
  const groups = copiesOf(axes[0]!, axes[0]!.before);
  if (groups.length === 0) return;
  const columns = sizeOf(shape.slice(1));
  const drawn = (what: string, initializer: Initializer) =>
    initialValues(`${name}/${what}`, { ...declaration, initializer }, seed);
  // Shares of their own for every entry: an optimiser that looks at signs alone would not tell proportional units apart.
  const weights = unevenly ? drawn("share", { kind: "uniform", low: 0.5, high: 1.5 }) : undefined;
  const normal = noise === undefined ? undefined : drawn("noise", { kind: "normal", standardDeviation: 1 });
  const entries = (visit: (places: readonly number[]) => void) => {
    for (const rows of groups) {
      for (let column = 0; column < columns; column++) visit(rows.map((row) => row * columns + column));
    }
  };
  let [squares, count] = [0, 0];
  entries((places) => {
    const total = places.reduce((sum, i) => sum + (weights?.[i] ?? 1), 0);
    for (const i of places) {
      values[i]! *= (weights?.[i] ?? 1) / total;
      squares += values[i]! ** 2;
      count++;
    }
  });
  if (normal === undefined) return;
  const deviation = Math.sqrt(squares / count) * 10 ** (-noise! / 20);
  entries((places) => {
    const mean = places.reduce((sum, i) => sum + normal[i]!, 0) / places.length;
    // What is left after the mean is taken away is smaller.
    const scale = deviation * Math.sqrt(places.length / (places.length - 1));
    for (const i of places) values[i]! += scale * (normal[i]! - mean);
  });
}

function notesOf({ parameters }: CopyPlan, { unevenly, noise, unitsFrom }: Sharing): GrowthNote[] {
  return parameters.flatMap((parameter) => {
    const { name, origin, before, shape, scale, axes, sums } = parameter;
    const isNew = origin !== name && sizeOf(before) === sizeOf(shape);
    const added = isNew ? 0 : sizeOf(shape) - sizeOf(before);
    const shared = sums && copiesOf(axes[0]!, axes[0]!.before).length > 0;
    const source = unitsFrom?.(parameter);
    const isZero = axes.every(({ kind }) => kind.every((of) => of === ZERO));
    if (!isNew && added === 0 && scale === 1 && !isZero) return [];
    const how = [
      ...(isZero ? ["all are 0"] : []),
      ...(isNew && !isZero ? [`copied from ${origin}`] : []),
      ...(added > 0 && source !== undefined ? [`new units are those of ${source}`] : []),
      ...(shared ? [`shared out ${unevenly ? "unevenly" : "evenly"}`] : []),
      ...(shared && noise !== undefined ? [`noise at ${noise} dB`] : []),
    ].join(", ");
    return [
      {
        name,
        before: isNew ? null : before,
        after: shape,
        ...(source === undefined ? { added: 0, copied: added } : { added, copied: 0 }),
        zero: isZero ? sizeOf(shape) : 0,
        scale,
        how,
      },
    ];
  });
}
