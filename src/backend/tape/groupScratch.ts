// How large a group's tiles are and how much working memory they take (the twin of the layout in src/kernels/group.h).

/** Bytes of a tile's registers together: what stays in a 32 KiB first-level cache beside the memory that streams by. */
const tileBudget = 24 * 1024;
const mostElements = 2048;
const fewestElements = 512;
const line = 64;

const roundUp = (x: number, to: number): number => Math.ceil(x / to) * to;

/** Rows of a tile: about 512 to 2048 elements, at least one row, no more than there are. `realBytes`: 4, or 8 for doubles. */
export function groupTileRows(shape: {
  rows: number;
  length: number;
  tileRegisters: number;
  realBytes: number;
}): number {
  const { rows, length, tileRegisters, realBytes } = shape;
  const fitting = Math.floor(tileBudget / realBytes / (tileRegisters + 1));
  const elements = Math.min(mostElements, Math.max(fewestElements, fitting));
  return Math.max(1, Math.min(rows, Math.floor(elements / length)));
}

export interface GroupSizes {
  /** Elements of a row. */
  readonly length: number;
  readonly tileRows: number;
  readonly tileRegisters: number;
  readonly columnRegisters: number;
  /** `real`s that column sums keep: each rounded up to sixteen. */
  readonly accumulators: number;
  readonly values: number;
  readonly realBytes: number;
}

/** Bytes of context.scratch that a group works in. */
export function groupScratchBytes(sizes: GroupSizes): number {
  const { length, tileRows, tileRegisters, columnRegisters, accumulators, values, realBytes } = sizes;
  const stagingTiles = 4;
  const tile = roundUp(tileRows * length * realBytes, line) + line;
  const column = roundUp(tileRows * realBytes, line);
  return (
    (tileRegisters + stagingTiles) * tile +
    columnRegisters * column +
    roundUp(accumulators * realBytes, line) +
    roundUp(4 * tileRows * 8, line) +
    roundUp(values * 8, line)
  );
}
