// How good the model of a run is on some text. Knows the run's folder; knows nothing of training.
import type { Machine } from "../backend/machine.ts";
import { loadDataset } from "../data/dataset.ts";
import { type EvaluationText, loadOtherText, validationOf } from "../data/evaluationText.ts";
import type { DataFolders } from "../data/text.ts";
import { RequestError } from "../errors.ts";
import {
  evaluateText,
  type ScoringEnd,
  type ScoringOptions,
  type ScoringProgress,
  type ScoringStart,
  type TextEvaluation,
} from "./evaluateText.ts";
import { type DamageListener, type Model, openModel, requireTokenizer } from "./model.ts";
import { describeTokens } from "./runData.ts";
import { isImages } from "./runFolder.ts";

/** Which model to evaluate, and on what. */
export interface RunEvaluationOptions extends ScoringOptions {
  readonly machine: Machine;
  /** The folder of a run. */
  readonly folder: string;
  /** FILE, DIR, GLOB, URL, NAME or "language". Default: the data of the run, of which the validation part is scored. */
  readonly data?: string | undefined;
  /** Where data sets with a name lie. */
  readonly dataFolder?: DataFolders | undefined;
  /** `best` (default): the one with the lowest validation loss while training. */
  readonly checkpoint?: "best" | "last" | number | undefined;
  /** Told of a damaged checkpoint while an earlier one is scored; without it, damage is an error. */
  readonly onDamaged?: DamageListener | undefined;
}

/** Which model was evaluated. */
export interface EvaluatedModel {
  readonly run: string;
  /** Updates the model has had. */
  readonly step: number;
}

/** The model and its figures. */
export type RunEvaluation = EvaluatedModel & TextEvaluation;
/** What `evaluateRun` yields, told apart by `kind`. */
export type RunEvaluationEvent =
  | (EvaluatedModel & ScoringStart)
  | ScoringProgress
  | ScoringEnd<RunEvaluation>;

/**
 * Scores a text by the model of a run, as `evaluateText` does; the last event holds the result.
 * Errors: RequestError for a folder without a run, data that cannot be had, are too short or have what the tokenizer
 * does not know, and sizes out of range; WorkError for damaged files and losses that are not finite.
 */
export async function* evaluateRun(
  options: RunEvaluationOptions,
): AsyncGenerator<RunEvaluationEvent, void, undefined> {
  const { machine, folder } = options;
  const model = openModel(machine, folder, options.checkpoint, options.onDamaged);
  const { architecture, configuration, store } = model;
  const evaluated = { run: folder, step: model.step };
  try {
    const text = await loadEvaluationText(model, options);
    const { batch, microBatches } = configuration.training;
    const scoring = { ...options, batch: options.batch ?? batch / microBatches };
    for await (const event of evaluateText(machine, architecture, store, text, scoring)) {
      if (event.kind === "start") yield { ...evaluated, ...event };
      else if (event.kind === "progress") yield event;
      else yield { kind: "end", result: event.result === null ? null : { ...evaluated, ...event.result } };
    }
  } finally {
    for (const name of store.names()) store.release(name);
  }
}

async function loadEvaluationText(
  model: Model,
  { folder, data, dataFolder }: RunEvaluationOptions,
): Promise<EvaluationText> {
  const tokenizer = requireTokenizer(model, folder);
  const trained = model.configuration.data;
  if (isImages(trained)) throw new RequestError(`${folder} was trained on images`);
  if (data !== undefined && data !== (trained.data ?? "language")) {
    return loadOtherText(data, dataFolder, tokenizer);
  }
  const dataset = await loadDataset({
    data: trained.data ?? undefined,
    dataFolder,
    validationFraction: trained.validationFraction ?? undefined,
    ...(trained.data === null ? {} : { restored: tokenizer }),
  });
  if (describeTokens(dataset).sha256 !== trained.sha256) {
    throw new RequestError(
      `data: ${trained.name} is not what the run in ${folder} was trained on; restore it, or name the text to evaluate ` +
        "on with --data",
    );
  }
  return validationOf(dataset);
}
