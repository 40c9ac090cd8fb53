// Any runs held against each other: those that differ in nothing but their seed are one arm. Trains nothing; knows no study.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { RequestError } from "../errors.ts";
import { formatNumber } from "../report/format.ts";
import { type ComparisonOptions, compareArms } from "../study/statistics/compare.ts";
import { stepDownLine } from "../study/statistics/stepDown.ts";
import type { Cell, Table } from "../study/statistics/table.ts";
import { isImages, type RunConfiguration, readConfiguration } from "../train/runFolder.ts";
import { flopsAfter, type RunResult, readRun, runResult } from "../train/runResult.ts";
import { type PairResult, pairResult } from "./pairResult.ts";
import { looksOf } from "./records.ts";
import type { Look } from "./views.ts";

/** One run. Losses are nats. */
export interface ComparedRun {
  readonly folder: string;
  readonly arm: string;
  readonly architecture: RunConfiguration["architecture"];
  readonly seed: number;
  /** What its losses are of: equal for runs whose losses can be drawn together. */
  readonly scored: {
    readonly data: string;
    readonly sha256: string;
    readonly objective: string;
    /** Tokens of text, from the beginning of those that were kept for validation, and how many were kept; null of images. */
    readonly validation: { readonly tokens: number; readonly of: number } | null;
  };
  readonly result: RunResult;
  /** On the validation data, on the way. */
  readonly curve: readonly Look[];
  /** Shares of right first guesses there; none where its objective does not tell them. */
  readonly accuracies: readonly { readonly step: number; readonly accuracy: number }[];
  /** Training FLOPs before each of them, each update's by the network it was made with; null where the log does not tell. */
  readonly flops: readonly (number | null)[];
  /** The last of the losses; null where there is none. */
  readonly loss: number | null;
}

/** Runs held against each other. */
export interface RunComparison {
  readonly runs: readonly ComparedRun[];
  readonly arms: readonly string[];
  /** Names of the data; where these or what is scored differ no losses are compared. */
  readonly data: readonly string[];
  /**
   * Of arms by the last loss, seed by seed; empty where there is nothing to compare. Undecided where runs of the two are not
   * finished or were not trained on equally many tokens.
   */
  readonly pairs: readonly PairResult[];
  /** What must be known before the first number, a line each. */
  readonly notes: readonly string[];
}

const MOST_RUNS = 200;
/** Nats; surely less than this is a tie. */
const usualMargin = 0.01;

/** Errors: RequestError for a folder without a run, or twice the same; WorkError for damaged files. */
export function compareRuns(folders: readonly string[], margin: number = usualMargin): RunComparison {
  const study = folders.find((folder) => existsSync(join(folder, "study.json")));
  if (study !== undefined) {
    throw new RequestError(
      `compare: ${study} is a study; name runs of it, such as ${join(study, "runs", "RUN")}`,
    );
  }
  if (folders.length < 2 || folders.length > MOST_RUNS) {
    throw new RequestError(
      `compare: ${formatNumber(folders.length, "run")}; expected from 2 to ${MOST_RUNS}, such as runs/a runs/b`,
    );
  }
  const twice = folders.find(
    (folder, place) => folders.findIndex((one) => resolve(one) === resolve(folder)) < place,
  );
  if (twice !== undefined) throw new RequestError(`compare: ${twice} is named twice; name each run once`);
  const read = folders.map((folder) => ({ folder, configuration: readConfiguration(folder) }));
  const names = armNames(read);
  const runs = read.map(({ folder, configuration }, place): ComparedRun => {
    const { log } = readRun(folder);
    const curve = looksOf(log);
    return {
      ...{ folder, arm: names[place]!, architecture: configuration.architecture },
      ...{ seed: configuration.training.seed, curve },
      scored: {
        ...{ data: configuration.data.name, sha256: configuration.data.sha256 },
        objective: configuration.training.objective.name,
        validation: validationOf(configuration),
      },
      accuracies: curve.flatMap(({ step, accuracy }) => (accuracy === null ? [] : [{ step, accuracy }])),
      flops: flopsAfter(
        log,
        curve.map(({ step }) => step),
      ),
      result: runResult(folder),
      loss: curve.at(-1)?.loss ?? null,
    };
  });
  const arms = [...new Set(names)];
  const data = [...new Set(read.map(({ configuration }) => configuration.data.name))];
  const different = differentOf(read);
  const pairs = different === null ? pairsOf(withoutRepeats(runs), arms, margin) : [];
  return { runs, arms, data, pairs, notes: notesOf(runs, different, pairs) };
}

/** Why losses are not of the same thing; null where they are. */
function differentOf(read: readonly Read[]): string | null {
  const differ = (of: (configuration: RunConfiguration) => unknown): boolean =>
    new Set(read.map(({ configuration }) => JSON.stringify(of(configuration)))).size > 1;
  if (differ(({ data }) => data.sha256)) return "data";
  if (differ(({ training }) => training.objective)) return "objectives";
  if (differ((configuration) => validationOf(configuration)?.of)) return "validation data";
  return differ((configuration) => validationOf(configuration)?.tokens) ? "evaluationTokens" : null;
}

/** A text that is cut elsewhere is the same tokens, and has the same hash; images are hashed part by part. */
function validationOf({ data, training }: RunConfiguration): ComparedRun["scored"]["validation"] {
  if (isImages(data)) return null;
  const { validationTokens: of } = data;
  return { tokens: Math.min(training.evaluationTokens ?? of, of), of };
}

interface Read {
  readonly folder: string;
  readonly configuration: RunConfiguration;
}

/** As studies name their runs, or any number at the end. */
const seedAtEnd = /-seed\d+-[\da-f]{8}$|[-_.]?(?:seed)?[-_]?\d+$/i;

