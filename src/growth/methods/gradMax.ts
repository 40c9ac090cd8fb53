// GradMax (Evci et al. 2022): new hidden units are silent, so that nothing changes, and what reads them are the directions in
// which their first gradient is largest: right singular vectors of the gradient of a bypass beside them. Where other weights of
// a unit decide when it is heard, as a gate does, these begin as in a new network, and each unit has a gradient of its own.
import { RequestError } from "../../errors.ts";
import { type GrowthNote, growNetwork, type NamedTensors, notesOf } from "../grow.ts";
import { placesIn } from "../places.ts";
import type { GrowthPlan } from "../plan.ts";
import { planStep } from "../steps.ts";
import { type BypassPlace, freeParameters, openBypasses } from "./bypass.ts";
import type { GrowingNetwork, GrownStep, GrowthData, LearningMethod } from "./method.ts";
import { rightSingularVectors } from "./singular.ts";

export const gradMax: LearningMethod = {
  name: "gradmax",
  summary: "new hidden units output nothing, and are read where their first gradient is largest",
  grows: ["settings"],
  preserves: true,
  twins: false,
  needsData: true,
  async grow(network, steps, { seed, signal }, data) {
    let { architecture, values } = network;
    let flops = 0;
    const made: GrownStep[] = [];
    for (const step of steps) {
      const plan = planStep(architecture, step);
      const places = growingPlaces(plan);
      const larger = growNetwork(plan, values, seed);
      signal?.throwIfAborted();
      flops += await chooseUnits(data, { architecture, values }, places, larger.values);
      made.push({ step, plan, notes: notesOf(plan).map((note) => noted(note, places)) });
      ({ architecture, values } = larger);
    }
    return { architecture, values, steps: made, flops };
  },
};

/** Batches that a gradient is measured on. */
const BATCHES = 4;
/** Of the features, how many directions of one gradient are taken at most: units beyond have those of further batches. */
const SHARE = 1 / 4;
/** Hidden units of a bypass whose units have gradients of their own, as far as one unit does not need more. */
const TILED = 4096;

/** A place with new hidden units: those from `old` up to `count`. */
interface GrowingPlace extends BypassPlace {
  /** What its parameters' names begin with in the larger network. */
  readonly prefix: string;
  readonly old: number;
  readonly count: number;
  /** Each unit has a gradient of its own. */
  readonly isFree: boolean;
  /** New units that one measurement is enough for. */
  readonly perTurn: number;
}

/** Errors: RequestError where anything grows but hidden units. */
function growingPlaces(plan: GrowthPlan): GrowingPlace[] {
  const { from, to } = plan;
  if (from.sources.length > 0 || from.loop !== null || from.paths !== null) {
    throw new RequestError(
      "grow: gradmax measures each place by itself, and this network has parameter sources, a loop or paths; expected none, or method zero",
    );
  }
  const after = placesIn(to);
  return placesIn(from).flatMap((place, i): GrowingPlace[] => {
    const [before, now] = [place.module, after[i]!.module].map(({ growth }) => growth);
    const changed = Object.keys(now?.sizes ?? {}).filter((size) => now!.sizes[size] !== before!.sizes[size]);
    if (changed.length === 0) return [];
    const units = now!.units;
    if (units === undefined || changed.some((size) => size !== units.size)) {
      throw new RequestError(
        `grow: gradmax cannot grow ${changed.join(", ")} of ${place.entry.primitive}; it grows hidden units of feed-forward ` +
          "layers without an activation after the last map, method zero grows the rest",
      );
    }
    const isFree = freeParameters(after[i]!.module, units).length > 0;
    const [old, count] = [before!.sizes[units.size]!, now!.sizes[units.size]!];
    const tiles = isFree ? Math.min(count - old, Math.max(1, Math.floor(TILED / from.width))) : 1;
    const perTurn = isFree ? tiles : Math.max(1, Math.floor(from.width * SHARE));
    return [{ place, prefix: after[i]!.prefix, units, tiles, old, count, isFree, perTurn }];
  });
}

/** Gives all new units their values; returns what that took, in FLOPs. */
async function chooseUnits(
  data: GrowthData,
  network: GrowingNetwork,
  places: readonly GrowingPlace[],
  values: NamedTensors,
): Promise<number> {
  const { width } = network.architecture;
  const bypasses = openBypasses(data, network, places);
  try {
    const turns = Math.max(0, ...places.map(({ old, count, perTurn }) => Math.ceil((count - old) / perTurn)));
    for (let turn = 0; turn < turns; turn++) {
      const units = places.map(({ old, count, perTurn }) => {
        const first = old + turn * perTurn;
        return Array.from({ length: Math.max(0, Math.min(perTurn, count - first)) }, (_, i) => first + i);
      });
      places.forEach((place, i) => {
        for (const name of bypasses.places[i]!.free) {
          bypasses.places[i]!.write(name, columnsOf(values, place, name, units[i]!));
        }
      });
      await bypasses.measure(turn * BATCHES, BATCHES);
      places.forEach((place, i) => {
        const gradients = bypasses.places[i]!.read();
        const vectors = place.isFree
          ? gradients.flatMap((gradient) => rightSingularVectors(gradient, width, 1))
          : rightSingularVectors(gradients[0]!, width, place.perTurn);
        units[i]!.forEach((unit, n) => {
          writeUnit(values, place, unit, vectors[n]!);
        });
      });
    }
    return turns * BATCHES * bypasses.flops;
  } finally {
    bypasses.dispose();
  }
}

/** Of [..., units], those columns, side by side; the last one again where there are fewer than tiles. */
function columnsOf(
  values: NamedTensors,
  { prefix, tiles, count }: GrowingPlace,
  name: string,
  units: readonly number[],
): Float64Array {
  const { data } = values[`${prefix}${name}`]!;
  return Float64Array.from({ length: (data.length / count) * tiles }, (_, i) => {
    const unit = units[Math.min(i % tiles, units.length - 1)] ?? 0;
    return data[Math.floor(i / tiles) * count + unit]!;
  });
}

/** Its silent parameters are 0, what reads it is the direction with the mean length of what reads old units. */
function writeUnit(
  values: NamedTensors,
  { prefix, units, old, count }: GrowingPlace,
  unit: number,
  direction: Float64Array,
): void {
  if (direction.every((value) => value === 0)) {
    throw new RequestError(
      `grow: gradmax finds no gradient for new units of ${prefix.slice(0, -1)}: its activation is flat at 0, or nothing behind it learns; method zero does not look`,
    );
  }
  for (const name of units.silent) {
    const { data } = values[`${prefix}${name}`]!;
    for (let i = unit; i < data.length; i += count) data[i] = 0;
  }
  const { data } = values[`${prefix}${units.read}`]!;
  const width = direction.length;
  let lengths = 0;
  for (let row = 0; row < old; row++) lengths += Math.hypot(...data.subarray(row * width, (row + 1) * width));
  direction.forEach((value, i) => {
    data[unit * width + i] = (value * lengths) / old;
  });
}

function noted(note: GrowthNote, places: readonly GrowingPlace[]): GrowthNote {
  const isOf = (names: (units: GrowingPlace["units"]) => readonly string[]) =>
    places.some(({ prefix, units }) => names(units).some((name) => note.name === `${prefix}${name}`));
  if (isOf(({ silent }) => silent)) return { ...note, zero: note.added };
  if (!isOf(({ read }) => [read])) return note;
  return { ...note, zero: 0, how: "new rows are singular vectors of the gradient" };
}
