// The study as a page: verdicts, tables and curves. Runs nothing.

import { reportPage } from "../../dist/index.js";
import { MARGIN } from "./summary.js";

const titles = { depth: "4 × 64 to 16 × 64", width: "4 × 64 to 4 × 128" };
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const CONVENTION = "exact training FLOPs, the small network's counted; means over seeds";

/** One line for each grown arm. */
export function verdictLines(design, rows) {
  return rows.slice(1).flatMap(({ arm, comparison, saved }) => {
    if (comparison.low === null || saved === null) return [];
    const { difference, low, high, verdict, furtherSeeds } = comparison;
    const isTold = verdict === "win" || verdict === "loss";
    const word = { win: "beats", loss: "loses to", tie: "ties with", undecided: "is not told apart from" }[
      verdict
    ];
    // Who wins says the sign; where nobody does, it says who has the lower loss.
    const amount = isTold
      ? distance(difference, low, high)
      : `the difference is ${signed(difference)} nat ${range(low, high, signed)}`;
    const more = furtherSeeds === null ? "" : `, ${furtherSeeds} further seeds might`;
    const text =
      `${titles[design]}, ${arm}: ${word} scratch${isTold ? ` by ${amount}` : `: ${amount}`}${more}; ` +
      `FLOPs saved ${percent(saved.value)} [${saved.interval.map(percent).join(", ")}]`;
    return [{ outcome: verdict === "loss" ? "win" : verdict, text }];
  });
}

const signed = (value) => `${value > 0 ? "+" : ""}${value.toFixed(4)}`;
const range = (low, high, write) => `[${write(low)}, ${write(high)}]`;

/** By how much one is better, whichever it is. */
function distance(difference, low, high) {
  const ends = [low, high].map((end) => (difference < 0 ? -end : end)).sort((a, b) => a - b);
  return `${Math.abs(difference).toFixed(4)} nat ${range(...ends, (end) => end.toFixed(4))}`;
}

export function studyPage({ designs, size, data, command }) {
  const entries = Object.entries(designs);
  return reportPage({
    title: "Growing in the middle of training, against scratch",
    notes: [
      `Every run has ${size.flops.toExponential(1)} training FLOPs, the small network's counted. Rates: ${size.rates.join(", ")}; ` +
        "each arm's own is chosen on its first seed, on text of its own. Losses are of held-out text that no choice has seen.",
      "The rate is constant after warm-up and falls over the last third of scratch's steps, so a curve reaches scratch's last loss " +
        "late, and shares of FLOPs saved are smaller than those that a run of its own with less FLOPs would show.",
      `A tie is a difference surely below ${MARGIN} nat. The interval of a difference is of 95 % for all pairs of arms at ` +
        "once; that of one arm's loss or share is of 95 % for itself alone: Student's t over seeds, spread pooled over arms.",
    ],
    facts: [],
    verdicts: entries.flatMap(([design, rows]) => verdictLines(design, rows)),
    sections: entries.map(([design, rows]) => sectionOf(design, rows, size)),
    origin: [
      { name: "made by", value: command },
      { name: "data", value: data },
    ],
  });
}

function sectionOf(design, rows, { rates, seeds }) {
  const told = {
    data: "gutenberg_novels, held-out halves of 32,768 characters",
    seeds: `seeds ${seeds.join(", ")}`,
  };
  const best = Math.min(...rows.map(({ loss }) => loss?.value ?? Number.POSITIVE_INFINITY));
  const chosen = rows.filter(({ isAtEdge }) => isAtEdge).map(({ arm, rate }) => `${arm} (${rate})`);
  return {
    heading: titles[design],
    parts: [
      ...(chosen.length === 0
        ? []
        : [
            {
              kind: "text",
              text: `The best rate lies at an end of the grid, so another may be better: ${chosen.join(", ")}.`,
            },
          ]),
      {
        ...{ kind: "table", title: `Losses at equal FLOPs, ${titles[design]}` },
        note: "Held-out loss with its interval, the difference from scratch, and the share of scratch's FLOPs that is saved.",
        columns: [
          { heading: "arm" },
          { heading: "rate" },
          { heading: "steps", unit: "whole" },
          { heading: "held-out loss", unit: "nat" },
          { heading: "against scratch", unit: "nat" },
          { heading: "FLOPs saved", unit: "share" },
        ],
        rows: rows.map(({ arm, rate, steps, loss, comparison, saved }) => [
          ...[arm, rate, steps],
          loss === null ? null : { ...loss, ...(loss.value === best ? { mark: "best" } : {}) },
          comparison === null || comparison.low === null
            ? null
            : { value: comparison.difference, interval: [comparison.low, comparison.high] },
          saved,
        ]),
      },
      {
        ...{ kind: "table", title: `Choice of rates, ${titles[design]}` },
        note: `Loss on the text for choices, seed ${seeds[0]}; a dash: out of bounds or not run.`,
        columns: [{ heading: "arm" }, ...rates.map((rate) => ({ heading: String(rate), unit: "nat" }))],
        rows: rows.map(({ arm, selection }) => [arm, ...selection]),
      },
      ...[...new Set(rows.flatMap(({ arm }) => arm.match(/at (.+)$/)?.[1] ?? []))].map((moment) => ({
        ...{
          kind: "figure",
          title: `Loss by FLOPs, ${titles[design]}, grown at ${percent(Number(moment))}`,
          ...told,
        },
        description: "Held-out loss by training FLOPs; a grown arm begins with the small network.",
        convention: CONVENTION,
        chart: {
          kind: "curves",
          x: { label: "training FLOPs", unit: "count", scale: "linear" },
          y: { label: "held-out loss", unit: "nat", scale: "linear" },
          series: rows
            .filter(({ arm }) => arm === "scratch" || arm.endsWith(`at ${moment}`))
            .map(({ arm, curve }) => ({ name: arm, points: curve.map(([x, y]) => ({ x, y })) })),
          levels: [],
        },
      })),
    ],
  };
}
