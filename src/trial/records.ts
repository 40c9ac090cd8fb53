// What a study takes from the log of a run: losses on the way, speeds, what modules told. Knows no study.
import type { LogRecord } from "../train/log.ts";
import { numberAt } from "../train/runResult.ts";

/** On the validation data, on the way. */
export function looksOf(log: readonly LogRecord[]) {
  return log.flatMap((record) => {
    const [step, loss] = [numberAt(record, "step"), numberAt(record, "loss")];
    if (record.kind !== "evaluation" || step === null || loss === null) return [];
    return [{ step, loss, accuracy: numberAt(record.statistics, "accuracy") }];
  });
}

/** Median over the updates of each network of a run that has grown; else none. */
export function stageSpeedsOf(log: readonly LogRecord[]): (number | null)[] {
  const grown = log.flatMap((record) => (record.kind === "growth" ? [numberAt(record, "step") ?? 0] : []));
  if (grown.length === 0) return [];
  return [...grown, Infinity].map((end, place) => {
    const start = grown[place - 1] ?? 0;
    const speeds = log.flatMap((record) => {
      const [step, speed] = [numberAt(record, "step"), numberAt(record, "tokensPerSecond")];
      const isOf = record.kind === "step" && step !== null && step > start && step <= end;
      return isOf && speed !== null && speed > 0 ? [speed] : [];
    });
    return speeds.sort((a, b) => a - b)[speeds.length >> 1] ?? null;
  });
}

/** The last tenth of what is told. */
const SHARE = 0.1;

/** Means of what modules told, `block.0.moe.load`, over the last records; what the objective tells is not among it. */
export function statisticsOf(log: readonly LogRecord[]): Record<string, number[]> {
  const told = log.flatMap((record) =>
    record.kind === "statistics" && typeof record.values === "object" && record.values !== null
      ? [record.values as Readonly<Record<string, unknown>>]
      : [],
  );
  const last = told.slice(-Math.max(1, Math.floor(SHARE * told.length)));
  const names = Object.keys(last.at(-1) ?? {}).filter((name) => name.includes("."));
  const means = names.flatMap((name) => {
    const lists = last.flatMap((values) => {
      const list: readonly unknown[] = [values[name]].flat();
      return list.every((value) => typeof value === "number") ? [list as readonly number[]] : [];
    });
    const own = meanOf(lists);
    return own.length === 0 ? [] : [[name, own] as const];
  });
  return Object.fromEntries(means);
}

/** Place by place, of lists that are as long as the first. */
export function meanOf(lists: readonly (readonly number[])[]): number[] {
  const equal = lists.filter(({ length }) => length === lists[0]!.length);
  return (lists[0] ?? []).map((_, i) => equal.reduce((sum, list) => sum + list[i]!, 0) / equal.length);
}
