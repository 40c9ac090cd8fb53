// The newest checkpoint of a run that can be used, put into the trainer. Whatever is refused is told, never passed over.
// Knows no loop.
import { join } from "node:path";
import { RequestError, WorkError } from "../errors.ts";
import { type Checkpoint, listCheckpoints, readCheckpoint, restoreTensors, setAside } from "./checkpoint.ts";
import type { DamagedEvent } from "./events.ts";
import { readLog } from "./log.ts";
import { DamagedCheckpoint, type Manifest } from "./manifest.ts";
import { checkpointsPath, isOfRun, type RunConfiguration } from "./runFolder.ts";
import type { Trainer } from "./trainer.ts";

/**
 * Restores the newest valid checkpoint into a trainer for it and returns its manifest, or undefined where the run never had one. Newer ones
 * that are refused are told one by one and, once a valid one is found, moved aside, so that nothing of them is
 * overwritten. A best checkpoint that is refused is forgotten as such: `best` is null then.
 * Errors: WorkError where there are checkpoints, or were, and none can be used; nothing has changed then.
 */
export function* restoreNewest(
  folder: string,
  configuration: RunConfiguration,
  trainerFor: (checkpoint: Checkpoint, path: string) => Trainer,
): Generator<DamagedEvent, Manifest | undefined, undefined> {
  const checkpoints = checkpointsPath(folder);
  const steps = listCheckpoints(checkpoints);
  const refused: DamagedEvent[] = [];
  const lost = lastSaved(folder);
  if (lost !== undefined && lost > (steps.at(-1) ?? -1)) {
    refused.push(damaged(lost, new DamagedCheckpoint(join(checkpoints, String(lost)), "it does not exist")));
    yield refused[0]!;
  }
  for (const step of steps.reverse()) {
    const found = attempt(step, () => {
      const path = join(checkpoints, String(step));
      const checkpoint = readCheckpoint(checkpoints, step);
      requireOfRun(configuration, checkpoint.manifest, path);
      const trainer = trainerFor(checkpoint, path);
      const names = [...trainer.parameters.keys(), ...trainer.states.keys()];
      restoreTensors(checkpoint, trainer.store, names, path);
      return checkpoint.manifest;
    });
    if ("why" in found) {
      refused.push(found);
      yield found;
      continue;
    }
    for (const newer of refused) if (steps.includes(newer.step)) setAside(checkpoints, newer.step);
    const best = yield* checkBest(checkpoints, configuration, found);
    return { ...found, best };
  }
  const [newest] = refused;
  if (newest === undefined) return undefined;
  throw new WorkError(
    `${checkpoints} has no checkpoint that can be used (${newest.path}: ${newest.why}), so nothing was changed; ` +
      "restore one, or begin again with --force",
  );
}

function damaged(step: number, { path, why }: DamagedCheckpoint): DamagedEvent {
  return { kind: "damaged", step, path, why };
}

/** The result of `use`, or what is to be told of the damage it finds. */
function attempt<T>(step: number, use: () => T): T | DamagedEvent {
  try {
    return use();
  } catch (error) {
    if (error instanceof DamagedCheckpoint) return damaged(step, error);
    throw error;
  }
}

/** Sampling and reports use the best weights, so they are looked at as well. */
function* checkBest(
  checkpoints: string,
  configuration: RunConfiguration,
  { step, best }: Manifest,
): Generator<DamagedEvent, Manifest["best"], undefined> {
  if (best === null || best.step === step) return best;
  const found = attempt(best.step, () => {
    const { manifest } = readCheckpoint(checkpoints, best.step, { optimizer: false });
    requireOfRun(configuration, manifest, join(checkpoints, String(best.step)));
    return manifest;
  });
  if (!("why" in found)) return best;
  yield found;
  return null;
}

function requireOfRun(configuration: RunConfiguration, manifest: Manifest, path: string): void {
  if (isOfRun(configuration, manifest.configuration)) return;
  throw new DamagedCheckpoint(path, "it belongs to another run");
}

/** The step of the last checkpoint that the log tells of. */
function lastSaved(folder: string): number | undefined {
  let last: unknown;
  try {
    last = readLog(folder).findLast(({ kind }) => kind === "checkpoint")?.step;
  } catch (error) {
    // A log that is not there or cannot be read knows of none.
    if (!(error instanceof RequestError || error instanceof WorkError)) throw error;
  }
  return typeof last === "number" ? last : undefined;
}
