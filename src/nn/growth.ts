// How a primitive grows: which axes of its parameters belong to which of its sizes, and what new entries must be so that it
// computes what it did. Plain data; who grows networks reads no more of a primitive than this (Gesmundo and Maile 2023).
import type { Surroundings } from "./primitive.ts";

/**
 * What new entries along a size are: `zero`; `output`, which nobody notices on the residual stream (zero, or the mean of the old
 * ones where norms subtract the mean); `copy` of the old ones in turn; `share`, copies that share out the old one. Anything else may begin anywhere.
 */
export type AddedEntries = "zero" | "output" | "copy" | "share";

/** How one parameter grows. */
export interface GrowingParameter {
  /**
   * The sizes each axis is made of, axes separated by commas: `width, kvHeads group keyWidth` is a matrix whose columns are
   * those of heads, grouped. Numbers are fixed sizes, and `a + b` stand one after the other.
   */
  readonly axes: string;
  /** What entries are that are new along a size; absent: arbitrary. */
  readonly added?: Readonly<Record<string, AddedEntries>>;
  /** Old entries are multiplied by (new / old size) to this power. */
  readonly scale?: Readonly<Record<string, number>>;
  /** Its first axis is summed over, as the inputs of a linear map are; absent: each entry acts on features by itself. */
  readonly sums?: true;
}

/**
 * Hidden units, the places of one size, which has the name of its setting. A unit outputs its hidden value times its row of
 * `read`, and no more; where its columns of all `silent` are 0, the hidden value is 0, whatever else it has.
 */
export interface HiddenUnits {
  readonly size: string;
  /** Parameters whose last axis is the units. */
  readonly silent: readonly string[];
  /** [units, width]. */
  readonly read: string;
}

/** How a module with its settings grows. The size `width` is that of the model around it. */
export interface Growth {
  readonly sizes: Readonly<Record<string, number>>;
  /** Of each place along a size, where places are not alike: an old place goes where its label is. */
  readonly labels?: Readonly<Record<string, readonly string[]>>;
  /** Lists of sizes that number the same places: the n-th of one is the n-th of the others. */
  readonly same?: readonly (readonly string[])[];
  /** By name within the module. */
  readonly parameters: Readonly<Record<string, GrowingParameter>>;
  /** Its output is not linear in the parameters whose added entries are `output`: their mean is not the output's. */
  readonly nonlinearOutput?: boolean;
  /**
   * Sizes whose places may be copied: it computes what it did where maps that sum over the copies share their entries out
   * among them. Absent: none.
   */
  readonly copies?: readonly string[];
  /** Units whose place in the network their gradient alone can choose; absent: there are none. */
  readonly units?: HiddenUnits;
  /** Why no new place of it can leave the residual stream as it is and learn; absent: one whose outputs are zero can. */
  readonly cannotBegin?: string;
}

/** A module before or after it grows. */
export interface Grown<Settings> {
  readonly settings: Settings;
  readonly surroundings: Surroundings;
}

/** What a primitive's file says of how it grows. */
export interface GrowthDefinition<Settings> {
  /** Settings that may change, besides the model's width. */
  readonly settings: readonly (keyof Settings & string)[];
  /** Sizes and parameters of a module with these settings. */
  declare(settings: Settings, surroundings: Surroundings): Growth;
  /** Settings that have to change with `changes` and with the surroundings, so that it computes what it did; absent: none. */
  follow?(before: Grown<Settings>, changes: Partial<Settings>, surroundings: Surroundings): Partial<Settings>;
  /** Why `after` cannot compute what `before` does, and what can; absent or undefined: it can. */
  refuse?(before: Grown<Settings>, after: Grown<Settings>): string | undefined;
}

