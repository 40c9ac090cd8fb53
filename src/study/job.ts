// What a study is made of: jobs, each a process of its own that takes one run a way further, and what they bring back.
// Knows no task, primitive or law.

/** What JSON can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** Plain JSON of a value that is such. */
export function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

/** One piece of work. Two jobs with the same run and `until` are the same piece of work. */
export interface Job {
  /** The run that it takes further: a name of letters, digits, dots, dashes and underscores; its folder's name. */
  readonly run: string;
  /** How far, in units of the client's own (steps); a run goes on from where its earlier job ended. */
  readonly until: number;
  /** What the worker is told; the same for all jobs of a run. */
  readonly spec: Json;
  /** What the run is known by, where that is less than `spec`: what may be spelled in several ways is in it in one. */
  readonly identity?: Json | undefined;
}

/** What a job brought back. */
export interface Result {
  readonly run: string;
  readonly until: number;
  /** What the worker returned. */
  readonly value: Json;
  /** Training FLOPs of this job alone. */
  readonly flops: number;
  /** Seconds of this job's processes, those of attempts that brought nothing back too. */
  readonly seconds: number;
}

/** A job that ended without a result, as often as it may be tried. */
export interface Failure {
  readonly run: string;
  readonly until: number;
  /** One line. */
  readonly reason: string;
  readonly attempts: number;
  /** Seconds of its processes; undefined in records of earlier versions. */
  readonly seconds?: number | undefined;
  /** Training FLOPs before it failed, where its worker told them. */
  readonly flops?: number | undefined;
}

/** Everything known so far; decisions are made from this and nothing else, so that a study that goes on makes the same ones. */
export interface Known {
  readonly results: readonly Result[];
  readonly failures: readonly Failure[];
}

/**
 * The jobs that are needed next; called again when all of them have ended. None: the study is done. A pure function: jobs
 * that have ended already are not done again.
 */
export type Plan = (known: Known) => readonly Job[];

/** Told of a job's progress while it runs. */
export interface Progress {
  /** In units of `until`. */
  readonly at: number;
  /** For the live table, such as "loss 1.234". */
  readonly told: string;
}

/**
 * What a worker module exports as `work`: takes the run in `folder` from where it is to `job.until`. It may be killed at any
 * moment and called again. An error that it throws may say in `flops` what was trained by then.
 */
export type Work = (
  job: Job,
  context: {
    /** The run's own folder; it exists. */
    readonly folder: string;
    readonly threads: number;
    /** When aborted: keep what is needed to go on, then throw anything; what is returned is taken for the result. */
    readonly signal: AbortSignal;
    readonly report: (progress: Progress) => void;
  },
) => Promise<{ readonly value: Json; readonly flops: number }>;
