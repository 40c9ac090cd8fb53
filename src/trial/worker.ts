// One run of a study in a process of its own: trains, or goes on with it, then takes the test. Knows no other run.
import { existsSync } from "node:fs";
import { count } from "../architecture/count.ts";
import type { Machine } from "../backend/machine.ts";
import { type BackendChoice, openMachine } from "../backend/open.ts";
import { loadDataset } from "../data/dataset.ts";
import { validationOf } from "../data/evaluationText.ts";
import { dataFolders } from "../data/named/folders.ts";
import { WorkError } from "../errors.ts";
import type { Work } from "../study/job.ts";
import { listCheckpoints } from "../train/checkpoint.ts";
import { evaluateText, type TextEvaluation } from "../train/evaluateText.ts";
import { openModel } from "../train/model.ts";
import { resume } from "../train/resume.ts";
import { checkpointsPath } from "../train/runFolder.ts";
import { runCurve, runResult } from "../train/runResult.ts";
import { train } from "../train/train.ts";
import type { TrialSpec } from "./define.ts";
import type { TrialValue } from "./values.ts";

/** A run of `Job.spec`, which is a `TrialSpec`; its result is a `TrialValue`. A run that goes out of bounds fails. */
export const work: Work = async (job, { folder, threads, signal, report }) => {
  const spec = job.spec as unknown as TrialSpec;
  const { architecture, training } = spec;
  const { machine } = await openMachine({
    threads,
    backend: (spec.backend ?? undefined) as BackendChoice | undefined,
  });
  try {
    const run = { machine, folder, signal, dataFolder: dataFolders(process.env) };
    const hasBegun =
      existsSync(checkpointsPath(folder)) && listCheckpoints(checkpointsPath(folder)).length > 0;
    const data = dataOf(spec);
    const events = hasBegun
      ? resume(run)
      : train({ ...run, architecture, training, ...(data === undefined ? {} : { data }), force: true });
    for await (const event of events) {
      if (event.kind === "step") report({ at: event.step, told: `loss ${event.loss.toFixed(3)}` });
    }
    if (signal.aborted) throw new WorkError("stopped; the run goes on from its checkpoint");
    const { validation } = runCurve(folder);
    const test = await takeTest(machine, folder, spec);
    const value: TrialValue = {
      selection: validation.at(-1)!.loss,
      test: test.loss.value,
      curve: validation.map(({ step, loss }) => ({ step, loss })),
      tokensPerSecond: runResult(folder).tokensPerSecond,
      optimum: test.optimum?.value ?? null,
    };
    const flops =
      count(architecture).flopsPerToken.training * architecture.length * training.batch * training.steps;
    return { value, flops };
  } finally {
    machine.dispose();
  }
};

function dataOf({ data, tokenizer }: TrialSpec) {
  if (data === null) return undefined;
  return { data, ...(tokenizer === null ? {} : { tokenizer }) };
}

/** On the last of the validation tokens, which nothing was chosen by. */
async function takeTest(machine: Machine, folder: string, spec: TrialSpec): Promise<TextEvaluation> {
  const dataset = await loadDataset({ ...dataOf(spec), dataFolder: dataFolders(process.env) });
  const whole = validationOf(dataset);
  const start = whole.tokens.length - 1 - spec.split.test;
  const text = {
    ...whole,
    tokens: whole.tokens.subarray(start),
    bytes: { ...whole.bytes, of: (index: number) => whole.bytes.of(start + index) },
  };
  const { architecture, store } = openModel(machine, folder, "last");
  for await (const event of evaluateText(machine, architecture, store, text)) {
    if (event.kind === "end" && event.result !== null) return event.result;
  }
  throw new WorkError(`${folder}: the test came to no result; remove the run`);
}
