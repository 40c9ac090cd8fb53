// How fast candidates are on this machine, and how fast they would be at other sizes. Trains nothing.
import { defineTraining } from "../train/settings.ts";
import { type ArmPace, measurePaces, type PaceOptions, type TimedArm } from "../trial/paces.ts";
import type { DesignSettings } from "./input.ts";
import type { PrepareDesignOptions } from "./prepare.ts";
import type { Candidate } from "./sizes.ts";

/** Each as fast, in FLOP/s, as the one of its name was; those that were not there as all were together. */
export function scaled(
  candidates: readonly Candidate[],
  timed: readonly Candidate[],
  paces: readonly ArmPace[],
): number[] {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const seconds = paces.map(({ secondsPerStep }) => secondsPerStep);
  const mean = sum(seconds) / sum(timed.map(({ flopsPerToken }) => flopsPerToken));
  return candidates.map(({ name, flopsPerToken }) => {
    const place = timed.findIndex((one) => one.name === name);
    if (place < 0) return flopsPerToken * mean;
    return seconds[place]! * (flopsPerToken / timed[place]!.flopsPerToken);
  });
}

/** Where it is timed, and who is told. */
export type TimingOptions = PaceOptions &
  Pick<PrepareDesignOptions, "onTiming"> & { readonly training: DesignSettings["training"] };

/** So many times as long as usual for its FLOPs is slow, or was disturbed. */
const DOUBTFUL = 2;

/** One after the other, so that it can be told how far it is. */
export async function pacesOf(
  candidates: readonly Candidate[],
  { onTiming, training, ...paced }: TimingOptions,
): Promise<ArmPace[]> {
  const paces: ArmPace[] = [];
  const { schedule: _, order: __, ...common } = training;
  const armOf = ({ name, architecture, parametrisation }: Candidate): TimedArm => {
    const own = parametrisation === undefined ? {} : { parametrisation };
    return {
      name,
      architecture,
      updates: defineTraining({ ...common, ...own, steps: 1, batch: paced.batch }),
    };
  };
  const timed = async (place: number): Promise<ArmPace> => {
    onTiming?.(place + 1, candidates.length);
    const [pace] = await measurePaces([armOf(candidates[place]!)], paced);
    return pace!;
  };
  for (const place of candidates.keys()) paces.push(await timed(place));
  // One that was disturbed would have a budget refused; what else the machine does can only make it look slower.
  const each = paces.map(({ secondsPerStep }, place) => secondsPerStep / candidates[place]!.flopsPerToken);
  const usual = [...each].sort((a, b) => a - b)[each.length >> 1]!;
  for (const [place, pace] of paces.entries()) {
    if (each[place]! <= DOUBTFUL * usual) continue;
    const again = await timed(place);
    if (again.secondsPerStep < pace.secondsPerStep) paces[place] = again;
  }
  return paces;
}
