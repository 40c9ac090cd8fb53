// The loop of a run: steps, evaluations, samples and checkpoints, told as events. Knows no terminal.
import { join } from "node:path";
import { count } from "../architecture/count.ts";
import { evaluationBatches } from "../data/batches.ts";
import { WorkError } from "../errors.ts";
import { keepCheckpoints, writeCheckpoint } from "./checkpoint.ts";
import type { Best, NonFiniteEvent, StartEvent, TrainEvent } from "./events.ts";
import { createPace } from "./pace.ts";
import type { Run } from "./run.ts";
import { checkpointsPath, configurationHash, openLog } from "./runFolder.ts";
import { createTextSampler } from "./sample.ts";
import { rateAt } from "./schedule.ts";

/** Steps `done` … steps - 1, with everything that happens between them. */
export async function* runLoop(
  run: Run,
  done: number,
  bestBefore: Best | null,
  differs: string | null,
): AsyncGenerator<TrainEvent, void, undefined> {
  const { trainer, configuration, options } = run;
  const { folder, signal, peakFlops } = options;
  const { training, architecture } = configuration;
  const { steps, batch, seed, evaluateEvery, sampleEvery } = training;
  const log = openLog(folder);
  const start = startEvent(run, done, differs);
  const flopsPerStep = start.count.flopsPerToken.training * batch * architecture.length;
  const pace = createPace();
  let best = bestBefore;
  let step = done;
  let saved = done > 0 ? done : null;
  const record = <E extends TrainEvent>(event: E): E => {
    log.write({ ...event });
    return event;
  };
  try {
    const { configuration: _, folder: __, count: costs, ...brief } = start;
    log.write({ ...brief, kind: done > 0 ? "resume" : "start", parameters: costs.parameters.total });
    yield start;
    while (step < steps && !signal?.aborted) {
      const given = run.batchAt(step);
      const rate = rateAt(training.schedule, step, steps);
      const { loss, gradientNorm, finite } = await trainer.step(given, step + 1, rate, seed);
      if (!finite) {
        const bad = await trainer.diagnose(given, step + 1, seed);
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
      pace.step();
      const stepsPerSecond = pace.stepsPerSecond();
      yield record({
        kind: "step",
        step,
        steps,
        loss,
        gradientNorm,
        rate,
        tokens: step * batch * architecture.length,
        tokensPerSecond: stepsPerSecond * batch * architecture.length,
        shareOfPeak: peakFlops === undefined ? null : (stepsPerSecond * flopsPerStep) / peakFlops,
        secondsLeft: pace.secondsLeft(steps - step),
      });
      if (sampleEvery !== null && step % sampleEvery === 0) {
        yield record({ kind: "sample", step, text: await sampleText(run) });
      }
      if (step % evaluateEvery === 0 || step === steps) {
        const batches = evaluationBatches(run.validation, architecture.length, trainer.evaluationRows);
        const validationLoss = await trainer.evaluate(batches);
        const isBest = validationLoss < (best?.loss ?? Number.POSITIVE_INFINITY);
        if (isBest) best = { step, loss: validationLoss };
        yield record({ kind: "evaluation", step, loss: validationLoss, isBest });
      } else if (!signal?.aborted) continue;
      saveCheckpoint(run, step, best);
      saved = step;
      log.sync();
      yield record({ kind: "checkpoint", step, path: join(checkpointsPath(folder), String(step)) });
      pace.resume();
    }
    const reason = step < steps ? "aborted" : "done";
    yield record({ kind: "end", reason, step, best, seconds: pace.seconds() });
    log.sync();
  } finally {
    log.close();
  }
}

function startEvent(
  { options, configuration, dataset, validation }: Run,
  step: number,
  differs: string | null,
): StartEvent {
  const { architecture } = configuration;
  return {
    kind: "start",
    folder: options.folder,
    configuration,
    count: count(architecture),
    backend: options.machine.name,
    threads: options.machine.threads,
    step,
    notes: dataset.notes,
    notBitwise: differs,
    optimum: dataset.language?.optimalLoss(validation, architecture.length) ?? null,
  };
}

/** Writes the checkpoint of `step` and keeps it and the best one. Errors: WorkError where a value is not finite. */
function saveCheckpoint({ options, configuration, trainer }: Run, step: number, best: Best | null): void {
  const folder = checkpointsPath(options.folder);
  const names = { parameters: [...trainer.parameters.keys()], states: [...trainer.states.keys()] };
  for (const name of [...names.parameters, ...names.states]) {
    const values = trainer.store.read(name);
    for (let i = 0; i < values.length; i++) {
      if (Number.isFinite(values[i])) continue;
      throw new WorkError(
        `step ${step}: ${name} has become ${values[i]}, so no checkpoint was written; earlier ones are kept: try a ` +
          "lower learning rate",
      );
    }
  }
  writeCheckpoint(folder, trainer.store, names, {
    configuration: configurationHash(configuration),
    step,
    best,
    backend: options.machine.name,
  });
  keepCheckpoints(folder, best === null ? [step] : [step, best.step]);
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
async function sampleText({ options, configuration, dataset, trainer, validation }: Run): Promise<string> {
  const sampler = createTextSampler(options.machine, configuration.architecture, trainer.store);
  try {
    const text: number[] = [];
    const { seed } = configuration.training;
    const prompt = validation.subarray(0, 1);
    for await (const token of sampler.sample({ prompt, tokens: SAMPLE_TOKENS, seed })) text.push(token);
    return dataset.tokenizer.decode(text);
  } finally {
    sampler.dispose();
  }
}
