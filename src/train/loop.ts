// The loop of a run: steps, evaluations, samples and checkpoints, told as events. Knows no terminal.
import { join } from "node:path";
import { setImmediate as eventLoop } from "node:timers/promises";
import { count } from "../architecture/count.ts";
import { writesText } from "../architecture/decode.ts";
import type { Store } from "../backend/machine.ts";
import { WorkError } from "../errors.ts";
import {
  type CheckpointState,
  checkpointBytes,
  keepCheckpoints,
  updateCheckpoint,
  writeCheckpoint,
} from "./checkpoint.ts";
import type { Evaluation } from "./evaluate.ts";
import type {
  Best,
  DamagedEvent,
  NonFiniteEvent,
  StartEvent,
  StatisticsEvent,
  TrainEvent,
} from "./events.ts";
import { requireSpace } from "./files.ts";
import { dropMasks, growStage } from "./growStage.ts";
import {
  type GrowthEvent,
  type GrowthProgress,
  isDue,
  noPlateau,
  scheduleStart,
  withEvaluation,
} from "./growthEvents.ts";
import { openLog } from "./log.ts";
import { isOver } from "./masking.ts";
import { createObjective } from "./objectives/objectives.ts";
import { createPace } from "./pace.ts";
import type { Run } from "./run.ts";
import { checkpointsPath, isImages } from "./runFolder.ts";
import { createTextSampler } from "./sample.ts";
import { rateAt, type Schedule } from "./schedule.ts";
import type { StepResult } from "./trainer.ts";

/** What a run goes on from. */
export interface Origin {
  /** Updates done. */
  readonly step: number;
  /** Whether the sample and the evaluation that are due after that step have been made. */
  readonly complete: boolean;
  readonly best: Best | null;
  /** Undefined: it has not grown. */
  readonly growth: GrowthProgress | undefined;
  readonly notBitwise: string | null;
  /** What the user should know, one line each. */
  readonly notes: readonly string[];
  /** Checkpoints that were refused; told already. */
  readonly damaged: readonly DamagedEvent[];
}

export const beginning: Origin = {
  step: 0,
  complete: true,
  best: null,
  growth: undefined,
  notBitwise: null,
  notes: [],
  damaged: [],
};

