// A trained model out of a run's folder: its weights on a machine, with its tokenizer. Knows no training.
import { join } from "node:path";
import type { Architecture } from "../architecture/architecture.ts";
import { forward } from "../architecture/forward.ts";
import type { Machine, Store } from "../backend/machine.ts";
import { restoreTokenizer, type Tokenizer } from "../data/tokenizer.ts";
import { RequestError, WorkError } from "../errors.ts";
import { inputSource } from "../nn/parameters.ts";
import { input } from "../tensor/ops/leaf.ts";
import { listCheckpoints, readCheckpoint, restoreTensors } from "./checkpoint.ts";
import type { Best } from "./events.ts";
import {
  checkpointsPath,
  configurationPath,
  isOfRun,
  type RunConfiguration,
  readConfiguration,
} from "./runFolder.ts";

/** A trained model on a machine. */
export interface Model {
  readonly architecture: Architecture;
  readonly configuration: RunConfiguration;
  readonly tokenizer: Tokenizer;
  /** Holds the parameters under their names. */
  readonly store: Store;
  /** Updates the weights have had. */
  readonly step: number;
  /** The run's best evaluation when the checkpoint was written. */
  readonly best: Best | null;
}

/** Errors: RequestError where the run or the checkpoint does not exist, WorkError where it is damaged. */
export function openModel(machine: Machine, folder: string, which: "best" | "last" | number = "best"): Model {
  const configuration = readConfiguration(folder);
  const checkpoints = checkpointsPath(folder);
  const steps = listCheckpoints(checkpoints);
  const last = steps.at(-1);
  if (last === undefined) {
    throw new RequestError(`${folder} has no checkpoint yet; let the run reach its first evaluation`);
  }
  if (typeof which === "number" && !steps.includes(which)) {
    throw new RequestError(
      `${folder} has no checkpoint of step ${which}; expected one of ${steps.join(", ")}`,
    );
  }
  const newest = readCheckpoint(checkpoints, typeof which === "number" ? which : last, { optimizer: false });
  const step = which === "best" ? (newest.manifest.best?.step ?? last) : newest.manifest.step;
  const checkpoint =
    step === newest.manifest.step ? newest : readCheckpoint(checkpoints, step, { optimizer: false });
  const path = join(checkpoints, String(step));
  if (!isOfRun(configuration, checkpoint.manifest.configuration)) {
    throw new RequestError(`${path} belongs to another run; name the folder it came from`);
  }
  const { architecture } = configuration;
  const tokenizer = restoreTokenizer(configuration.tokenizer);
  if (tokenizer.vocabulary > architecture.vocabulary) {
    throw new WorkError(
      `${configurationPath(folder)} is damaged: the tokenizer has ${tokenizer.vocabulary} tokens and the model ` +
        `${architecture.vocabulary}; restore the file`,
    );
  }
  const source = inputSource();
  forward(architecture, source, input("tokens", [1, architecture.length], "i32"));
  const store = machine.createStore();
  for (const [name, { shape }] of source.declared) store.allocate(name, { shape, dtype: "f32" });
  restoreTensors(checkpoint, store, [...source.declared.keys()], path);
  return {
    architecture,
    configuration,
    tokenizer,
    store,
    step,
    best: newest.manifest.best,
  };
}
