// What runs of small models take on a machine of today, where nothing is measured. Knows no model.

/** FLOP/s of one core. */
export const USUAL_SPEED = 15e9;

/** Seconds of a run beside its updates: process, data, plan, looks. */
export const BESIDE_SECONDS = 2;

/** What looks at the loss add to the updates. */
const LOOKS = 1.15;

/** Of a run in a process of its own. @param updating seconds of its updates */
export function runSeconds(updating: number): number {
  return BESIDE_SECONDS + LOOKS * updating;
}

/** What such a run leaves its updates. @param seconds of all of it */
export function updateSeconds(seconds: number): number {
  return (seconds - BESIDE_SECONDS) / LOOKS;
}