/** What follows step `origin.step`, to the last step. All that a step depends on is in its number and the store. */
export async function* runLoop(run: Run, origin: Origin): AsyncGenerator<TrainEvent, void, undefined> {
  const { configuration, options } = run;
  const { folder, signal, peakFlops } = options;
  const { training } = configuration;
  const { steps, batch, seed, evaluateEvery, sampleEvery } = training;
  const { length } = configuration.architecture;
  const log = openLog(folder);
  const start = startEvent(run, origin);
  const whole = createPace();
  let pace = whole;
  let { flopsPerStep, parameters } = costsOf(run);
  let {
    step,
    best,
    complete,
    growth = { steps: [], flops: step * flopsPerStep, plateau: noPlateau },
  } = origin;
  let saved = step > 0 ? step : null;
  const isAborted = () => signal?.aborted === true;
  const samples = sampleEvery !== null && run.data.text !== null && writesText(run.stage.architecture);
  const samplesAfter = (at: number) => samples && at % sampleEvery === 0;
  const tellsAfter = (at: number) => at === 1 || at % STATISTICS_EVERY === 0 || at === steps;
  const evaluatesAfter = (at: number) => at % evaluateEvery === 0 || at === steps;
  /** Nothing grows while masks rise. */
  const nextGrowth = (): GrowthEvent | undefined =>
    run.stage.trainer.options.masking === undefined ? training.grow[growth.steps.length] : undefined;
  const scheduleNow = (): Schedule => {
    const begun = scheduleStart(growth, training.grow);
    return begun === undefined ? training.schedule : { ...training.schedule, start: begun };
  };
  const record = <E extends TrainEvent>(event: E): E => {
    log.write({ ...event });
    return event;
  };
  const save = (): TrainEvent => {
    // In this order: whatever a checkpoint goes on from has been told.
    log.sync();
    saveCheckpoint(run, { step, complete, best, growth }, saved === step);
    saved = step;
    return record({ kind: "checkpoint", step, path: join(checkpointsPath(folder), String(step)) });
  };
  try {
    const { configuration: _, architecture: __, folder: ___, count: costs, ...brief } = start;
    log.write({ ...brief, kind: step > 0 ? "resume" : "start", parameters: costs.parameters.total });
    for (const event of origin.damaged) log.write({ ...event });
    yield start;
    while (!isAborted() && !(complete && step >= steps)) {
      // Signals arrive between turns of the event loop, which nothing else here may ever give a turn.
      await eventLoop();
      if (!complete) {
        if (samplesAfter(step)) {
          const text = await sampleText(run);
          if (isAborted()) break;
          yield record({ kind: "sample", step, text });
        }
        if (evaluatesAfter(step)) {
          const { loss, statistics: told, experts } = await evaluate(run);
          if (isAborted()) break;
          const isBest = loss < (best?.loss ?? Number.POSITIVE_INFINITY);
          if (isBest) best = { step, loss };
          growth = { ...growth, plateau: withEvaluation(growth, nextGrowth(), loss) };
          complete = true;
          const met = Object.keys(experts).length === 0 ? {} : { experts };
          yield record({ kind: "evaluation", step, loss, isBest, statistics: told, ...met });
          yield save();
        }
        complete = true;
        pace.resume();
        continue;
      }
      const next = nextGrowth();
      if (next !== undefined && isDue(growth, next, { step, tokens: step * batch * length })) {
        // The run goes on from here if it stops before the next checkpoint, and grows again in the same way.
        if (saved !== step) yield save();
        const { loss: before } = await evaluate(run);
        if (isAborted()) break;
        const event = growth.steps.length;
        const proof = growStage(run, next, { updates: step, seed: seed + event + 1 });
        const { loss: after } = await evaluate(run);
        if (isAborted()) break;
        const smaller = parameters;
        ({ flopsPerStep, parameters } = costsOf(run));
        growth = { ...growth, steps: [...growth.steps, step], plateau: noPlateau };
        const told = { event, to: next.to, method: next.method, over: next.over, proof, flops: growth.flops };
        yield record({
          ...{ kind: "growth", step, ...told },
          parameters: { before: smaller, after: parameters },
          loss: { before, after },
        });
        pace = createPace();
        continue;
      }
      const given = run.data.batchAt(step);
      const rate = rateAt(scheduleNow(), step, steps);
      const { loss, gradientNorm, finite, statistics } = await run.stage.trainer.step(
        given,
        step + 1,
        rate,
        seed,
      );
      if (!finite) {
        const bad = await run.stage.trainer.diagnose(given, step + 1, seed);
        const event: NonFiniteEvent = {
          kind: "nonFinite",
          step: step + 1,
          rate,
          loss,
          gradientNorm,
          tensor: bad?.name ?? null,
          operation: bad?.operation ?? null,
          lastCheckpoint: saved,
        };
        // JSON has no NaN.
        log.write({ ...event, loss: String(loss), gradientNorm: String(gradientNorm) });
        yield event;
        throw new WorkError(describeNonFinite(event, folder));
      }
      step++;
      growth = { ...growth, flops: growth.flops + flopsPerStep };
      complete = !samplesAfter(step) && !evaluatesAfter(step);
      pace.step();
      const stepsPerSecond = pace.stepsPerSecond();
      yield record({
        kind: "step",
        step,
        steps,
        loss,
        gradientNorm,
        rate,
        tokens: step * batch * length,
        flops: growth.flops,
        tokensPerSecond: stepsPerSecond * batch * length,
        ...(isImages(configuration.data) ? { imagesPerSecond: stepsPerSecond * batch } : {}),
        shareOfPeak: peakFlops === undefined ? null : (stepsPerSecond * flopsPerStep) / peakFlops,
        secondsLeft: pace.secondsLeft(steps - step),
      });
      const { masking } = run.stage.trainer.options;
      if (masking !== undefined && isOver(masking, step)) {
        dropMasks(run);
        pace.resume();
      }
      if (tellsAfter(step) && Object.keys(statistics).length > 0) {
        yield record({ kind: "statistics", step, values: plainNumbers(statistics) });
      }
    }
    if (step > 0 && saved !== step) yield save();
    const reason = complete && step >= steps ? "done" : "aborted";
    yield record({ kind: "end", reason, step, best, seconds: whole.seconds() });
    log.sync();
  } finally {
    log.close();
  }
}

/** What an update of the network as it is now costs. */
function costsOf({ stage: { architecture }, configuration: { training } }: Run) {
  const { flopsPerToken, parameters } = count(architecture);
  const flopsPerStep = flopsPerToken.training * training.batch * architecture.length;
  return { flopsPerStep, parameters: parameters.total };
}

