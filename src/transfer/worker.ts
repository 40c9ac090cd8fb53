// One run of a measurement of transfer in a process of its own: trains, or goes on with it. Knows no other run.
import { count } from "../architecture/count.ts";
import { type BackendChoice, openMachine } from "../backend/open.ts";
import { dataFolders } from "../data/named/folders.ts";
import { WorkError } from "../errors.ts";
import type { Work } from "../study/job.ts";
import { listCheckpoints } from "../train/checkpoint.ts";
import { readLog } from "../train/log.ts";
import { resume } from "../train/resume.ts";
import { checkpointsPath } from "../train/runFolder.ts";
import { train } from "../train/train.ts";
import type { TransferSpec } from "./request.ts";

/** A run of `Job.spec`, which is a `TransferSpec`; its result is the last validation loss, null where it went out of bounds. */
export const work: Work = async (job, { folder, threads, signal, report }) => {
  const spec = job.spec as unknown as TransferSpec;
  const { architecture, training, data } = spec;
  const { machine } = await openMachine({
    threads,
    backend: (spec.backend ?? undefined) as BackendChoice | undefined,
  });
  try {
    const run = { machine, folder, signal, dataFolder: dataFolders(process.env) };
    const hasBegun = listCheckpoints(checkpointsPath(folder)).length > 0;
    const request = data === null ? {} : { data: { data } };
    const events = hasBegun
      ? resume(run)
      : train({ ...run, architecture, training, ...request, force: true });
    let diverged = false;
    try {
      for await (const event of events) {
        if (event.kind === "step") report({ at: event.step, told: `loss ${event.loss.toFixed(3)}` });
        if (event.kind === "nonFinite") diverged = true;
      }
    } catch (error) {
      if (!diverged) throw error;
    }
    if (signal.aborted) throw new WorkError("stopped; the run goes on from its checkpoint");
    const flops =
      count(architecture).flopsPerToken.training * architecture.length * training.batch * training.steps;
    return { value: { loss: diverged ? null : lastLoss(folder) }, flops };
  } finally {
    machine.dispose();
  }
};

function lastLoss(folder: string): number {
  const evaluation = readLog(folder).findLast(({ kind }) => kind === "evaluation");
  if (typeof evaluation?.loss !== "number")
    throw new WorkError(`${folder}: the log has no evaluation; remove the run`);
  return evaluation.loss;
}
