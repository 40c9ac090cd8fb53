// The figures and the table made from the runs of both sides. Knows nothing of how they were run.

/**
 * One workload's runs; run i of one side stood next to run i of the other in time.
 * @typedef {import("./run.js").Run} Run
 * @typedef {{ name: string, scantling: Run[], torch: Run[] }} Measured
 * @typedef {ReturnType<typeof summarise>} Summary
 */

// Weights and data are drawn from the same distributions by different generators, so losses agree only so far.
const LOSS_TOLERANCE = 0.3;

/** Middle value, or the mean of the two in the middle. @param {number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Medians of either side, and the median, lowest and highest ratio of speeds within a round. @param {Measured} measured */
export function summarise({ name, scantling, torch }) {
  const ratios = scantling.map((run, i) => run.tokensPerSecond / torch[i].tokensPerSecond);
  const scantlingPeakMemoryBytes = median(scantling.map((run) => run.peakMemoryBytes));
  const torchPeakMemoryBytes = median(torch.map((run) => run.peakMemoryBytes));
  return {
    name,
    scantlingTokensPerSecond: median(scantling.map((run) => run.tokensPerSecond)),
    torchTokensPerSecond: median(torch.map((run) => run.tokensPerSecond)),
    ratio: median(ratios),
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
    scantlingPeakMemoryBytes,
    torchPeakMemoryBytes,
    memoryRatio: scantlingPeakMemoryBytes / torchPeakMemoryBytes,
  };
}

/** Says where the two sides did not train the same thing. @param {Measured} measured @returns {string[]} */
export function disagreements({ name, scantling, torch }) {
  return ["lossFirst", "lossLast"].flatMap((key) => {
    const [ours, theirs] = [scantling[0][key], torch[0][key]];
    if (Math.abs(ours - theirs) <= LOSS_TOLERANCE) return [];
    return [`${name}: ${key} is ${ours} and ${theirs}: the two sides do not train the same thing`];
  });
}

/** @param {Summary[]} rows */
export function table(rows) {
  const mib = (bytes) => (bytes / 2 ** 20).toFixed(0);
  const lines = [
    [
      "workload",
      "scantling tok/s",
      "torch tok/s",
      "ratio",
      "min",
      "max",
      "scantling MiB",
      "torch MiB",
      "ratio",
    ],
    ...rows.map((row) => [
      row.name,
      row.scantlingTokensPerSecond.toFixed(0),
      row.torchTokensPerSecond.toFixed(0),
      row.ratio.toFixed(2),
      row.ratioMin.toFixed(2),
      row.ratioMax.toFixed(2),
      mib(row.scantlingPeakMemoryBytes),
      mib(row.torchPeakMemoryBytes),
      row.memoryRatio.toFixed(2),
    ]),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const align = (cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]));
  return lines.map((line) => line.map(align).join("  ")).join("\n");
}
