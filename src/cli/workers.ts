// Workers that register the user's primitives first: each is a module that is told of the configuration behind its own address.
// Knows no command.

import { resolve } from "node:path";
import { moduleBeside } from "../moduleBeside.ts";
import type { Work } from "../study/job.ts";
import { loadConfig, ownConfig } from "./config.ts";

/** That of studies of trained models; undefined where there is no configuration. */
export function trialWorkerWith(config: string | undefined): URL | undefined {
  return workerWith(moduleBeside(import.meta.url, "./trialWorker"), config);
}

/** That of synthetic tasks. */
export function madWorkerWith(config: string | undefined): URL | undefined {
  return workerWith(moduleBeside(import.meta.url, "./mad/worker"), config);
}

/** `worker` with the configuration that is given or the folder's own; undefined where there is none. */
function workerWith(worker: URL, config: string | undefined): URL | undefined {
  const path = config ?? ownConfig();
  if (path === undefined) return undefined;
  const located = new URL(worker);
  located.searchParams.set("config", resolve(path));
  return located;
}

/** In such a module: `work` after the configuration. @param own its `import.meta.url` */
export function configured(own: string, work: Work): Work {
  const config = new URL(own).searchParams.get("config");
  return async (job, context) => {
    if (config !== null) await loadConfig(config);
    return work(job, context);
  };
}
