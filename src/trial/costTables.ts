// What the arms of a study cost, and how networks of arms that grow came to be: tables of its report. Draws nothing.
import type { Cell, ReportTable } from "../report/document.ts";
import type { ArmResult } from "./armResult.ts";
import type { TrialResult } from "./result.ts";

export function costTable({ arms }: TrialResult): ReportTable {
  return {
    kind: "table",
    title: "Costs",
    note: "Parameters and training FLOPs a token by every convention, of a network that grows those of the last one; numbers that decoding carries, and what all runs took.",
    columns: [
      { heading: "arm" },
      ...["total", "non-embedding", "active", "kaplan"].map((heading) => ({
        heading,
        unit: "count" as const,
      })),
      ...["FLOPs", "6N", "kaplan FLOPs", "chinchilla FLOPs"].map((heading) => ({
        heading,
        unit: "count" as const,
      })),
      { heading: "state", unit: "count" },
      { heading: "tokens/s", unit: "count" },
      { heading: "runs", unit: "whole" },
      { heading: "FLOPs of all", unit: "count" },
      { heading: "time of all", unit: "seconds" },
    ],
    rows: arms.map(({ name, parameters, flopsPerToken, state, tokensPerSecond, spent }) => [
      name,
      ...[parameters.total, parameters.nonEmbedding, parameters.active, parameters.kaplan],
      ...[flopsPerToken.training, flopsPerToken.sixN, flopsPerToken.kaplan, flopsPerToken.chinchilla],
      ...[state, tokensPerSecond, spent.runs, spent.flops, spent.seconds],
    ]),
  };
}

/** Arms that grow, a row for each of their networks; none where no arm grows. */
export function growthTables({ arms }: TrialResult): ReportTable[] {
  const growing = arms.filter(({ networks }) => networks.length > 1);
  if (growing.length === 0) return [];
  return [
    {
      kind: "table",
      title: "Networks of arms that grow",
      note:
        "Each network from the first to the last, how it came to be, and the updates that it makes, which are the same at every " +
        "rate and seed. FLOPs are those of training, and the share is of one run.",
      columns: [
        { heading: "arm" },
        { heading: "network" },
        { heading: "how it comes to be" },
        { heading: "layers", unit: "whole" },
        { heading: "width", unit: "whole" },
        { heading: "parameters", unit: "count" },
        { heading: "after updates", unit: "whole" },
        { heading: "its own updates", unit: "whole" },
        { heading: "FLOPs of these", unit: "count" },
        { heading: "share of FLOPs", unit: "share" },
      ],
      rows: growing.flatMap(networkRows),
    },
  ];
}

function networkRows({ name, networks, stages, tokens, steps, flops }: ArmResult): Cell[][] {
  return networks.map(({ architecture, parameters, method }, place) => {
    const { steps: own, flopsPerToken } = stages[place]!;
    const spent = own * (tokens / steps) * flopsPerToken.training;
    return [
      ...[name, `${place + 1} of ${networks.length}`, method === null ? "as given" : `grown by ${method}`],
      ...[architecture.repeat, architecture.width, parameters],
      stages.slice(0, place).reduce((sum, stage) => sum + stage.steps, 0),
      ...[own, spent, spent / flops],
    ];
  });
}