/** A linear map's weight, and its bias where it has one, by their names: from the features `from` to the features `to`. */
export function growingLinear(
  name: string,
  [from, to]: readonly [from: string, to: string],
  { bias, ...how }: { readonly bias: boolean } & Pick<GrowingParameter, "added" | "scale">,
): Readonly<Record<string, GrowingParameter>> {
  const ofBias = (of: Readonly<Record<string, unknown>> = {}) =>
    Object.fromEntries(Object.entries(of).filter(([size]) => to.split(/[ +]+/).includes(size)));
  const biased = {
    axes: to,
    added: ofBias(how.added) as Record<string, AddedEntries>,
    scale: ofBias(how.scale) as Record<string, number>,
  };
  return {
    [`${name}.weight`]: { axes: `${from}, ${to}`, sums: true, ...how },
    ...(bias ? { [`${name}.bias`]: biased } : {}),
  };
}

/** Those of a feed-forward layer from `up` to `down`. */
export function hiddenUnits(bias: boolean): HiddenUnits {
  return {
    size: "feedforward",
    silent: bias ? ["up.weight", "up.bias"] : ["up.weight"],
    read: "down.weight",
  };
}

/** A short convolution's filters of `taps` places, and their bias where they have one. */
export function growingConvolution(
  name: string,
  taps: number,
  features: string,
  { bias, added = {} }: { readonly bias: boolean; readonly added?: Readonly<Record<string, AddedEntries>> },
): Readonly<Record<string, GrowingParameter>> {
  return {
    [`${name}.weight`]: { axes: `${taps}, ${features}`, added: copiesOf(added) },
    ...(bias ? { [`${name}.bias`]: { axes: features, added } } : {}),
  };
}

/** Filters of features that are zero may be anything, those of copies must be copies. */
function copiesOf(added: Readonly<Record<string, AddedEntries>>): Record<string, AddedEntries> {
  return Object.fromEntries(Object.entries(added).filter(([, entries]) => entries === "copy"));
}

/** The map back to the residual stream from features that nobody has read before. */
export function growingOutput(from: string, bias: boolean): Readonly<Record<string, GrowingParameter>> {
  const zeros = Object.fromEntries(from.split(/[ +]+/).map((size) => [size, "zero" as const]));
  return growingLinear("output", [from, "width"], { bias, added: { ...zeros, width: "output" } });
}

/** Of places that are told apart by their number, or by that and by how many there are. */
export function placeLabels(count: number, among = ""): string[] {
  return Array.from({ length: count }, (_, i) => `${i} ${among}`);
}

/** The number of heads that keeps heads as wide as they were in a model of another width, where there is one. */
export function headsFollowing<Settings extends { readonly heads?: number | undefined }>(
  { settings, surroundings }: Grown<Settings>,
  changes: { readonly heads?: number | undefined },
  { width }: Surroundings,
): { readonly heads?: number } {
  const heads = (width * settings.heads!) / surroundings.width;
  return changes.heads !== undefined || !Number.isInteger(heads) ? {} : { heads };
}

/** Why heads that divide the width and are normalised cannot become wider; undefined: they are as wide as before. */
export function refuseWiderHeads(
  before: Grown<{ readonly heads?: number | undefined }>,
  after: Grown<{ readonly heads?: number | undefined }>,
): string | undefined {
  const headWidth = before.surroundings.width / before.settings.heads!;
  if (after.surroundings.width / after.settings.heads! === headWidth) return undefined;
  return (
    `what a head of ${headWidth} features reads is normalised or turned as a whole; expected heads of that width, so a width ` +
    `of ${headWidth} · heads`
  );
}

const OWN_OUTPUT =
  "its states are its output where they are as many as the width; give it another number of hidden features";

/** Why a recurrence without a map behind its states cannot begin as nothing. */
export function statesAsOutput(hidden: number, width: number): Pick<Growth, "cannotBegin"> {
  return hidden === width ? { cannotBegin: OWN_OUTPUT } : {};
}

/** Why a recurrence that has no map behind its states, or would get or lose one, cannot grow; undefined: it has one. */
export function refuseStatesAsOutput(
  ...sides: readonly Grown<{ readonly hidden?: number | undefined }>[]
): string | undefined {
  return sides.some(({ settings, surroundings }) => settings.hidden === surroundings.width)
    ? OWN_OUTPUT
    : undefined;
}
