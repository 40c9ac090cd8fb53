// What a comparison is asked for, checked before anything is trained, and what it would cost. Trains nothing.
import { requireTask } from "../data/tasks/tasks.ts";
import { RequestError } from "../errors.ts";
import { type Budget, readBudget, showBudget } from "../study/budget.ts";
import type { Json } from "../study/job.ts";
import { defaultProcesses } from "../study/processes.ts";
import { leastBudget } from "../study/racing/race.ts";
import type { RaceSettings } from "../study/racing/settings.ts";
import { type Contestant, readContestant } from "./contestants.ts";
import { exhaustiveCost } from "./exhaustive.ts";
import { type IsoState, isoState } from "./isoState.ts";
import type { MixerSizes } from "./mixers.ts";
import { type PricedBudget, priceOf } from "./price.ts";
import type { Profile } from "./profile.ts";
import { requireProfile } from "./profiles/profiles.ts";
import { raceSettings } from "./racing.ts";
import { type Cell, cellsOf } from "./runs.ts";

/** What is asked for. */
export interface MadRequest {
  /** Short names, presets or files; or settings with a name. */
  readonly architectures: readonly (string | Contestant)[];
  /** A profile's name, or a profile of one's own. Default: clean. */
  readonly profile?: string | Profile | undefined;
  /** Names; default: all of the profile. */
  readonly tasks?: readonly string[] | undefined;
  /** How many; default: the profile's. */
  readonly seeds?: number | undefined;
  /** The first of them; default: the profile's, or 1. */
  readonly firstSeed?: number | undefined;
  /** Every run to its end, in place of a race; default: as the profile has it. */
  readonly full?: boolean | undefined;
  /** The profile's harder settings as well. */
  readonly difficulty?: boolean | undefined;
  /** Of a race: `10m` (by the clock), `20000steps`, `3e13flops`; default: a tenth of the FLOPs of all runs. */
  readonly budget?: string | Budget | undefined;
  /** Default: the fastest that is there. */
  readonly backend?: string | null | undefined;
  /** Runs at a time; default: as many as there are cores, divided by `threads`. */
  readonly processes?: number | undefined;
  /** Of each run; default 1. */
  readonly threads?: number | undefined;
}

/** A request, complete. */
export interface Comparison {
  readonly profile: Profile;
  readonly contestants: readonly Contestant[];
  readonly tasks: readonly string[];
  readonly seeds: readonly number[];
  readonly isFull: boolean;
  readonly cells: readonly Cell[];
  /** Null: all of it. */
  readonly budget: Budget | null;
  readonly priced: PricedBudget | null;
  /** What the racing rule is told; null: all is run. */
  readonly raced: RaceSettings | null;
  readonly processes: number;
  readonly threads: number;
  readonly cost: ReturnType<typeof exhaustiveCost>;
  readonly isoStates: ReadonlyMap<string, IsoState>;
  /** What tells one comparison from another, as the study keeps it. */
  readonly json: Json;
  /** The same with so many of its seeds. */
  readonly requestOf: (count: number) => { readonly [key: string]: Json };
}

/** Share of the FLOPs of all runs that a race may spend where no budget is given. */
const usualShare = 0.1;

/** Errors: RequestError, one line, for everything that can be known to be wrong before training. */
export function defineComparison(request: MadRequest): Comparison {
  const { profile: named = "clean", backend = null } = request;
  const given = typeof named === "string" ? requireProfile(named) : named;
  const chosen = withTasks(given, request.tasks);
  const profile = request.difficulty ? withHarder(chosen) : chosen;
  const { firstSeed = profile.firstSeed ?? 1 } = request;
  const isFull = request.full ?? (profile.isRaced === false && request.budget === undefined);
  if (request.architectures.length === 0) {
    throw new RequestError("mad: no architectures; expected some, such as attention hyena mamba");
  }
  const names = Object.keys(profile.tasks);
  const contestants = contestantsOf(request.architectures, profile.sizes);
  const seeds = Array.from({ length: request.seeds ?? profile.seeds }, (_, i) => firstSeed + i);
  const cells = cellsOf({ contestants, profile, tasks: names, seeds, backend });
  const cost = exhaustiveCost(cells);
  const { threads = 1, processes = defaultProcesses(threads) } = request;
  const asked = budgetOf(request);
  const budget = isFull ? null : (asked ?? { unit: "flops", value: usualShare * cost.flops });
  const priced = priceOf(budget, cost, processes);
  const raced = priced === null ? null : raceSettings({ cells, score: profile.score, ...priced });
  if (raced !== null) requireEnough(budget!, raced);
  const models = new Map(cells.map(({ architecture, runs }) => [architecture, runs[0]!.spec.architecture]));
  const isoStates = new Map([...models].map(([name, model]) => [name, isoState(model)]));
  const requestOf = (count: number) => ({
    kind: "mad",
    ...{ profile: profile.name, tasks: [...names], seeds: seeds.slice(0, count), full: isFull, backend },
    runs: contestants.map(({ name }) => ({
      architecture: name,
      names: cells
        .filter(({ architecture, seed }) => architecture === name && seeds.indexOf(seed) < count)
        .flatMap(({ runs }) => runs.map(({ run }) => run)),
    })),
  });
  return {
    ...{ profile, contestants, tasks: names, seeds, isFull, cells, cost, isoStates, requestOf },
    ...{ budget, priced, raced, processes, threads, json: requestOf(seeds.length) },
  };
}

function budgetOf({ budget, full }: MadRequest): Budget | undefined {
  if (budget !== undefined && full) {
    throw new RequestError("mad: --full runs everything, whatever it costs; leave out --budget, or --full");
  }
  return typeof budget === "string" ? readBudget(budget) : budget;
}

/** Errors: RequestError where the budget does not pay for one result of each architecture on each task. */
function requireEnough(budget: Budget, raced: RaceSettings): void {
  const share = leastBudget(raced) / raced.budget!;
  if (share <= 1) return;
  throw new RequestError(
    `mad: --budget ${showBudget(budget)} is too small for one result of each architecture; expected at least ` +
      `${showBudget({ unit: budget.unit, value: budget.value * share })}, or fewer architectures or tasks`,
  );
}

/** The profile with the tasks that are asked for; none: its own. */
function withTasks(profile: Profile, asked: readonly string[] | undefined): Profile {
  if (asked === undefined) return profile;
  const known = { ...profile.tasks, ...profile.further };
  const chosen = asked.map((name) => {
    requireTask(name);
    const variants = known[name];
    if (variants !== undefined) return [name, variants] as const;
    throw new RequestError(
      `mad: profile ${profile.name} has no sizes for ${name}; expected some of ${Object.keys(known).join(", ")}`,
    );
  });
  return { ...profile, tasks: Object.fromEntries(chosen) };
}

function withHarder(profile: Profile): Profile {
  const { harder = {}, tasks } = profile;
  const all = Object.entries(tasks).map(([task, variants]) => [task, [...variants, ...(harder[task] ?? [])]]);
  return { ...profile, tasks: Object.fromEntries(all) };
}

function contestantsOf(architectures: readonly (string | Contestant)[], sizes: MixerSizes): Contestant[] {
  const contestants = architectures.map((one) =>
    typeof one === "string" ? readContestant(one, sizes) : one,
  );
  const names = contestants.map(({ name }) => name);
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice === undefined) return contestants;
  throw new RequestError(
    `mad: two architectures are called ${twice}; name each once, or rename one of the files`,
  );
}
