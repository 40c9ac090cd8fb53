// One run of a comparison in a process of its own: opens a machine, makes the data, learns. Knows no other run and no profile.
import { type BackendChoice, openMachine } from "../backend/open.ts";
import { openTask } from "../data/tasks/openTask.ts";
import { toJson, type Work } from "../study/job.ts";
import { keptItems, type TaskData } from "../train/tasks/items.ts";
import { learn } from "../train/tasks/learn.ts";
import type { RunSpec } from "./runs.ts";

/** A run of `Job.spec`, which is a `RunSpec`; its result is what `learn` tells. */
export const work: Work = async (job, { folder, threads, signal, report }) => {
  const spec = job.spec as unknown as RunSpec;
  const { architecture, recipe, seed, backend, task, settings, items, data: profile } = spec;
  const opened = openTask({ task, profile, settings });
  const { machine } = await openMachine({
    threads,
    backend: (backend ?? undefined) as BackendChoice | undefined,
  });
  try {
    const learned = await learn({
      ...{ machine, folder, architecture, recipe, seed, signal, report, chance: opened.chance },
      ...{ data: dataOf(opened.items(seed, items)), until: job.until },
      dataIdentity: JSON.stringify([profile, task, opened.settings, items, seed]),
    });
    return { value: toJson(learned), flops: learned.flops };
  } finally {
    machine.dispose();
  }
};

/** Where there is no selection split, the test items choose, as they do in the released code. */
function dataOf(items: ReturnType<ReturnType<typeof openTask>["items"]>): TaskData {
  const test = keptItems(items.test);
  const selection = items.selection.count === 0 ? test : keptItems(items.selection);
  return { training: keptItems(items.training), selection, test };
}
