// Plans as lines of text: one, or several beside each other. Plans nothing.

import { formatBytes, formatCount } from "../../report/format.ts";
import type { Ladder } from "../../scaling/plan/ladder.ts";
import type { ModelPlan } from "../../scaling/plan/plan.ts";

/** Plans by one or several laws, warnings first. */
export function planText(plans: readonly ModelPlan[]): string {
  const warnings = plans.flatMap((plan) => plan.warnings);
  const lines = plans.length === 1 ? onePlan(plans[0]!) : beside(plans);
  return [...warnings, ...lines, ""].join("\n");
}

function onePlan(plan: ModelPlan): string[] {
  const { cost, memory, recipe, shape } = plan;
  return [
    ...facts(plan).map(([name, value]) => `${name.padEnd(16)} ${value}`),
    `${"memory".padEnd(16)} ${formatBytes(memory.trainingBytes)} training (f32, Adam), ${formatBytes(memory.inferenceBytes)} of weights in use (bf16)`,
    ...(shape === null
      ? []
      : [
          `${"shape".padEnd(16)} ${shape.depth} layers of width ${shape.width}, ` +
            (shape.attentionShare === 0
              ? ""
              : `${shape.heads} heads of ${shape.headWidth} (${shape.keyValueHeads} of keys and values), `) +
            `feed-forward ${shape.feedforward}: ${formatCount(shape.parameters)} parameters`,
          `${"".padEnd(16)} ${shape.description}; state of a sequence ${formatBytes(shape.stateBytes)} in bf16`,
          `${"".padEnd(16)} depth by ${shape.depthRule}`,
        ]),
    `${"batch".padEnd(16)} ${recipe.batchTokens === null ? "unknown without a loss" : `${formatCount(recipe.batchTokens)} tokens, ${formatCount(recipe.steps!)} steps`}; ${recipe.batchRule}`,
    `${"rate".padEnd(16)} ${recipe.rate === null ? "" : `${recipe.rate.toPrecision(2)}; `}${recipe.rateRule}`,
    `${"schedule".padEnd(16)} ${recipe.schedule}; warm-up ${formatCount(recipe.warmupTokens)} tokens`,
    ...recipe.notes.map((note) => `${"note".padEnd(16)} ${note}`),
    "",
    "beside it, for the same FLOPs:",
    ...plan.alternatives.map(
      ({ parameters, tokens, loss, excess }) =>
        `  ${formatCount(parameters).padStart(7)} parameters  ${formatCount(tokens).padStart(7)} tokens` +
        (loss === null ? "" : `  loss ${loss.toFixed(4)}  ${percent(excess!)}`),
    ),
    "",
    `law ${plan.law}: ${plan.formula}`,
    `  ${plan.source}`,
    `  ${plan.convention}`,
    `  cost at ${(100 * cost.utilisation).toFixed(0)} % of the peak of ${cost.hardware}`,
  ];
}

function beside(plans: readonly ModelPlan[]): string[] {
  const columns = plans.map((plan) => new Map(facts(plan)));
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  const rows = [
    ["law", ...plans.map((plan) => plan.law)],
    ...names.map((name) => [name, ...columns.map((column) => column.get(name) ?? "")]),
  ];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return [
    ...rows.map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join("  ")
        .trimEnd(),
    ),
    "",
    ...plans.map((plan) => `${plan.law}: ${plan.convention}`),
  ];
}

function facts(plan: ModelPlan): (readonly [string, string])[] {
  const { loss, lossInterval, cost, parametersInterval: sizes } = plan;
  const between =
    lossInterval === null ? "" : ` [${lossInterval.map((value) => value.toFixed(3)).join(", ")}]`;
  return [
    [
      "parameters",
      `${formatCount(plan.parameters)}${sizes === null ? "" : ` [${sizes.map(formatCount).join(", ")}]`}`,
    ],
    ["tokens", `${formatCount(plan.tokens)} (${plan.tokensPerParameter.toPrecision(3)} a parameter)`],
    ["training FLOP", plan.flops.toExponential(3)],
    ...(plan.inferenceFlops === 0 ? [] : [["inference FLOP", plan.inferenceFlops.toExponential(3)] as const]),
    ...(plan.epochs === null
      ? []
      : [
          [
            "epochs",
            `${plan.epochs.toPrecision(3)}, worth ${formatCount(plan.effectiveTokens!)} fresh tokens`,
          ] as const,
        ]),
    [
      "loss",
      loss === null
        ? "not known by this law"
        : `${loss.toFixed(3)}${between || " (no interval: no covariance of the constants is known)"}`,
    ],
    [
      "cost",
      `${formatCount(cost.hours)} hours of ${cost.hardware}, ${cost.petaflopDays.toPrecision(3)} petaflop/s-days` +
        (cost.inferenceHours === 0 ? "" : `; inference ${formatCount(cost.inferenceHours)} hours more`),
    ],
  ];
}

/** A ladder as a table. */
export function ladderText(
  law: string,
  { rungs, flops }: Ladder,
  cost: { readonly hardware: string; readonly utilisation: number; readonly hours: number },
  warnings: readonly string[],
): string {
  return [
    ...warnings,
    "      budget  parameters      tokens",
    ...rungs.map(
      ({ budget, parameters, tokens }) =>
        `${budget.toExponential(2).padStart(12)}  ${formatCount(parameters).padStart(10)}  ${formatCount(tokens).padStart(10)}`,
    ),
    `${rungs.length} runs, ${flops.toExponential(3)} FLOP, ${cost.hours.toPrecision(2)} hours of ${cost.hardware} at ${(100 * cost.utilisation).toFixed(0)} %`,
    `sizes around the optimum of law ${law}; fit them with scantling fit RUNS.csv --law isoflop and --law chinchilla`,
    "",
  ].join("\n");
}

function percent(excess: number): string {
  return `${excess < 0 ? "-" : "+"}${(100 * Math.abs(excess)).toFixed(2)} %`;
}
