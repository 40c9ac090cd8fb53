// The tables of a study's report: losses, rates, other budgets, costs. Draws nothing.
import type { ReportTable } from "../report/document.ts";
import type { TrialResult } from "./result.ts";

export function lossTable(result: TrialResult): ReportTable {
  const { arms, seeds } = result;
  const lowest = Math.min(...arms.map(({ test }) => test?.loss ?? Infinity));
  return {
    kind: "table",
    title: "Losses of the test",
    note: "Nats a token with 95 % intervals, over the seeds that an arm has; the test's tokens have chosen nothing.",
    columns: [
      { heading: "arm" },
      { heading: "loss", unit: "nat" },
      { heading: "best rate" },
      { heading: "parameters", unit: "count" },
      { heading: "FLOPs of a run", unit: "count" },
      ...seeds.map((seed) => ({ heading: `seed ${seed}`, unit: "nat" as const })),
    ],
    rows: arms.map(({ name, test, rate, parameters, flops, tests }) => [
      name,
      test === null
        ? null
        : {
            value: test.loss,
            ...(test.interval === null ? {} : { interval: test.interval }),
            mark: test.loss === lowest ? ("best" as const) : undefined,
          },
      rate,
      parameters.total,
      flops,
      ...seeds.map((_, seed) => tests[seed] ?? null),
    ]),
  };
}

export function rateTable({ arms }: TrialResult): ReportTable {
  const most = Math.max(...arms.map(({ rates }) => rates.length));
  return {
    kind: "table",
    title: "Rates",
    note:
      "Loss on the tokens that select, of a race under the first seed, else mean over seeds; the chosen rate is marked. One " +
      "under which runs failed is not chosen while another has fewer such.",
    columns: [
      { heading: "arm" },
      ...Array.from({ length: most }, (_, i) => [
        { heading: `rate ${i + 1}` },
        { heading: `loss ${i + 1}`, unit: "nat" as const },
      ]).flat(),
    ],
    rows: arms.map(({ name, rates, rateLosses, rate }) => [
      name,
      ...rates.flatMap((one, i) => [
        one,
        rateLosses[i] === null
          ? null
          : { value: rateLosses[i]!, mark: one === rate ? ("best" as const) : undefined },
      ]),
    ]),
  };
}

export function viewTable({ arms, views }: TrialResult): ReportTable {
  return {
    kind: "table",
    title: "Losses at other budgets",
    note:
      "Tokens, FLOPs and seconds: where all arms end there, of the test; else on the tokens that select, where the arm that " +
      "comes least far ends, and the rates of the others have not fallen as at their end. Parameters: of the test, moved to the middle of the arms' sizes along Kaplan's power law.",
    columns: [
      { heading: "held equal" },
      { heading: "budget", unit: "count" },
      ...arms.map(({ name }) => ({ heading: name, unit: "nat" as const })),
    ],
    rows: views.map(({ name, budget, losses }) => {
      const lowest = Math.min(...losses.map((loss) => loss ?? Infinity));
      return [
        name,
        budget,
        ...losses.map((loss) =>
          loss === null ? null : { value: loss, mark: loss === lowest ? ("best" as const) : undefined },
        ),
      ];
    }),
  };
}

export function verdictTable({ pairs, views }: TrialResult): ReportTable {
  return {
    kind: "table",
    title: "Verdicts at other budgets",
    note: "An asterisk: decided otherwise than at the budget that was asked for.",
    columns: [{ heading: "pair" }, { heading: "as asked" }, ...views.map(({ name }) => ({ heading: name }))],
    rows: pairs.map((pair, place) => [
      `${pair.first}, ${pair.second}`,
      pair.winner ?? pair.verdict,
      ...views.map(({ pairs: there, flips }) => {
        const { winner, verdict, difference } = there[place]!;
        if (difference === null) return null;
        return `${winner ?? verdict}${flips.includes(place) ? " *" : ""}`;
      }),
    ]),
  };
}

export function costTable({ arms }: TrialResult): ReportTable {
  return {
    kind: "table",
    title: "Costs",
    note: "Parameters and training FLOPs a token by every convention, numbers that decoding carries, and what all runs took.",
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
      { heading: "runs", unit: "count" },
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
