// Names under which a training step finds its values in a store. Parameters have their own dotted names.

/** What the objective calls so, of a micro-batch. */
export const batchName = (name: string): string => `batch/${name}`;
/** u32 [2], new at every micro-batch: what dropout and noise are drawn from. */
export const randomKeyName = "random/key";

/** Of a micro-batch, added up until the update: sums over tokens, f32 []. */
export const lossSumName = "accumulated/loss";
export const countName = "accumulated/count";

/** A statistic of a step; its sum over micro-batches is an accumulator of the same name. */
export const statisticName = (statistic: string): string => `statistic/${statistic}`;
export const scalarName = (scalar: string): string => `scalar/${scalar}`;
export const stateName = (state: string, parameter: string): string => `${state}/${parameter}`;
export const accumulatorName = (parameter: string): string => stateName("accumulated", parameter);
