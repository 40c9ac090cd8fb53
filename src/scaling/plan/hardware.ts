// Accelerators by name: their peak in dense bfloat16 (float16 for V100) as their makers state it. Knows no prices.

import { RequestError } from "../../errors.ts";
import { expectedOneOf } from "../../nearest.ts";

/** FLOP/s of one device. */
export const peaks: Readonly<Record<string, number>> = {
  v100: 125e12,
  a100: 312e12,
  h100: 989e12,
  h200: 989e12,
  b200: 2250e12,
  mi250x: 383e12,
  mi300x: 1307e12,
  "tpu-v3": 123e12,
  "tpu-v4": 275e12,
  "tpu-v5p": 459e12,
  t4: 65e12,
  "rtx-4090": 165e12,
};

/** The share of the peak that large runs reach. */
export const usualUtilisation = 0.4;

/** What a device does in an hour at a utilisation. Errors: RequestError for an unknown name. */
export function flopsPerHour(hardware: string, utilisation: number): number {
  const peak = peaks[hardware.toLowerCase()];
  if (peak === undefined) {
    throw new RequestError(
      `--hardware ${hardware.slice(0, 40)}: not known; ${expectedOneOf(hardware, Object.keys(peaks))}`,
    );
  }
  return 3600 * peak * utilisation;
}
