// What may decide which units of a network stay.

/** `taylor`: Σ |g · w| over a unit's parameters, on batches; `magnitude`: Σ w²; `random`: chance. */
export const pruneCriteria = ["taylor", "magnitude", "random"] as const;
/** One of them. */
export type PruneCriterion = (typeof pruneCriteria)[number];
