// The tables of a study's report: losses, rates, other budgets; costs and growth are in costTables.ts. Draws nothing.
import type { Cell, ReportEstimate, ReportTable } from "../report/document.ts";
import type { Unit } from "../report/units.ts";
import { type ArmResult, decidedBy } from "./armResult.ts";
import { measures } from "./measures.ts";
import type { ViewResult } from "./pairResult.ts";
import type { TrialResult } from "./result.ts";
import { seedsRun } from "./words.ts";

export function lossTable(result: TrialResult): ReportTable {
  const { arms, seeds, measure, words } = result;
  const ran = seedsRun(result);
  const lowest = Math.min(...arms.map((arm) => decidedBy(arm, measure)));
  const isTold = arms.some(({ accuracy }) => accuracy !== null);
  const isOfErrors = measure === "error";
  const mark = (arm: ArmResult) => (decidedBy(arm, measure) === lowest ? ("best" as const) : undefined);
  return {
    kind: "table",
    title: "Losses of the test",
    note:
      `Nats ${words.item} with 95 % intervals, over the seeds that an arm has; ` +
      `${words.test} have chosen nothing.${isOfErrors ? " Seeds: accuracy in per cent; the error is what is left to 100." : ""}`,
    columns: [
      { heading: "arm" },
      ...(isTold ? [{ heading: "accuracy, %", unit: "percent" as const }] : []),
      { heading: "loss", unit: "nat" },
      { heading: "best rate" },
      { heading: "parameters", unit: "count" },
      { heading: "active", unit: "count" },
      { heading: `FLOPs of ${words.sequence}, forward`, unit: "count" },
      { heading: "FLOPs of a run", unit: "count" },
      ...ran.map((seed) => ({ heading: `seed ${seeds[seed]}`, unit: measures[measure].unit })),
    ],
    rows: arms.map((arm) => {
      const { name, test, accuracy, rate, parameters, forwardFlops, flops, tests, accuracies } = arm;
      const share = accuracy === null ? null : percentOf(accuracy);
      return [
        name,
        ...(isTold ? [share === null ? null : { ...share, ...(isOfErrors ? { mark: mark(arm) } : {}) }] : []),
        test === null
          ? null
          : {
              value: test.loss,
              ...(test.interval === null ? {} : { interval: test.interval }),
              ...(isOfErrors ? {} : { mark: mark(arm) }),
            },
        ...[rate, parameters.total, parameters.active, forwardFlops, flops],
        ...ran.map((seed) => {
          const right = accuracies[seed] ?? null;
          return isOfErrors ? (right === null ? null : 100 * right) : (tests[seed] ?? null);
        }),
      ];
    }),
  };
}

function percentOf({ share, interval }: NonNullable<ArmResult["accuracy"]>): ReportEstimate {
  const [low, high] = interval ?? [];
  return {
    value: 100 * share,
    ...(low === undefined || high === undefined ? {} : { interval: [100 * low, 100 * high] as const }),
  };
}

export function rateTable({ arms, words }: TrialResult): ReportTable {
  const most = Math.max(...arms.map(({ rates }) => rates.length));
  return {
    kind: "table",
    title: "Rates",
    note:
      `Loss on ${words.selection}, of a race under the first seed, else mean over seeds; the chosen rate is marked, which in a race ` +
      "later seeds may have chosen. One under which runs failed is not chosen while another has fewer such.",
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

export function viewTable({ arms, views: all, measure, words }: TrialResult): ReportTable {
  const views = all.filter(({ axis }) => axis.of !== "measure");
  const { unit } = measures[measure];
  const [title, unitWords] = measure === "loss" ? ["Losses", "nats"] : ["Errors", "per cent"];
  return {
    kind: "table",
    title: `${title} at other budgets`,
    note:
      `${title} in ${unitWords}. Tokens, FLOPs and seconds: where all arms end there, to within an update, of the test; else on ${words.selection}, where the arm ` +
      "that comes least far ends, and the rates of the others have not fallen as at their end." +
      (views.some(({ axis }) => axis.of === "parameters")
        ? " Parameters: of the test, moved to the middle of the arms' sizes along Kaplan's power law."
        : ""),
    columns: [
      { heading: "held equal" },
      { heading: "budget", unit: "count" },
      ...arms.map(({ name }) => ({ heading: name, unit })),
    ],
    rows: views.map(({ name, axis, budget, losses }) => {
      const lowest = Math.min(...losses.map((loss) => loss ?? Infinity));
      return [
        name,
        budget === null ? null : { value: budget, unit: budgetUnit(axis) },
        ...losses.map((loss) =>
          loss === null ? null : { value: loss, mark: loss === lowest ? ("best" as const) : undefined },
        ),
      ];
    }),
  };
}

const budgetUnit = ({ of }: ViewResult["axis"]): Unit => (of === "seconds" ? "seconds" : "count");

/** Whatever there are fewer of, pairs or budgets, are the columns, so that few windows cut it. */
export function verdictTable({ pairs, views }: TrialResult): ReportTable {
  const names = pairs.map(({ first, second }) => `${first}, ${second}`);
  const budgets = ["as asked", ...views.map(({ name }) => name)];
  const cell = (pair: number, budget: number): Cell => {
    if (budget === 0) return pairs[pair]!.winner ?? pairs[pair]!.verdict;
    const { pairs: there, flips, wonHere } = views[budget - 1]!;
    const { winner, verdict, difference } = there[pair]!;
    if (difference === null) return null;
    return `${winner ?? verdict}${[...flips, ...wonHere].includes(pair) ? " *" : ""}`;
  };
  const isTall = pairs.length > budgets.length;
  const [across, down] = isTall ? [budgets, names] : [names, budgets];
  return {
    kind: "table",
    title: "Verdicts at other budgets",
    note: "Who wins, or the verdict. An asterisk: decided otherwise than at the budget that was asked for, or decided here alone.",
    columns: [isTall ? "pair" : "held equal", ...across].map((heading) => ({ heading })),
    rows: down.map((name, row) => [
      name,
      ...across.map((_, column) => (isTall ? cell(row, column) : cell(column, row))),
    ]),
  };
}
