// One run of a study in a process of its own: trains, or goes on with it, then takes the test. Knows no other run.
import { type BackendChoice, openMachine } from "../backend/open.ts";
import { dataFolders } from "../data/named/folders.ts";
import { RequestError, WorkError } from "../errors.ts";
import type { Job, Work } from "../study/job.ts";
import { listCheckpoints } from "../train/checkpoint.ts";
import { reloadData } from "../train/reloadData.ts";
import { resume } from "../train/resume.ts";
import { checkpointsPath, readConfiguration } from "../train/runFolder.ts";
import { readRun, summarize } from "../train/runResult.ts";
import { train } from "../train/train.ts";
import { looksOf, stageSpeedsOf, statisticsOf } from "./records.ts";
import type { TrialSpec } from "./runs.ts";
import { subjectOf } from "./subjects/subjects.ts";
import type { TrialValue } from "./values.ts";

/** A run of `Job.spec`, which is a `TrialSpec`; its result is a `TrialValue`. A run that goes out of bounds fails. */
export const work: Work = async (job, { folder, threads, signal, report }) => {
  const spec = job.spec as unknown as TrialSpec;
  const { architecture, training, backend, ...material } = spec;
  const subject = subjectOf(material);
  const { machine } = await openMachine({
    threads,
    backend: (backend ?? undefined) as BackendChoice | undefined,
  });
  let trained = 0;
  try {
    const dataFolder = dataFolders(process.env);
    const run = { machine, folder, signal, dataFolder };
    const hasBegun = listCheckpoints(checkpointsPath(folder)).length > 0 && (await isReloaded(job, run));
    const events = hasBegun
      ? resume(run)
      : train({ ...run, architecture, training, ...subject.source(material), force: true });
    for await (const event of events) {
      if (event.kind !== "step") continue;
      trained = event.flops;
      report({ at: event.step, told: `training loss ${event.loss.toFixed(3)}` });
    }
    if (signal.aborted) throw new WorkError("stopped; the run goes on from its checkpoint");
    const records = readRun(folder);
    const { tokensPerSecond, flops } = summarize(folder, records);
    const curve = looksOf(records.log);
    const { loss, accuracy, optimum } = await subject.test({ machine, folder, material, dataFolder });
    const value: TrialValue = {
      ...{ selection: curve.at(-1)!.loss, test: loss, accuracy, curve, optimum },
      ...{ tokensPerSecond, stageTokensPerSecond: stageSpeedsOf(records.log), backend: machine.name },
      statistics: statisticsOf(records.log),
    };
    return { value, flops: flops! };
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, { flops: trained }) : error;
  } finally {
    machine.dispose();
  }
};

/** Whether the run's data are where it began with them; one whose data lie elsewhere by now begins anew. */
async function isReloaded({ identity }: Job, run: Parameters<typeof reloadData>[1]): Promise<boolean> {
  if (identity === undefined) return true;
  try {
    await reloadData(readConfiguration(run.folder), run);
    return true;
  } catch (error) {
    if (error instanceof RequestError) return false;
    throw error;
  }
}
