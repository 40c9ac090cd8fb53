// A run made of a public folder: it stands before its first step, so that it can be evaluated, sampled, trained on and exported
// like any other. Knows runs; which layout it is, is the layout's business.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Architecture, defineArchitecture } from "../architecture/architecture.ts";
import { loadDataset } from "../data/dataset.ts";
import { readTokenizerFile } from "../data/fileTokenizer.ts";
import type { DataFolders } from "../data/text.ts";
import type { Tokenizer } from "../data/tokenizer.ts";
import { RequestError } from "../errors.ts";
import { largest, readInputFile } from "../inputFile.ts";
import { isObject, parseJson } from "../json.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { writeCheckpoint } from "../train/checkpoint.ts";
import { onDisk, requireSpace } from "../train/files.ts";
import { defineImageRun } from "../train/imageRun.ts";
import type { ImageSettings } from "../train/imageSettings.ts";
import { openLog } from "../train/log.ts";
import { stateName } from "../train/names.ts";
import { createObjective } from "../train/objectives/objectives.ts";
import { createOptimizer } from "../train/optimizers.ts";
import { reloadData } from "../train/reloadData.ts";
import { describeTokens } from "../train/runData.ts";
import {
  checkpointsPath,
  createRun,
  defineConfiguration,
  type RunConfiguration,
  requireFreeFolder,
} from "../train/runFolder.ts";
import { defineTraining, type TrainingInput } from "../train/settings.ts";
import { trainingStep } from "../train/step.ts";
import { openPublicModel, type PublicModel, readParameters } from "./model.ts";

/** Which folder becomes a run, and what that is judged by and trained on. */
export interface ImportOptions {
  /** A public folder. */
  readonly folder: string;
  /** The folder of the run. */
  readonly out: string;
  /** Text, or images where the network sees images. */
  readonly data: string;
  readonly dataFolder?: DataFolders | undefined;
  /** Default: the folder's tokenizer.json. */
  readonly tokenizer?: string | undefined;
  /** Tokens of a sequence, where positions are rotary; default: as many as the folder says. */
  readonly length?: number | undefined;
  readonly training?: TrainingInput | undefined;
  /** Replace the run in `out` where there is one. */
  readonly force?: boolean | undefined;
}

/** The run that was made. */
export interface ImportedRun {
  readonly folder: string;
  readonly layout: string;
  readonly architecture: Architecture;
  readonly parameters: number;
}

/**
 * Makes a run of a public folder, in float32.
 * Errors: RequestError for whatever of the folder, the data or the request is wrong; WorkError for what the disk refuses.
 */
export async function importFolder(options: ImportOptions): Promise<ImportedRun> {
  const { folder, out, force = false } = options;
  requireFreeFolder(out, force);
  const model = openPublicModel(folder);
  try {
    const architecture = lengthened(model.architecture, options.length);
    const configuration = await configurationOf(architecture, options);
    const parameters = writeRun(out, model, configuration);
    return { folder: out, layout: model.layout.type, architecture, parameters };
  } finally {
    model.close();
  }
}

/** What a run of the folder is. Errors: RequestError for data that cannot be had, or do not fit the network. */
function configurationOf(
  architecture: Architecture,
  options: Omit<ImportOptions, "out">,
): Promise<RunConfiguration> {
  return architecture.inputs === null
    ? textConfiguration(architecture, options)
    : imageConfiguration(architecture, options);
}

/**
 * The first `places` tokens that a run of the folder would be judged by, or the patches of the first image.
 * Errors: as for `importFolder`.
 */
export async function firstInputs(
  { architecture }: PublicModel,
  options: Pick<ImportOptions, "folder" | "data" | "dataFolder" | "tokenizer">,
  places: number,
): Promise<ArrayLike<number>> {
  const { inputs } = architecture;
  const length = inputs === null ? Math.min(places, architecture.length) : architecture.length;
  const configuration = await configurationOf({ ...architecture, length }, options);
  const [first] = (await reloadData(configuration, options)).validation(1);
  return first!.inputs!.slice(0, Math.min(places, length) * (inputs ?? 1));
}

function lengthened(architecture: Architecture, length = architecture.length): Architecture {
  if (length === architecture.length || architecture.positions === "rope") {
    return defineArchitecture({ ...architecture, length });
  }
  throw new RequestError(
    `import: length is ${length}; this network has learned positions, so it stays ${architecture.length}`,
  );
}

