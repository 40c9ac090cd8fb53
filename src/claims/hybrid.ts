// Blocks of hybrids of Hyena and attention, for claims of the MAD paper. Knows no claim.

/**
 * Hyena with filters by a network as small as the paper's models have (4 there): the usual one of 64 would be most of the
 * parameters of models as narrow as these.
 */
const HYENA = "hyena(filterWidth: 16, filterLayers: 1, positionFeatures: 9)";

/** So many blocks of mixer and SwiGLU; attention is the last mixer of each `period`, null: nowhere. */
export function hybridStripe(period: number | null, heads: number, layers: number): string {
  const attention = `attention(heads: ${heads})`;
  const mixer = period === null ? HYENA : period === 1 ? attention : `${HYENA} | ${attention} 1/${period}`;
  return `[${mixer}, swiglu] × ${layers}`;
}

/** Hyena knows positions of its own. */
export const positionsOf = (period: number | null): string => (period === null ? "none" : "rope");
