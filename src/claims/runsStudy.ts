// Studies of single runs: models that a claim's own file chooses, each trained once under each seed, and what their losses
// mean, by that file. Knows no claim.
import { loadDataset } from "../data/dataset.ts";
import { meansImages } from "../data/images/load.ts";
import type { ReportSection } from "../report/document.ts";
import { failureSections, runsSection } from "../report/runSections.ts";
import type { Json, Known } from "../study/job.ts";
import { moreSeedsLine, takeOver } from "../study/moreSeeds.ts";
import { runTrainingStudy } from "../study/training.ts";
import { describeTokens } from "../train/runData.ts";
import { type TransferSpec, toJson } from "../transfer/request.ts";
import { transferWorker } from "../transfer/transfer.ts";
import type { ClaimStudy, ClaimStudyEvent, ClaimStudyOptions, Studied } from "./claim.ts";

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
    run: (options) => run(input, options),
  };
}

const USUAL_VOCABULARY = 65;
function seedsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

async function* run(
  input: RunsInput,
  options: ClaimStudyOptions,
): AsyncGenerator<ClaimStudyEvent, void, undefined> {
  const { folder, data, dataFolder, seed = 1, backend, processes, threads, signal } = options;
  const dataset = await loadDataset({ data, dataFolder });
  const { sha256, trainingTokens } = describeTokens(dataset);
  const seeds = seedsFrom(seed, options.seeds ?? input.seeds);
  const planWith = (count: number) =>
    input.plan({
      ...{ vocabulary: dataset.tokenizer.vocabulary, data, backend },
      seeds: seeds.slice(0, count),
    });
  const planned = planWith(seeds.length);
  const requestOf = (count: number) => ({
    ...{ kind: "claim", data: sha256, seeds: seeds.slice(0, count) },
    runs: planWith(count).runs.map(({ run: name }) => name),
  });
  const { request, earlierSeeds } = takeOver(folder, { seeds, requestOf });
  const jobs = planned.runs.map(({ run: name, spec }) => ({
    ...{ run: name, until: spec.training.steps, spec: toJson(spec) },
  }));
  const study = runTrainingStudy({
    ...{ folder, processes, threads, signal, request, plan: () => jobs, worker: transferWorker },
  });
  for await (const event of study) {
    yield { kind: "study", event };
    if (event.kind !== "end") continue;
    const about = {
      data: dataset.name,
      isBuiltIn: data === undefined || data === "language",
      trainingTokens,
      ...{ seeds, earlierSeeds },
    };
    yield { kind: "end", reason: event.reason, studied: await studiedRuns(planned, event.known, about) };
  }
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
      { heading: "steps" },
      { heading: "FLOPs" },
      { heading: "loss", unit: "nat" },
    ],
    rows: runs.map((one) => [
      ...[one.run, tokensOf(one), one.spec.training.steps, one.flops.toExponential(3), lossOf(one)],
    ]),
  });
  return { ...section, parts: [...notes.map((text) => ({ kind: "text", text }) as const), ...section.parts] };
}
