// A trained model out of a run's folder: its weights on a machine, with its tokenizer. Knows no training.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Architecture } from "../architecture/architecture.ts";
import { forward, inputType } from "../architecture/forward.ts";
import type { Machine, Store } from "../backend/machine.ts";
import { restoreTokenizer, type Tokenizer } from "../data/tokenizer.ts";
import { RequestError, WorkError } from "../errors.ts";
import { inputSource } from "../nn/parameters.ts";
import { input } from "../tensor/ops/leaf.ts";
import { type Checkpoint, listCheckpoints, readCheckpoint, restoreTensors } from "./checkpoint.ts";
import type { Best } from "./events.ts";
import { growthStages } from "./growthEvents.ts";
import { DamagedCheckpoint } from "./manifest.ts";
import {
  checkpointsPath,
  configurationPath,
  isOfRun,
  logPath,
  type RunConfiguration,
  readConfiguration,
} from "./runFolder.ts";
import { runResult } from "./runResult.ts";

/** Told in one line of a checkpoint that is refused while another is used. */
export type DamageListener = (line: string) => void;

/** A trained model on a machine. */
export interface Model {
  readonly architecture: Architecture;
  readonly configuration: RunConfiguration;
  /** Null where it was trained on images. */
  readonly tokenizer: Tokenizer | null;
  /** Holds the parameters under their names. */
  readonly store: Store;
  /** Updates the weights have had. */
  readonly step: number;
  /** The run's best evaluation when the checkpoint was written. */
  readonly best: Best | null;
}

/**
 * Opens the best, the newest or a certain checkpoint of a run. Where the best or newest is damaged, `onDamaged` is told of
 * it and the newest valid one is opened; without `onDamaged`, and for a certain one, damage is an error.
 * Errors: RequestError where the run or the checkpoint does not exist, WorkError where it is damaged.
 */
export function openModel(
  machine: Machine,
  folder: string,
  which: "best" | "last" | number = "best",
  onDamaged?: DamageListener,
): Model {
  const configuration = readConfiguration(folder);
  const checkpoints = checkpointsPath(folder);
  const { checkpoint, best } = findCheckpoint(folder, configuration, which, onDamaged);
  const { step } = checkpoint.manifest;
  const path = join(checkpoints, String(step));
  const architecture = stageOf(configuration, checkpoint, path);
  const tokenizer = configuration.tokenizer === null ? null : restoreTokenizer(configuration.tokenizer);
  if (tokenizer !== null && tokenizer.vocabulary > architecture.vocabulary) {
    throw new WorkError(
      `${configurationPath(folder)} is damaged: the tokenizer has ${tokenizer.vocabulary} tokens and the model ` +
        `${architecture.vocabulary}; restore the file`,
    );
  }
  const source = inputSource();
  const { shape, dtype } = inputType(architecture, 1, architecture.length);
  forward(architecture, source, input("tokens", shape, dtype));
  const store = machine.createStore();
  for (const [name, { shape }] of source.declared) store.allocate(name, { shape, dtype: "f32" });
  restoreTensors(checkpoint, store, [...source.declared.keys()], path);
  return {
    architecture,
    configuration,
    tokenizer,
    store,
    step,
    best,
  };
}

/** The network that a checkpoint of the run holds: the one it began with, or what that had grown to. */
export function stageOf(
  { architecture, training }: RunConfiguration,
  { manifest }: Checkpoint,
  path: string,
): Architecture {
  const events = manifest.growth?.steps.length ?? 0;
  if (events > training.grow.length) {
    throw new DamagedCheckpoint(path, `its network has grown ${events} times, of ${training.grow.length}`);
  }
  return growthStages(architecture, training.grow.slice(0, events)).at(-1)!;
}

/** Errors: RequestError for a model that was trained on images. */
export function requireTokenizer({ tokenizer, configuration }: Model, folder: string): Tokenizer {
  if (tokenizer !== null) return tokenizer;
  throw new RequestError(
    `${folder} was trained on images (${configuration.data.name}), so it has no text; name a run that was trained on text`,
  );
}

interface Found {
  readonly checkpoint: Checkpoint;
  readonly best: Best | null;
}

function findCheckpoint(
  folder: string,
  configuration: RunConfiguration,
  which: "best" | "last" | number,
  onDamaged: DamageListener | undefined,
): Found {
  const checkpoints = checkpointsPath(folder);
  const steps = listCheckpoints(checkpoints);
  if (steps.length === 0) {
    const isWhole = existsSync(logPath(folder)) && runResult(folder).step >= configuration.training.steps;
    throw new RequestError(
      !isWhole
        ? `${folder} has no checkpoint yet; let the run reach its first evaluation`
        : `${folder} has kept no weights, as runs of studies do; train its architecture with scantling train --architecture, which is in its config.json`,
    );
  }
  if (typeof which === "number" && !steps.includes(which)) {
    throw new RequestError(
      `${folder} has no checkpoint of step ${which}; expected one of ${steps.join(", ")}`,
    );
  }
  const read = (step: number): Checkpoint => {
    const checkpoint = readCheckpoint(checkpoints, step, { optimizer: false });
    if (isOfRun(configuration, checkpoint.manifest.configuration)) return checkpoint;
    throw new DamagedCheckpoint(join(checkpoints, String(step)), "it belongs to another run");
  };
  if (typeof which === "number") {
    const checkpoint = read(which);
    return { checkpoint, best: checkpoint.manifest.best };
  }
  const newest = firstValid(steps.reverse(), read, onDamaged);
  const { best, step } = newest.manifest;
  if (which === "last" || best === null || best.step === step) return { checkpoint: newest, best };
  return { checkpoint: firstValid([best.step, step], read, onDamaged), best };
}

/** The first of the checkpoints that is whole; the last of them may throw. */
function firstValid(
  steps: readonly number[],
  read: (step: number) => Checkpoint,
  onDamaged: DamageListener | undefined,
): Checkpoint {
  const [step, ...others] = steps;
  try {
    return read(step!);
  } catch (error) {
    if (!(error instanceof DamagedCheckpoint) || onDamaged === undefined || others.length === 0) throw error;
    onDamaged(`${error.path}: ${error.why}; it is not used`);
    return firstValid(others, read, onDamaged);
  }
}
