// A comparison as a race: what the racing rule is told of cells, runs, scores and prices. The rule itself is in src/study.
import { WorkError } from "../errors.ts";
import { type Known, toJson } from "../study/job.ts";
import type { Standing } from "../study/racing/race.ts";
import type { Entry, Outcome, RaceSettings } from "../study/racing/settings.ts";
import { itemVariance } from "../study/statistics/table.ts";
import { readValue, type ScoredRun } from "./outcome.ts";
import type { ScoreName } from "./profile.ts";
import type { CandidateRun, Cell } from "./runs.ts";
import { margin } from "./scores.ts";

/** Shares of a run's steps, in thousandths, at which runs are compared. */
const rungs: readonly number[] = [30, 120, 210, 260, 320, 400, 500, 650, 800, 1000];
/** A run that is at chance after this share of its steps is hopeless. */
const hopelessAfter = 0.3;
/** Share of the budget for the first seed: what it takes the second one costs at most. */
const tuningShare = 0.5;

export interface RaceRequest {
  readonly cells: readonly Cell[];
  readonly score: ScoreName;
  readonly budget: number;
  /** In the budget's unit: what some steps of a run cost, from its start or not. */
  readonly price: (run: CandidateRun, steps: number) => number;
  /** In the budget's unit: what a finished job did cost. */
  readonly cost: RaceSettings["cost"];
  /** Of a budget in time: jobs at a time. */
  readonly processes?: RaceSettings["processes"];
}

/** Cells by number, as the rule has them. */
interface Numbering {
  readonly arms: readonly string[];
  readonly items: readonly (readonly [task: string, variant: string])[];
  readonly seeds: readonly number[];
  runOf(entry: Entry): CandidateRun;
}

/** What the race has as items, in its order. */
function itemsOf(cells: readonly Cell[]): Numbering["items"] {
  return [
    ...new Map(cells.map(({ task, variant }) => [`${task}\n${variant}`, [task, variant] as const])).values(),
  ];
}

function numberingOf(cells: readonly Cell[]): Numbering {
  const arms = [...new Set(cells.map(({ architecture }) => architecture))];
  const seeds = [...new Set(cells.map(({ seed }) => seed))];
  const items = itemsOf(cells);
  const byKey = new Map(
    cells.map((cell) => [[cell.architecture, cell.task, cell.variant, cell.seed].join("\n"), cell]),
  );
  return {
    ...{ arms, items, seeds },
    runOf({ arm, item, seed, candidate }) {
      const cell = byKey.get([arms[arm], ...items[item]!, seeds[seed]].join("\n"));
      const run = cell?.runs[candidate];
      if (run === undefined)
        throw new WorkError("the race names a run that does not exist; please report it");
      return run;
    },
  };
}

/** Scores are known at looks. */
function stepsOf({ steps, evaluateEvery }: CandidateRun, rung: number): number {
  return Math.min(steps, evaluateEvery * Math.ceil((steps * rung) / 1000 / evaluateEvery));
}

/**
 * The runs that a race compares: of each cell that of the candidate that is raced, as far as all its seeds were taken. Others may
 * look better by having been stopped sooner, or lucky under one seed, and no verdict is about them.
 * Null before the first rung has ended: nothing is chosen yet.
 */
export function racedRuns(
  cells: readonly Cell[],
  { tuned, tables }: Standing,
  { results }: Pick<Known, "results">,
): ((cell: Cell) => ScoredRun | null) | null {
  if (tuned.every((row) => row.every((lane) => lane === null))) return null;
  const { arms, items, seeds } = numberingOf(cells);
  const values = new Map(results.map(({ run, until, value }) => [`${until} ${run}`, value]));
  return ({ architecture, task, variant, seed, runs }) => {
    const arm = arms.indexOf(architecture);
    const item = items.findIndex(([ofTask, ofVariant]) => ofTask === task && ofVariant === variant);
    const { candidate, until } = tuned[arm]![item]!;
    const isCompared = (tables[item]![arm]![seeds.indexOf(seed)] ?? null) !== null;
    if (candidate === null || !isCompared) return null;
    const run = runs[candidate]!;
    return { run, value: readValue(run.run, values.get(`${stepsOf(run, until)} ${run.run}`)) };
  };
}

export function raceSettings({ cells, score, budget, price, cost, processes }: RaceRequest): RaceSettings {
  const numbering = numberingOf(cells);
  const { arms, items, seeds, runOf } = numbering;
  return {
    ...{ arms: arms.length, items: items.length, seeds: seeds.length, candidates: cells[0]!.runs.length },
    ...{ rungs, tuningShare, margin, budget, cost },
    ...(processes === undefined ? {} : { processes }),
    price(entry, from, until) {
      const run = runOf(entry);
      return price(run, stepsOf(run, until) - (from === 0 ? 0 : stepsOf(run, from)));
    },
    job(entry, until) {
      const run = runOf(entry);
      return { run: run.run, until: stepsOf(run, until), spec: toJson(run.spec) };
    },
    read: (value, entry) => outcomeOf(runOf(entry), value, score),
  };
}

function outcomeOf(run: CandidateRun, raw: unknown, score: ScoreName): Outcome {
  const value = readValue(run.run, raw);
  const { test, selection, solvedAt, step, looksAtChance, curve } = value;
  const isHopeless = looksAtChance === curve.length && step >= hopelessAfter * run.steps;
  return {
    score: test[score],
    itemVariance: itemVariance(test.accuracy, test.items.count),
    // The loss tells rates apart before accuracies do.
    selection: -selection.loss,
    stopped: solvedAt !== null ? "solved" : isHopeless ? "hopeless" : null,
  };
}
