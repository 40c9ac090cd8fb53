// From measured primitives and PyTorch's recorded speeds to a table with goals. Runs nothing.

/**
 * @typedef {{ name: string, width: number, length: number, tokensPerSecond: number, usefulFlopsPerToken: number, peakGflops: number | null, shareOfPeak: number | null }} Cell
 * @typedef {{ cells: Cell[], skipped: { reason: string }[] }} Measurements
 * @typedef {{ width: number, length: number, tokensPerSecond: number, sharePercent: number }} Anchor
 * @typedef {{ peakGflops: number, rows: { name: string, cells: Anchor[] }[] }} Anchors
 * @typedef {{ columns: Record<string, string>, missed: boolean }} Row
 */

// Where PyTorch reaches less than this part of its peak, twice its share is the goal.
const WEAK = 25;
// Time per token at the longer length over that at the shorter.
const MOST = 1.75;

/** Mixers whose operations grow in proportion to the length, or nearly. */
export const linearTime = [
  ...["sliding-attention", "linear-attention", "gated-linear-attention", "retnet", "mamba", "mamba2"],
  ...["rwkv4-time", "rwkv5-time", "rwkv6-time", "delta-net", "gated-delta-net", "hyena", "min-gru"],
  ...["rg-lru", "lstm"],
];

/**
 * Ours beside the fastest form of the same primitive in PyTorch. Both shares count the same operations.
 * @param {Measurements} measured @param {Anchors} anchors @returns {Row[]}
 */
export function compareShares({ cells }, { rows, peakGflops }) {
  return cells.flatMap((cell) => {
    const forms = rows.filter(({ name }) => name === cell.name).flatMap((row) => row.cells);
    const peers = forms.filter(({ width, length }) => width === cell.width && length === cell.length);
    if (peers.length === 0 || cell.shareOfPeak === null) return [];
    const peer = peers.reduce((best, next) => (next.tokensPerSecond > best.tokensPerSecond ? next : best));
    const peerShare = (peer.tokensPerSecond * cell.usefulFlopsPerToken * 1e-9) / peakGflops;
    const ratio = cell.shareOfPeak / peerShare;
    const goal = peer.sharePercent < WEAK ? 2 : 1;
    return [
      {
        columns: {
          primitive: cell.name,
          shape: `${cell.width} x ${cell.length}`,
          "tokens/s": cell.tokensPerSecond.toFixed(0),
          share: percent(cell.shareOfPeak),
          PyTorch: percent(peerShare),
          ratio: ratio.toFixed(2),
          goal: String(goal),
        },
        missed: ratio < goal,
      },
    ];
  });
}

/** Every pair of lengths of a primitive. @param {Measurements} measured @returns {Row[]} */
export function compareTimes({ cells }) {
  const nanoseconds = (cell) => 1e9 / cell.tokensPerSecond;
  return cells.flatMap((long) => {
    const isShorter = (cell) =>
      cell.name === long.name && cell.width === long.width && cell.length < long.length;
    return cells.filter(isShorter).map((short) => {
      const ratio = nanoseconds(long) / nanoseconds(short);
      return {
        columns: {
          primitive: long.name,
          width: String(long.width),
          [`ns at ${short.length}`]: nanoseconds(short).toFixed(0),
          [`ns at ${long.length}`]: nanoseconds(long).toFixed(0),
          ratio: ratio.toFixed(2),
          "at most": String(MOST),
        },
        missed: ratio > MOST,
      };
    });
  });
}

/** @param {Row[]} rows */
export function tableOf(rows) {
  if (rows.length === 0) return "nothing to compare";
  const lines = [
    [...Object.keys(rows[0].columns), ""],
    ...rows.map(({ columns, missed }) => [...Object.values(columns), missed ? "missed" : ""]),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const align = (cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]));
  return lines.map((line) => line.map(align).join("  ").trimEnd()).join("\n");
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;
