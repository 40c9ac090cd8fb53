// One run of a study in a process of its own, where the user has a configuration: its primitives are registered first.
// Its path is asked for behind this module's own address.

import type { Work } from "../study/job.ts";
import { work as learn } from "../trial/worker.ts";
import { loadConfig } from "./config.ts";

const config = new URL(import.meta.url).searchParams.get("config");

export const work: Work = async (job, context) => {
  if (config !== null) await loadConfig(config);
  return learn(job, context);
};
