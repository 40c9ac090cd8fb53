// Best sizes and exponents as tables, beside those of others. Fits nothing.
import type { ReportTable } from "../report/document.ts";
import type { Estimate } from "../scaling/intervals.ts";

export const flopName = (budget: number): string => `${budget.toExponential(0).replace("+", "")} FLOP`;

/** The best size at a budget of FLOPs, where there is one between the sizes; its tokens are what the budget then pays for. */
export interface Optimum {
  readonly budget: number;
  readonly parameters: number | null;
  readonly tokensPerParameter: number | null;
  readonly loss: number | null;
}

export function optimaTable(optima: readonly Optimum[]): ReportTable {
  return {
    ...{ kind: "table", title: "Minima of the valleys" },
    note: "Chinchilla: about 20 tokens a parameter at 1e21 FLOP and beyond. A dash: no minimum between the sizes.",
    columns: [
      { heading: "budget" },
      { heading: "parameters", unit: "count" },
      { heading: "tokens a parameter", unit: "number" },
      { heading: "loss", unit: "nat" },
    ],
    rows: optima.map(({ budget, parameters, tokensPerParameter, loss }) => [
      ...[flopName(budget), parameters, tokensPerParameter, loss],
    ]),
  };
}

export function exponentTable(a: Estimate | null, law: Readonly<Record<string, Estimate>>): ReportTable {
  const ours = (estimate: Estimate | null | undefined) =>
    estimate == null ? null : { value: estimate.value, interval: estimate.interval ?? undefined };
  return {
    ...{ kind: "table", title: "Exponents" },
    note: "N_opt = k·C^a and L = E + A/N^alpha + B/D^beta; 95 % intervals. Shown, not judged: text, models and budgets are others.",
    columns: [
      { heading: "exponent" },
      { heading: "ours" },
      { heading: "Hoffmann et al." },
      { heading: "Besiroglu et al." },
      { heading: "Kaplan et al." },
    ],
    rows: [
      ["a", ours(a), "0.50, 0.49, 0.46", "0.513", "0.73"],
      ["alpha", ours(law.alpha), "0.339", "0.348", null],
      ["beta", ours(law.beta), "0.285", "0.366", null],
    ],
  };
}
