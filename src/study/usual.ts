// What runs of small models take on a machine of today, where nothing is measured. Knows no model.

/** FLOP/s of one core. */
export const USUAL_SPEED = 15e9;

/** Seconds of a run beside its updates: process, data, plan, looks. */
export const BESIDE_SECONDS = 2;
