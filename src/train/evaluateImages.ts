// How good the model of a run is on images that nothing was chosen by. Knows the run's folder; knows nothing of training.
import type { Machine } from "../backend/machine.ts";
import type { DataFolders } from "../data/text.ts";
import { RequestError, WorkError } from "../errors.ts";
import type { EvaluatedModel } from "./evaluateRun.ts";
import { reloadImages, testBatches } from "./imageRun.ts";
import { type Measure, ratioMeasure } from "./interval.ts";
import { type DamageListener, openModel } from "./model.ts";
import { isImages } from "./runFolder.ts";
import { createScorer } from "./score.ts";

/** Which model to evaluate on the test images of its data, and how. */
export interface ImageEvaluationOptions {
  readonly machine: Machine;
  /** The folder of a run that was trained on images. */
  readonly folder: string;
  /** Where data sets with a name lie. */
  readonly dataFolder?: DataFolders | undefined;
  /** `best` (default): the one with the lowest validation loss while training. */
  readonly checkpoint?: "best" | "last" | number | undefined;
  /** Images at a time; default: as in training. */
  readonly batch?: number | undefined;
  /** Abort: what is scored so far is the result. */
  readonly signal?: AbortSignal | undefined;
  /** Told of a damaged checkpoint while an earlier one is scored; without it, damage is an error. */
  readonly onDamaged?: DamageListener | undefined;
}

/** How good a model is on test images. */
export interface ImageEvaluation extends EvaluatedModel {
  readonly data: string;
  readonly part: "test";
  /** Images scored. */
  readonly images: number;
  /** False where the signal has ended it early. */
  readonly complete: boolean;
  /** Mean cross-entropy, nats an image. */
  readonly loss: Measure;
  /** Share of images whose class was the model's first guess. */
  readonly accuracy: Measure;
  /** For each class, its images and how many of them were guessed right. */
  readonly classes: readonly { readonly name: string; readonly images: number; readonly right: number }[];
  /** Of the intervals of loss and accuracy: Student's t over images. */
  readonly level: number;
}

/** What `evaluateImages` yields, told apart by `kind`. */
export type ImageEvaluationEvent =
  | (EvaluatedModel & { readonly kind: "start"; readonly data: string; readonly images: number })
  | { readonly kind: "progress"; readonly images: number; readonly of: number; readonly accuracy: number }
  | { readonly kind: "end"; readonly result: ImageEvaluation | null };

const LEVEL = 0.95;

/**
 * Scores the test images, which neither training nor the choice of a checkpoint has seen; the last event holds the result.
 * Errors: RequestError for a folder without a run of images and for images that are not what they were; WorkError for
 * damaged files and losses that are not finite.
 */
export async function* evaluateImages(
  options: ImageEvaluationOptions,
): AsyncGenerator<ImageEvaluationEvent, void, undefined> {
  const { machine, folder, dataFolder, signal } = options;
  const model = openModel(machine, folder, options.checkpoint, options.onDamaged);
  const { architecture, configuration, store, step } = model;
  const { data: settings, training } = configuration;
  try {
    if (!isImages(settings))
      throw new RequestError(`${folder} was trained on text, so it has no test images`);
    const dataset = await reloadImages(settings, dataFolder, folder, "restore it");
    const of = dataset.test.count;
    const rows = Math.min(of, options.batch ?? training.batch / training.microBatches);
    const described = { run: folder, step, data: settings.name };
    yield { kind: "start", ...described, images: of };
    const losses: number[] = [];
    const hits: number[] = [];
    const scorer = createScorer(machine, architecture, store, rows);
    try {
      for (const batch of testBatches(dataset, settings, rows)) {
        if (signal?.aborted) break;
        const scores = await scorer.score(batch);
        for (let row = 0; row < batch.scored; row++) {
          losses.push(requireFinite(scores.losses[row]!, losses.length, settings.name));
          hits.push(scores.hits[row]!);
        }
        yield { kind: "progress", images: hits.length, of, accuracy: sum(hits) / hits.length };
      }
    } finally {
      scorer.dispose();
    }
    if (hits.length === 0) return yield { kind: "end", result: null };
    const images = hits.length;
    const each = new Float64Array(images).fill(1);
    const accuracy = ratioMeasure(hits, each, LEVEL);
    const result: ImageEvaluation = {
      ...described,
      part: "test",
      images,
      complete: images === of,
      loss: ratioMeasure(losses, each, LEVEL),
      accuracy: { ...accuracy, low: within(accuracy.low), high: within(accuracy.high) },
      classes: byClass(settings.classes, dataset.test.labels, hits),
      level: LEVEL,
    };
    yield { kind: "end", result };
  } finally {
    for (const name of store.names()) store.release(name);
  }
}

function byClass(names: readonly string[], labels: Uint16Array, hits: readonly number[]) {
  const classes = names.map((name) => ({ name, images: 0, right: 0 }));
  hits.forEach((hit, image) => {
    const of = classes[labels[image]!]!;
    of.images++;
    of.right += hit;
  });
  return classes;
}

function requireFinite(loss: number, image: number, name: string): number {
  if (Number.isFinite(loss)) return loss;
  throw new WorkError(
    `evaluate: the loss of test image ${image} of ${name} is ${loss}; the model's numbers have run out of range, take an ` +
      "earlier checkpoint",
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function within(share: number | null): number | null {
  return share === null ? null : Math.min(1, Math.max(0, share));
}
