// Where the shared values of a relaxed network come from, by name. Knows no network.

/**
 * Where the values of the k-th of K shared blocks come from, of N: from block k · (N - 1) / (K - 1), first and last included;
 * from the mean of those that share it; from block k.
 */
export const relaxedSelections = ["stepwise", "average", "lower"] as const;
/** One of `relaxedSelections`. */
export type RelaxedSelection = (typeof relaxedSelections)[number];