async function textConfiguration(
  architecture: Architecture,
  options: Omit<ImportOptions, "out">,
): Promise<RunConfiguration> {
  const { folder, data, dataFolder } = options;
  const tokenizer = await tokenizerOf(options);
  const dataset = await loadDataset({ data, dataFolder, ...tokenizer });
  if (dataset.tokenizer.vocabulary > architecture.vocabulary) {
    throw new RequestError(
      `${folder}: its tokenizer has ${dataset.tokenizer.vocabulary} tokens and the network ${architecture.vocabulary}; ` +
        "give the network's own with --tokenizer",
    );
  }
  return defineConfiguration({
    architecture,
    training: defineTraining(options.training),
    data: {
      ...{ data, tokenizer: options.tokenizer ?? null, validationFraction: null },
      ...describeTokens(dataset),
    },
    tokenizer: dataset.tokenizer.describe(),
  });
}

async function tokenizerOf({
  folder,
  tokenizer,
}: Omit<ImportOptions, "out">): Promise<{ readonly tokenizer: string } | { readonly restored: Tokenizer }> {
  if (tokenizer !== undefined) return { tokenizer };
  const path = join(folder, "tokenizer.json");
  if (existsSync(path)) return { restored: await readTokenizerFile(path) };
  throw new RequestError(`${folder} has no tokenizer.json; give --tokenizer FILE, or bytes`);
}

async function imageConfiguration(
  architecture: Architecture,
  options: Omit<ImportOptions, "out">,
): Promise<RunConfiguration> {
  const { folder, data, dataFolder, tokenizer } = options;
  if (tokenizer !== undefined) throw new RequestError(`${folder} sees images; leave the tokenizer out`);
  const patch = Math.sqrt(architecture.inputs! / 3);
  const training = options.training ?? {};
  const made = await defineImageRun({ data, patch }, dataFolder, { architecture, training });
  const settings = { ...made.settings, ...normalisationOf(folder) };
  return defineConfiguration({ architecture, training: made.training, data: settings, tokenizer: null });
}

/** What the folder's preprocessor does to pixels of 0 to 255; without one, as for the published networks, to -1 … 1. */
function normalisationOf(folder: string): Pick<ImageSettings, "mean" | "deviation"> {
  const path = join(folder, "preprocessor_config.json");
  const given = existsSync(path) ? readSettings(path) : {};
  const colours = (key: string): number[] => {
    const found = given[key] ?? [0.5, 0.5, 0.5];
    const isColours =
      Array.isArray(found) && found.length === 3 && found.every((value) => typeof value === "number");
    if (isColours) return (found as number[]).map((value) => 255 * value);
    throw new RequestError(`${path}: ${key} is not three numbers; get the folder again`);
  };
  return { mean: colours("image_mean"), deviation: colours("image_std") };
}

function readSettings(path: string): Record<string, unknown> {
  try {
    const settings = parseJson(
      onDisk("read", path, () => readInputFile(path, largest.manifest)).toString("utf8"),
    );
    if (isObject(settings)) return settings;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new RequestError(`${path}: it is not an object of settings; get the folder again`);
}

/** @returns how many parameters */
function writeRun(out: string, model: PublicModel, configuration: RunConfiguration): number {
  const { architecture, training } = configuration;
  const [optimizer, objective] = [createOptimizer(training.optimizer), createObjective(training.objective)];
  const step = trainingStep(architecture, { ...training, length: architecture.length, optimizer, objective });
  const values = new Map(model.tensors.flatMap((tensor) => [...readParameters(tensor)]));
  const states = step.parameters.flatMap((parameter) =>
    optimizer.states(parameter).map((state) => [stateName(state, parameter.name), parameter.shape] as const),
  );
  const shapes = new Map([...step.parameters.map(({ name, shape }) => [name, shape] as const), ...states]);
  const bytes = [...shapes.values()].reduce((sum, shape) => sum + 4 * sizeOf(shape), 0);
  requireSpace(out, bytes, "the run");
  createRun(out, configuration);
  writeCheckpoint(
    checkpointsPath(out),
    {
      read: (name) => values.get(name) ?? new Float32Array(sizeOf(shapes.get(name)!)),
      type: (name) => ({ shape: shapes.get(name)!, dtype: "f32" }),
    },
    { parameters: step.parameters.map(({ name }) => name), states: states.map(([name]) => name) },
    {
      ...{ configuration: configuration.hash, step: 0, complete: true, best: null },
      ...{ backend: "reference", identity: "" },
    },
  );
  const log = openLog(out);
  log.write({ kind: "made", step: 0, notes: [`of the ${model.layout.type} folder ${model.folder.path}`] });
  log.close();
  return step.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}
