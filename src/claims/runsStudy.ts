// Studies of single runs: models that a claim's own file chooses, each trained once under each seed, and what their losses
// mean, by that file. Knows no claim.
import { type DatasetRequest, loadDataset } from "../data/dataset.ts";
import { meansImages } from "../data/images/load.ts";
import { RequestError } from "../errors.ts";
import type { ReportSection } from "../report/document.ts";
import { failureSections, runsSection } from "../report/runSections.ts";
import { type Json, type Known, toJson } from "../study/job.ts";
import { countedLooks, moreSeedsLine, requireFolder, type TakenOver, takeOver } from "../study/moreSeeds.ts";
import { runTrainingStudy } from "../study/training.ts";
import { describeTokens } from "../train/runData.ts";
import type { TransferSpec } from "../transfer/request.ts";
import { transferWorker } from "../transfer/transfer.ts";
import type { ClaimStudy, ClaimStudyOptions, PreparedStudy, Studied } from "./claim.ts";

/** One run. */
export interface SingleRun {
  readonly run: string;
  /** Of training. */
  readonly flops: number;
  readonly spec: TransferSpec;
}

/** What runs are made with. */
export interface RunsContext {
  /** Token ids of the data. */
  readonly vocabulary: number;
  readonly seeds: readonly number[];
  /** Text; undefined: the built-in language. */
  readonly data?: string | undefined;
  readonly backend?: string | undefined;
}

/** Of a run: validation loss, nats; null where it failed, went out of bounds or has not ended. */
export type LossOf = (run: SingleRun) => number | null;

/** What figures have to say of themselves. */
export interface FigureAbout {
  readonly data: string;
  readonly seeds: string;
}

/** What losses mean. */
export type Conclusion = Pick<Studied, "verdict" | "lines" | "verdicts" | "sections"> & {
  readonly result: object;
};

/** Runs, and what their losses mean. */
export interface PlannedRuns {
  readonly runs: readonly SingleRun[];
  readonly conclude: (lossOf: LossOf, about: FigureAbout) => Conclusion | Promise<Conclusion>;
}

/** A study of single runs. */
export interface RunsInput {
  readonly label: string;
  readonly name: string;
  /** How many, where nothing else is asked. */
  readonly seeds: number;
  readonly plan: (context: RunsContext) => PlannedRuns;
}

/** The study as a claim has it. */
export function runsStudy(input: RunsInput): ClaimStudy {
  return {
    ...{ label: input.label, name: input.name },
    takes: (data, dataFolder) => !meansImages({ data, dataFolder }),
    cost: () => {
      const { runs } = input.plan({ vocabulary: USUAL_VOCABULARY, seeds: seedsFrom(1, input.seeds) });
      return { runs: runs.length, flops: runs.reduce((sum, { flops }) => sum + flops, 0) };
    },
    prepare: (options) => prepare(input, options),
  };
}

const USUAL_VOCABULARY = 65;
function seedsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

async function prepare(input: RunsInput, options: ClaimStudyOptions): Promise<PreparedStudy> {
  const { folder, data, dataFolder, seed = 1, backend, processes, threads, signal } = options;
  // Of the data no more is kept than this until the runs begin.
  const { name, vocabulary, sha256, trainingTokens } = await lookAt({ data, dataFolder });
  const seeds = seedsFrom(seed, options.seeds ?? input.seeds);
  const planWith = (count: number) =>
    input.plan({
      ...{ vocabulary, data, backend },
      seeds: seeds.slice(0, count),
    });
  const planned = planWith(seeds.length);
  const requestOf = (count: number) => ({
    ...{ kind: "claim", data: sha256, seeds: seeds.slice(0, count) },
    runs: planWith(count).runs.map(({ run }) => run),
  });
  requireFolder(folder, { seeds, requestOf });
  const isBuiltIn = data === undefined || data === "language";
  if (!isBuiltIn) requireTokens(planned.runs, name, trainingTokens);
  const jobs = planned.runs.map(({ run, spec }) => ({
    ...{ run, until: spec.training.steps, spec: toJson(spec) },
  }));
  const about = {
    data: name,
    ...{ isBuiltIn, trainingTokens, seeds },
  };
  return async function* () {
    let taken: TakenOver | undefined;
    const study = runTrainingStudy({
      ...{ folder, processes, threads, signal, plan: () => jobs, worker: transferWorker },
      request: () => {
        taken = takeOver(folder, { seeds, requestOf });
        return taken.request;
      },
    });
    for await (const event of study) {
      yield { kind: "study", event };
      if (event.kind !== "end") continue;
      const earlierSeeds = countedLooks(folder, taken!);
      const studied = await studiedRuns(planned, event.known, { ...about, earlierSeeds });
      yield { kind: "end", reason: event.reason, studied };
    }
  };
}

