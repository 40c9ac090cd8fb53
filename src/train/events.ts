// What a run tells while it goes. Plain data; everything but timings and measured memory in it is the same at
// every repetition.
import type { Count } from "../architecture/count.ts";
import type { Architecture } from "../architecture/schema.ts";
import type { Estimate } from "../data/language.ts";
import type { Difference } from "../growth/proof.ts";
import type { GrowthStep } from "../growth/steps.ts";
import type { MemoryPrediction } from "./memory.ts";
import type { RunConfiguration } from "./runFolder.ts";

/** The evaluation with the lowest validation loss. */
export interface Best {
  readonly step: number;
  readonly loss: number;
}

/** The request has been found good; training begins. */
export interface StartEvent {
  readonly kind: "start";
  readonly folder: string;
  readonly configuration: RunConfiguration;
  /** The network as it is now: that of the configuration, or what it has grown to. */
  readonly architecture: Architecture;
  readonly count: Count;
  readonly backend: string;
  readonly threads: number;
  /** Updates done before: above 0 where a run is resumed. */
  readonly step: number;
  /** What the user should know of the data, one line each. */
  readonly notes: readonly string[];
  /** Resumed where results can differ in the last bits: why; else null. */
  readonly notBitwise: string | null;
  /** Predicted before the first step; null for a backend that does not plan memory. */
  readonly memory: MemoryPrediction | null;
  /** Lowest expected loss of any predictor on the validation tokens, where the data know it. */
  readonly optimum: Estimate | null;
}

/** One update is done. */
export interface StepEvent {
  readonly kind: "step";
  /** Updates done, this one included. */
  readonly step: number;
  readonly steps: number;
  /** Mean over the batch, nats a token, before the update. */
  readonly loss: number;
  readonly gradientNorm: number;
  readonly rate: number;
  /** Tokens trained on so far. */
  readonly tokens: number;
  /** Training FLOPs so far, each update's by the network it was made with; without the optimiser's. */
  readonly flops: number;
  /** Of the latest steps; of images, their patches. */
  readonly tokensPerSecond: number;
  /** Of the latest steps; only where the data are images. */
  readonly imagesPerSecond?: number;
  /** Training FLOPs per second over the machine's peak, 0 to 1; null where the peak is not known. */
  readonly shareOfPeak: number | null;
  /** Null until one step has been timed. */
  readonly secondsLeft: number | null;
}

/** The network has become larger, and computes what it did where its method keeps the function. */
export interface GrownEvent {
  readonly kind: "growth";
  /** Updates done. */
  readonly step: number;
  /** Number of the event in the settings, from 0. */
  readonly event: number;
  readonly to: readonly GrowthStep[];
  /** What made the new parameters. */
  readonly method: string;
  /** Steps over which the masks of new parts rise; null: there are none. */
  readonly over: { readonly steps: number } | null;
  readonly parameters: { readonly before: number; readonly after: number };
  /** Validation loss of both networks. */
  readonly loss: { readonly before: number; readonly after: number };
  /** Of both networks on random tokens, in the precision of the machine. */
  readonly proof: Difference;
  /** Training FLOPs so far. */
  readonly flops: number;
}

/** What modules tell of an update, such as the routers of experts, by dotted name: `block.3.moe.load`. */
export interface StatisticsEvent {
  readonly kind: "statistics";
  readonly step: number;
  /** Means over the tokens of the batch; what was added to the loss is among them, in nats. */
  readonly values: Readonly<Record<string, number | readonly number[]>>;
}

/** The validation loss has been measured. */
export interface EvaluationEvent {
  readonly kind: "evaluation";
  readonly step: number;
  /** Mean over the validation tokens, nats. */
  readonly loss: number;
  readonly isBest: boolean;
  /** What the objective tells, such as `accuracy`; means. */
  readonly statistics: Readonly<Record<string, number>>;
  /**
   * Which experts tokens meet block by block: by the dotted name of each layer (`block.3.moe`), for each of the first 16
   * places of the first sequence, the likeliest first. Absent where no layer has experts that tokens choose.
   */
  readonly experts?: Readonly<Record<string, readonly (readonly number[])[]>>;
}

/** A checkpoint is on disk. */
export interface CheckpointEvent {
  readonly kind: "checkpoint";
  readonly step: number;
  readonly path: string;
}

/** A checkpoint that cannot be used; an older one is tried. Comes before `start`. */
export interface DamagedEvent {
  readonly kind: "damaged";
  readonly step: number;
  /** The file, or the checkpoint's folder. */
  readonly path: string;
  readonly why: string;
}

/** The model has written something. */
export interface SampleEvent {
  readonly kind: "sample";
  readonly step: number;
  readonly text: string;
}

/** The run stops: nothing of the step was kept. The iterator then throws a WorkError of one line. */
export interface NonFiniteEvent {
  readonly kind: "nonFinite";
  readonly step: number;
  readonly rate: number;
  readonly loss: number;
  readonly gradientNorm: number;
  /** The first bad tensor and the operation it comes from, where one was found. */
  readonly tensor: string | null;
  readonly operation: string | null;
  readonly lastCheckpoint: number | null;
}

/** Aborted: the step at work was finished and its checkpoint written; a resume goes on from there. */
export interface EndEvent {
  readonly kind: "end";
  readonly reason: "done" | "aborted";
  readonly step: number;
  readonly best: Best | null;
  readonly seconds: number;
}

/** What `train` and `resume` yield, told apart by `kind`. */
export type TrainEvent =
  | StartEvent
  | StepEvent
  | GrownEvent
  | StatisticsEvent
  | EvaluationEvent
  | CheckpointEvent
  | DamagedEvent
  | SampleEvent
  | NonFiniteEvent
  | EndEvent;
