// What modules of a study's models tell, such as the routers of experts, block by block: part of its report. Computes nothing.
import type { Column, ReportFigure, ReportPart, ReportSection, ReportTable } from "../report/document.ts";
import type { Unit } from "../report/units.ts";
import type { ArmResult } from "./armResult.ts";
import type { TrialResult } from "./result.ts";

/** A list that modules tell: what each of its entries and its rows are. */
interface ToldList {
  readonly title: string;
  readonly description: string;
  readonly row: string;
  readonly entry: string;
  readonly unit: Unit;
}

/** Lists by their names; of others no more is known than that they have entries. */
const lists: Readonly<Record<string, ToldList>> = {
  load: {
    title: "Load of experts",
    description:
      "Share of all choices that each expert got, before any was dropped: a row for each router, named by its place in the " +
      "network, blocks counted from 0, and a column for each of its experts.",
    ...{ row: "router", entry: "expert", unit: "share" },
  },
};

/** Single numbers by their names. */
const numbers: Readonly<Record<string, Column>> = {
  dropped: { heading: "choices dropped", unit: "share" },
  unserved: { heading: "tokens without an expert", unit: "share" },
  entropy: { heading: "entropy of the router, nat", unit: "nat" },
  balance: { heading: "balance loss, nat", unit: "nat" },
  zLoss: { heading: "z loss, nat", unit: "nat" },
};

/** Nothing where no module tells anything. */
export function moduleSection(result: TrialResult): ReportSection[] {
  const telling = result.arms.filter(({ statistics }) => Object.keys(statistics).length > 0);
  const parts: ReportPart[] = [
    ...listNames(telling).flatMap((name) => heatMapsOf(result, telling, name)),
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

/** One for each arm, in the same colours: a row for each module, a column for each entry of the list. */
function heatMapsOf({ data, seeds }: TrialResult, arms: readonly ArmResult[], name: string): ReportFigure[] {
  const told = lists[name] ?? {
    title: name,
    description: `${name} as each module tells it: a row for each module, a column for each entry.`,
    ...{ row: "module", entry: "entry", unit: "number" },
  };
  const maps = arms.flatMap((arm) => {
    const rows = Object.entries(arm.statistics).flatMap(([key, values]) => {
      const { module, last } = partsOf(key);
      return last === name && values.length > 1 ? [{ module, values }] : [];
    });
    return rows.length === 0 ? [] : [{ arm: arm.name, rows }];
  });
  const highest = Math.max(
    ...maps.flatMap(({ rows }) => rows.flatMap(({ values }) => values)),
    Number.MIN_VALUE,
  );
  return maps.map(({ arm, rows }) => {
    const columns = Array.from(
      { length: Math.max(...rows.map(({ values }) => values.length)) },
      (_, i) => `${told.entry} ${i + 1}`,
    );
    return {
      kind: "figure",
      title: `${told.title}, ${arm}`,
      description: told.description,
      data: `${data}, training batches`,
      seeds: seeds.length === 1 ? `seed ${seeds[0]}` : "mean over the seeds of the chosen rate",
      convention: "means over the last tenth of what was told while training",
      chart: {
        ...{ kind: "heat map", rowHeading: told.row, columns, unit: told.unit, domain: [0, highest] },
        rows: rows.map(({ module }) => module),
        values: rows.map(({ values }) => columns.map((_, i) => values[i] ?? null)),
      },
    };
  });
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
    note:
      "Means over the last tenth of what was told while training, and over seeds. Modules are named by their place in the " +
      "network, blocks counted from 0.",
    columns: [{ heading: "module" }, ...columns.map((name) => numbers[name] ?? { heading: name })],
    rows: modules.map((module) => [
      module,
      ...columns.map(
        (column) => told.find((one) => one.module === module && one.last === column)?.value ?? null,
      ),
    ]),
  };
}