/** As studies of text have it. */
const MOST_EPOCHS = 4;

function requireTokens(runs: readonly SingleRun[], name: string, trainingTokens: number): void {
  const most = Math.max(...runs.map(tokensOf));
  if (most <= MOST_EPOCHS * trainingTokens) return;
  const show = (tokens: number): string => Math.ceil(tokens).toLocaleString("en-US");
  throw new RequestError(
    `reproduce: the longest run is trained on ${show(most)} tokens and ${name} has ${show(trainingTokens)}, ` +
      `${(most / trainingTokens).toFixed(1)} epochs; expected at most ${MOST_EPOCHS}: give --data with ${show(most / MOST_EPOCHS)} tokens or more`,
  );
}

async function lookAt(request: Pick<DatasetRequest, "data" | "dataFolder">) {
  const dataset = await loadDataset(request);
  const { sha256, trainingTokens } = describeTokens(dataset);
  return { name: dataset.name, vocabulary: dataset.tokenizer.vocabulary, sha256, trainingTokens };
}

/** What the data of a study are. */
export interface StudiedData {
  readonly data: string;
  readonly isBuiltIn: boolean;
  readonly trainingTokens: number;
  readonly seeds: readonly number[];
  /** How many there were when the study was looked at before. */
  readonly earlierSeeds?: readonly number[] | undefined;
}

/** What is known of the runs, told. */
export async function studiedRuns(
  { runs, conclude }: PlannedRuns,
  { results, failures }: Known,
  { data, isBuiltIn, trainingTokens, seeds, earlierSeeds = [] }: StudiedData,
): Promise<Studied> {
  const losses = new Map(results.map(({ run: name, value }) => [name, lossIn(value)]));
  const lossOf = ({ run: name }: SingleRun) => losses.get(name) ?? null;
  const about = { data, seeds: `seeds ${seeds.join(", ")}` };
  const { result, sections, ...told } = await conclude(lossOf, about);
  const ended = results.length + failures.length;
  const lost = results.filter(({ value }) => lossIn(value) === null).length + failures.length;
  const epochs = Math.max(...runs.map(tokensOf)) / trainingTokens;
  const notes = [
    isBuiltIn ? "Data: the built-in language, since no other is given (--data)." : `Data: ${data}.`,
    ...(ended < runs.length ? [`Not finished: ${ended} of ${runs.length} runs have ended.`] : []),
    ...moreSeedsLine(earlierSeeds),
    ...(lost > 0 ? [`${lost} runs have no loss: they failed or went out of bounds.`] : []),
    ...(epochs > 1 ? [`The longest run sees the data ${epochs.toFixed(1)} times.`] : []),
  ];
  return {
    ...{ ...told, notes, finished: ended >= runs.length, runs: ended },
    sections: [...sections, runSection(runs, lossOf, notes.slice(1)), ...failureSections(failures)],
    result: {
      ...result,
      runs: runs.map((one) => ({ run: one.run, flops: one.flops, loss: lossOf(one) })),
    },
  };
}

function lossIn(value: Json): number | null {
  return (value as { readonly loss: number | null }).loss;
}

function tokensOf({ spec: { architecture, training } }: SingleRun): number {
  return training.steps * training.batch * architecture.length;
}

function runSection(runs: readonly SingleRun[], lossOf: LossOf, notes: readonly string[]): ReportSection {
  const section = runsSection({
    columns: [
      { heading: "run" },
      { heading: "tokens", unit: "count" },
      { heading: "steps", unit: "whole" },
      { heading: "FLOPs", unit: "count" },
      { heading: "loss", unit: "nat" },
    ],
    rows: runs.map((one) => [...[one.run, tokensOf(one), one.spec.training.steps, one.flops, lossOf(one)]]),
  });
  return { ...section, parts: [...notes.map((text) => ({ kind: "text", text }) as const), ...section.parts] };
}
