// What modules of a study's models tell, such as the routers of experts, block by block: part of its report. Computes nothing.
import type { ReportFigure, ReportPart, ReportSection, ReportTable } from "../report/document.ts";
import type { ArmResult, TrialResult } from "./result.ts";

/** Nothing where no module tells anything. */
export function moduleSection(result: TrialResult): ReportSection[] {
  const telling = result.arms.filter(({ statistics }) => Object.keys(statistics).length > 0);
  const parts: ReportPart[] = [
    ...listNames(telling).map((name) => heatMapOf(result, telling, name)),
    ...telling.map(numberTable).filter(({ rows }) => rows.length > 0),
  ];
  return parts.length === 0 ? [] : [{ heading: "What modules tell", parts }];
}

/** `block.0.moe.load` is the `load` of `block.0.moe`. */
function partsOf(name: string): { readonly module: string; readonly last: string } {
  const end = name.lastIndexOf(".");
  return { module: name.slice(0, end), last: name.slice(end + 1) };
}

function listNames(arms: readonly ArmResult[]): string[] {
  const names = arms.flatMap(({ statistics }) =>
    Object.entries(statistics).flatMap(([name, values]) => (values.length > 1 ? [partsOf(name).last] : [])),
  );
  return [...new Set(names)];
}

/** A row for each module, a column for each entry of the list: of the load of experts, each expert's. */
function heatMapOf({ data, seeds }: TrialResult, arms: readonly ArmResult[], name: string): ReportFigure {
  const rows = arms.flatMap((arm) =>
    Object.entries(arm.statistics).flatMap(([key, values]) => {
      const { module, last } = partsOf(key);
      return last === name && values.length > 1 ? [{ label: `${arm.name}, ${module}`, values }] : [];
    }),
  );
  const columns = Math.max(...rows.map(({ values }) => values.length));
  return {
    kind: "figure",
    title: `${name}, a row for each module`,
    description: `${name} as each module of each arm tells it; the columns are its entries, such as a router's experts by number.`,
    data: `${data}, training batches`,
    seeds: seeds.length === 1 ? `seed ${seeds[0]}` : "mean over the seeds of the chosen rate",
    convention: "means over the last tenth of what was told while training",
    chart: {
      kind: "heat map",
      rows: rows.map(({ label }) => label),
      columns: Array.from({ length: columns }, (_, i) => String(i + 1)),
      values: rows.map(({ values }) => Array.from({ length: columns }, (_, i) => values[i] ?? null)),
      unit: "number",
      domain: [0, Math.max(...rows.flatMap(({ values }) => values), Number.MIN_VALUE)],
    },
  };
}

/** Single numbers: a row for each module, a column for each thing told. */
function numberTable({ name: arm, statistics }: ArmResult): ReportTable {
  const told = Object.entries(statistics).flatMap(([name, values]) =>
    values.length === 1 ? [{ ...partsOf(name), value: values[0]! }] : [],
  );
  const columns = [...new Set(told.map(({ last }) => last))];
  const modules = [...new Set(told.map(({ module }) => module))];
  return {
    kind: "table",
    title: `Modules of ${arm}`,
    note: "Means over the last tenth of what was told while training, and over seeds.",
    columns: [{ heading: "module" }, ...columns.map((heading) => ({ heading }))],
    rows: modules.map((module) => [
      module,
      ...columns.map(
        (column) => told.find((one) => one.module === module && one.last === column)?.value ?? null,
      ),
    ]),
  };
}
