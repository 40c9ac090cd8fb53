// What a race is told: who takes part, in what, how far, at what price. Knows no rule.
import type { Job, Json } from "../job.ts";
import type { Cell } from "../statistics/table.ts";

/** Who is raced, in numbers from 0: arms (architectures), items (pieces of work), candidates (rates), seeds. */
export interface Entry {
  readonly arm: number;
  readonly item: number;
  readonly candidate: number;
  readonly seed: number;
}

/** What a job's value says. */
export interface Outcome extends Cell {
  /** Higher is better; chooses among candidates, from data that no score is taken from. */
  readonly selection: number;
  /** Why training longer is of no use: the worker found it solved, or hopeless; null to go on. */
  readonly stopped: "solved" | "hopeless" | null;
}

/** A race. */
export interface RaceSettings {
  readonly arms: number;
  readonly items: number;
  readonly candidates: number;
  /** The most seeds of an arm and item, 1 or more. */
  readonly seeds: number;
  /** How far a run is taken by its first job, its second, …: rising. */
  readonly rungs: readonly number[];
  /** Of the candidates that reach a rung one in so many goes on, at least one; default: only one goes on. */
  readonly reduction?: number;
  /** In units of `price` and `cost`; null for no bound. */
  readonly budget: number | null;
  /** Of a budget in seconds by the clock: jobs at a time, which go on side by side; default: what jobs cost is added up. */
  readonly processes?: number;
  /** The share of the budget that goes to the first seed: choosing candidates and climbing the rungs; default 0.7. */
  readonly tuningShare?: number;
  /** Chance of any false win, as in `compareArms`; default 0.05. */
  readonly alpha?: number;
  /** As in `compareArms`. */
  readonly margin: number;
  /** What a job costs that takes a run from one rung (0: from the start) to another, as known beforehand. */
  readonly price: (entry: Entry, from: number, until: number) => number;
  /** What a finished job did cost. */
  readonly cost: (result: { readonly flops: number; readonly seconds: number }) => number;
  /** The job that takes an entry to a rung; its run's name depends on the entry alone. */
  readonly job: (entry: Entry, until: number) => Job;
  /** What a finished job's value says. */
  readonly read: (value: Json, entry: Entry) => Outcome;
}