/** Steps between records of what modules tell. */
const STATISTICS_EVERY = 10;

/** A list of one number is that number. */
function plainNumbers(statistics: StepResult["statistics"]): StatisticsEvent["values"] {
  const entries = Object.entries(statistics).map(([name, values]) => [
    name,
    values.length === 1 ? values[0]! : values,
  ]);
  return Object.fromEntries(entries);
}

function startEvent(
  { options, configuration, data, stage: { architecture }, memory, memoryNotes }: Run,
  { step, notBitwise, notes }: Origin,
): StartEvent {
  const { training } = configuration;
  const { scoresNextTokens } = createObjective(training.objective);
  return {
    kind: "start",
    folder: options.folder,
    configuration,
    architecture,
    count: count(architecture),
    backend: options.machine.name,
    threads: options.machine.threads,
    step,
    notes: [...data.notes, ...memoryNotes, ...notes],
    notBitwise,
    memory,
    optimum: scoresNextTokens ? data.optimum() : null,
  };
}

/** On what the run is judged by; of no use where the run is aborted meanwhile. */
function evaluate({ stage: { trainer }, data, options }: Run): Promise<Evaluation> {
  return trainer.evaluate(untilAborted(data.validation(trainer.evaluationRows), options.signal));
}

function* untilAborted<T>(items: Iterable<T>, signal: AbortSignal | undefined): Generator<T> {
  for (const item of items) {
    if (signal?.aborted) return;
    yield item;
  }
}

/** Writes the checkpoint of a step, or says anew what is known of it where its tensors are there already. */
function saveCheckpoint(
  { options, configuration, stage: { trainer } }: Run,
  progress: Pick<CheckpointState, "step" | "complete" | "best" | "growth">,
  isThere: boolean,
): void {
  const folder = checkpointsPath(options.folder);
  const names = { parameters: [...trainer.parameters.keys()], states: [...trainer.states.keys()] };
  const { name: backend, identity = "" } = options.machine;
  const state = { ...progress, configuration: configuration.hash, backend, identity };
  if (isThere) updateCheckpoint(folder, state);
  else {
    requireFinite(trainer.store, [...names.parameters, ...names.states], progress.step);
    requireSpace(folder, checkpointBytes(trainer.store, names), "a checkpoint");
    writeCheckpoint(folder, trainer.store, names, state);
  }
  keepCheckpoints(folder, configuration.training.keep);
}

function requireFinite(store: Store, names: readonly string[], step: number): void {
  for (const name of names) {
    const values = store.read(name);
    for (let i = 0; i < values.length; i++) {
      if (Number.isFinite(values[i])) continue;
      throw new WorkError(
        `step ${step}: ${name} has become ${values[i]}, so no checkpoint was written; earlier ones are kept: try a ` +
          "lower learning rate",
      );
    }
  }
}

function describeNonFinite(event: NonFiniteEvent, folder: string): string {
  const { step, rate, loss, gradientNorm, tensor, operation, lastCheckpoint } = event;
  const where =
    tensor === null
      ? "no single tensor was found when it was computed again"
      : `first bad tensor: ${tensor}${operation === null ? "" : ` (${operation})`}`;
  const kept =
    lastCheckpoint === null
      ? "there is no checkpoint yet"
      : `the checkpoint of step ${lastCheckpoint} is kept in ${join(checkpointsPath(folder), String(lastCheckpoint))}`;
  return (
    `step ${step}: loss ${loss}, gradient norm ${gradientNorm}, learning rate ${rate}; ${where}; the weights are ` +
    `unchanged, ${kept}: try a lower learning rate`
  );
}

const SAMPLE_TOKENS = 200;

/** A short continuation of the beginning of the validation text. */
async function sampleText({ options, configuration, data, stage }: Run): Promise<string> {
  const { machine, signal } = options;
  const sampler = createTextSampler(machine, stage.architecture, stage.trainer.store);
  try {
    const text: number[] = [];
    const { seed } = configuration.training;
    const { tokenizer, tokens } = data.text!;
    const { vocabulary } = tokenizer;
    const request = { prompt: tokens.subarray(0, 1), tokens: SAMPLE_TOKENS, seed, vocabulary };
    const drawn = sampler.sample({ ...request, ...(signal === undefined ? {} : { signal }) });
    for await (const [token] of drawn) text.push(token!);
    return tokenizer.decode(text);
  } finally {
    sampler.dispose();
  }
}