/** The folder's name; of several seeds that of the first without its number. */
function armNames(read: readonly Read[]): string[] {
  const keys = read.map(({ configuration }) => keyOf(configuration));
  const named = new Map<string, string>();
  for (const [place, key] of keys.entries()) {
    if (named.has(key)) continue;
    const own = basename(resolve(read[place]!.folder));
    const isAlone = keys.filter((other) => other === key).length === 1;
    const name = isAlone ? own : own.replace(seedAtEnd, "") || own;
    const isTaken = [...named.values()].includes(name);
    named.set(key, isTaken ? `${name} (${key.slice(0, 6)})` : name);
  }
  return keys.map((key) => named.get(key)!);
}

/** Equal for runs that differ in nothing but their seed; data are what they are, by whatever name they were asked for. */
function keyOf({ architecture, training, data }: RunConfiguration): string {
  const named = ["name", "data", "tokenizer", "validationFraction", "skipBad"];
  const own = Object.entries(data).filter(([key]) => !named.includes(key));
  const content = { architecture, training: { ...training, seed: 0 }, data: Object.fromEntries(own) };
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

/** Of several runs of one arm and seed the one that is finished, else the first. */
function withoutRepeats(runs: readonly ComparedRun[]): ComparedRun[] {
  return runs.filter((run) => {
    const alike = runs.filter(({ arm, seed }) => arm === run.arm && seed === run.seed);
    return run === (alike.find(isFinished) ?? alike[0]);
  });
}

const isFinished = ({ result }: ComparedRun): boolean => result.step >= result.steps;

/** Chance of any false win among all pairs of all groups. */
const LEVEL = 0.05;

/**
 * Arms are judged together with those that were trained on as many tokens: how others vary, in runs that were stopped
 * perhaps, is no measure of how these do.
 */
function pairsOf(runs: readonly ComparedRun[], arms: readonly string[], margin: number): PairResult[] {
  const finished = runs.filter(isFinished);
  const groups = new Map<number, string[]>();
  for (const arm of arms) {
    const tokens = finished.find((run) => run.arm === arm)?.result.tokens;
    if (tokens !== undefined) groups.set(tokens, [...(groups.get(tokens) ?? []), arm]);
  }
  const judged = [...groups.values()].filter(({ length }) => length > 1);
  const options = { margin, alpha: LEVEL / Math.max(1, judged.length) };
  const together = judged.flatMap((group) => comparedPairs(finished, group, options));
  return arms.flatMap((first, place) =>
    arms.slice(place + 1).map((second): PairResult => {
      const obstacle = obstacleOf({ first, second }, runs);
      const pair = together.find((one) => one.first === first && one.second === second);
      if (obstacle === null && pair !== undefined) return pair;
      const [alone] = comparedPairs(runs, [first, second], options);
      if (obstacle === null) return alone!;
      return { ...alone!, verdict: "undecided", winner: null, furtherSeeds: null, obstacle };
    }),
  );
}

function comparedPairs(
  runs: readonly ComparedRun[],
  arms: readonly string[],
  options: ComparisonOptions,
): PairResult[] {
  const seeds = [...new Set(runs.map(({ seed }) => seed))].sort((a, b) => a - b);
  const table: Table = arms.map((arm) =>
    seeds.map((seed): Cell | null => {
      const run = runs.find((one) => one.arm === arm && one.seed === seed);
      return run === undefined || run.loss === null ? null : { score: -run.loss, itemVariance: 0 };
    }),
  );
  return compareArms([table], options).map((comparison) => pairResult(comparison, arms));
}

/** Why losses of two arms say nothing of which is better however far apart they are; null where they do. */
function obstacleOf(
  { first, second }: Pick<PairResult, "first" | "second">,
  runs: readonly ComparedRun[],
): string | null {
  const of = (name: string) => runs.filter(({ arm, loss }) => arm === name && loss !== null);
  const [one, other] = [of(first), of(second)];
  const shared = [...one, ...other].filter(({ seed }) =>
    [one, other].every((own) => own.some((run) => run.seed === seed)),
  );
  if (!shared.every(isFinished)) return "runs that are not finished decide nothing";
  const tokens = new Set(shared.map(({ result }) => result.tokens));
  return tokens.size > 1 ? "runs on unequally many tokens decide nothing" : null;
}

function notesOf(
  runs: readonly ComparedRun[],
  different: string | null,
  pairs: readonly PairResult[],
): string[] {
  const own = withoutRepeats(runs);
  const repeated = runs.flatMap((run) => {
    if (own.includes(run)) return [];
    const first = own.find(({ arm, seed }) => run.arm === arm && run.seed === seed)!;
    return [`${run.folder} repeats ${first.folder}, and is left out of the verdicts.`];
  });
  const unfinished = own.filter((run) => !isFinished(run));
  const tokens = new Set(own.map(({ result }) => result.tokens));
  return [
    ...(different === null ? [] : [`The runs have different ${different}: their losses are not compared.`]),
    ...repeated,
    ...(different === null && tokens.size > 1
      ? ["The runs were not trained on equally many tokens: arms that differ in it are undecided."]
      : []),
    ...(unfinished.length === 0
      ? []
      : [`Not finished, and undecided: ${unfinished.map(({ folder }) => folder).join(", ")}.`]),
    ...(pairs.some(({ seeds }) => seeds < 2)
      ? ["Arms with one seed in common decide nothing: train each with two seeds or more, the same for all."]
      : []),
    ...stepDownLine(pairs),
    `Losses are those of the last evaluation on the validation data, which may have chosen rates${
      pairs.length > 0 && runs.some(({ accuracies }) => accuracies.length > 0)
        ? "; verdicts are on losses, accuracies are shown beside them"
        : ""
    }.`,
  ];
}
