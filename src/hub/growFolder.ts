// A public folder grown into a larger one of the same layout that computes the same. Tensors are read, grown and written some rows
// at a time, whatever the network's size. Knows no layout but by what it says of itself.
import { resolve } from "node:path";
import type { Architecture } from "../architecture/schema.ts";
import type { Machine } from "../backend/machine.ts";
import { createReference } from "../backend/reference.ts";
import type { DataFolders } from "../data/text.ts";
import { RequestError, WorkError } from "../errors.ts";
import { type GrowthNote, growNetwork, notesOf } from "../growth/grow.ts";
import { placesIn } from "../growth/places.ts";
import { type GrowthPlan, type Origins, type ParameterGrowth, planGrowth } from "../growth/plan.ts";
import { compareNetworks, type Difference, type Network } from "../growth/proof.ts";
import { type GrowthStep, stepTarget } from "../growth/steps.ts";
import { firstInputs } from "./importFolder.ts";
import type { Layout } from "./layout.ts";
import {
  fileName,
  type ModelTensor,
  openPublicModel,
  type PublicModel,
  readParameters,
  type ShapedTensor,
  shapedTensors,
} from "./model.ts";
import { asBytes, bytesOf, type NumberType } from "./numbers.ts";
import { compareByPlace, type PlaceDifference, parametersOf } from "./prove.ts";
import { placeBound, unroundedValues } from "./rounding.ts";
import { growRows, rowGrowth } from "./rows.ts";
import { filesBeside, type NewTensor, requireFreePlace, writePublicFolder } from "./writeFolder.ts";

/** How a public folder grows. */
export interface GrowFolderOptions {
  readonly folder: string;
  /** The new folder. */
  readonly out: string;
  /** One after the other. */
  readonly steps: readonly GrowthStep[];
  /** Of new numbers that may be anything; default 0. */
  readonly seed?: number | undefined;
  /** What computes the proof in float32. */
  readonly machine: Machine;
  /** Text, or images where the network sees images, to compare both networks on besides. Default: random tokens alone. */
  readonly data?: string | undefined;
  readonly dataFolder?: DataFolders | undefined;
  /** What spells that text; default: the folder's tokenizer.json. */
  readonly tokenizer?: string | undefined;
  /** Write the folder although its network computes something else. */
  readonly unproven?: boolean | undefined;
  /** Replace the public folder in `out`. */
  readonly force?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How both networks were compared on the same inputs. */
export type FolderComparison =
  | {
      readonly kind: "network";
      readonly float64: Difference;
      /** With the numbers that are written. */
      readonly float32: Difference;
      /** With these before they were rounded to a short format; null where none were. */
      readonly unrounded: Difference | null;
    }
  /** Too large to be in memory: the same activations through each place of both. */
  | { readonly kind: "places"; readonly float32: PlaceDifference };

/** On random tokens or numbers, and on the user's data; null where none were given. */
export type FolderProof = FolderComparison & { readonly data: FolderComparison | null };

/** A folder that was grown. */
export interface GrownFolder {
  readonly folder: string;
  readonly layout: string;
  readonly architecture: Architecture;
  readonly parameters: number;
  /** Of all tensors. */
  readonly bytes: number;
  /** What the layout asked for besides, and keys that are written. */
  readonly ties: readonly string[];
  readonly notes: readonly GrowthNote[];
  readonly proof: FolderProof;
  /** Of wall clock: reading, growing and writing with all of it on the disk; and the proof. */
  readonly seconds: { readonly writing: number; readonly proving: number };
  /**
   * Largest difference that is accepted in float32, of the largest number: of the whole network before numbers are rounded,
   * place by place with them.
   */
  readonly bound: number;
}

/** Both networks together; more is compared place by place. */
const LARGEST_WHOLE = 4e6;
const PROVED_PLACES = 32;
const EXACT = 1e-12;
const FLOAT32_BOUND = 1e-5;

/**
 * Grows a public folder and proves it before it appears. The formats of numbers stay, unknown keys of config.json too.
 * Errors: RequestError for a folder that cannot be read and where no way is known to grow so; WorkError where the larger network
 * computes something else, and for what the disk refuses: nothing is left then.
 */
export async function growFolder(options: GrowFolderOptions): Promise<GrownFolder> {
  const { folder, out, steps, seed = 0, force = false, signal } = options;
  if (resolve(out) === resolve(folder))
    throw new RequestError(`${out} is the folder itself; name another one`);
  requireFreePlace(out, force);
  const model = openPublicModel(folder);
  try {
    const { layout } = model;
    const target = targetOf(layout, model.architecture, steps);
    const plan = planGrowth(model.architecture, target.to, target.origins);
    const config = { ...model.folder.config, ...layout.config(target.to, model.folder.config) };
    const inputs = await inputsOf(model, options);
    const { tensors, rounds } = grownTensors(model, plan, seed);
    let bound = FLOAT32_BOUND;
    let proof: FolderProof | undefined;
    let proving = 0;
    const start = performance.now();
    const check = (written: string) => {
      const begun = performance.now();
      proof = prove(model, written, plan, target.origins, inputs, rounds, options);
      if (proof.kind === "places") bound = Math.max(bound, ...[...rounds].map(placeBound));
      proving = (performance.now() - begun) / 1000;
      if (options.unproven) return;
      requireProof(proof, bound, `${folder}: grown`);
      if (proof.data !== null) requireProof(proof.data, bound, `${folder}: grown, on ${options.data}`);
    };
    const content = { config, tensors, files: filesBeside(folder), check };
    const bytes = await writePublicFolder(out, content, { force, signal });
    const writing = (performance.now() - start) / 1000 - proving;
    return {
      seconds: { writing, proving },
      ...{ folder: out, layout: layout.type, architecture: target.to, bytes, ties: target.whys },
      parameters: tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
      ...{ notes: notesOf(plan), proof: proof!, bound },
    };
  } finally {
    model.close();
  }
}

interface Target {
  readonly to: Architecture;
  readonly origins: Origins;
  readonly whys: readonly string[];
}

/** What all steps make of an architecture, with what the layout asks for besides. */
function targetOf(layout: Layout, before: Architecture, steps: readonly GrowthStep[]): Target {
  let to = before;
  let origins: Origins = placesIn(before).map((_, i) => i);
  const take = (step: GrowthStep) => {
    const next = stepTarget(to, step);
    const old = origins;
    origins = next.origins.map((origin) => (origin === null ? null : old[origin]!));
    to = next.to;
  };
  steps.forEach(take);
  const asked = layout.ties(before, to);
  for (const { step } of asked) if (step !== undefined) take(step);
  return { to, origins, whys: asked.map(({ why }) => why) };
}

function grownTensors(
  model: PublicModel,
  plan: GrowthPlan,
  seed: number,
): { readonly tensors: NewTensor[]; readonly rounds: ReadonlySet<NumberType> } {
  const { layout, hasPrefix } = model;
  const holders = new Map(
    model.tensors.flatMap((tensor) => tensor.parts.map((part) => [part, tensor] as const)),
  );
  const growths = new Map(plan.parameters.map((parameter) => [parameter.name, parameter]));
  const rounds = new Set<NumberType>();
  const tensors = shapedTensors(layout, plan.to).map((tensor): NewTensor => {
    const parts = tensor.parts.map((part) => growths.get(part)!);
    const old = parts[0]!.origin === null ? undefined : holders.get(parts[0]!.origin);
    const { dtype } = (old ?? likeOf(model, tensor, parts)).stored;
    const growth = rowGrowth(tensor, parts, seed);
    if (growth.rounds && dtype !== "F32") rounds.add(dtype);
    const read = (first: number, _: number, into: Parameters<typeof asBytes>[0]) => {
      old!.stored.read(bytesOf[dtype] * first * old!.columnCount, asBytes(into));
    };
    return {
      name: fileName(layout, hasPrefix, tensor.name),
      dtype,
      shape: tensor.fileShape,
      numbers: () => growRows(growth, dtype, read),
    };
  });
  return { tensors, rounds };
}

/** A tensor of the same kind, in whose format a new one is written: that of the same name in another block. */
function likeOf(model: PublicModel, { name }: ShapedTensor, parts: readonly ParameterGrowth[]): ModelTensor {
  const unnumbered = (text: string) => text.replace(/\.\d+\./, ".*.");
  const like = model.tensors.find((tensor) => unnumbered(tensor.name) === unnumbered(name));
  if (like !== undefined) return like;
  throw new RangeError(`growth: nothing is like the new tensor ${name} of ${parts[0]!.name}`);
}

/** What the user's data put into both networks. */
async function inputsOf(model: PublicModel, options: GrowFolderOptions): Promise<ArrayLike<number> | null> {
  const { data, tokenizer } = options;
  if (data !== undefined) return firstInputs(model, { ...options, data }, PROVED_PLACES);
  if (tokenizer === undefined) return null;
  throw new RequestError("grow: a tokenizer is given, but no data that it could read; give --data");
}

function prove(
  model: PublicModel,
  written: string,
  plan: GrowthPlan,
  origins: Origins,
  inputs: ArrayLike<number> | null,
  rounds: ReadonlySet<NumberType>,
  { machine, seed = 0 }: GrowFolderOptions,
): FolderProof {
  const grown = openPublicModel(written);
  try {
    const compare =
      parametersOf(model) + parametersOf(grown) > LARGEST_WHOLE
        ? (given: ArrayLike<number> | null): FolderComparison => ({
            kind: "places",
            float32: compareByPlace(machine, model, grown, plan, origins, given ?? seed),
          })
        : wholeComparison(machine, model, grown, plan, rounds.size > 0, seed);
    return { ...compare(null), data: inputs && compare(inputs) };
  } finally {
    grown.close();
  }
}

function wholeComparison(
  machine: Machine,
  model: PublicModel,
  grown: PublicModel,
  plan: GrowthPlan,
  isRounded: boolean,
  seed: number,
) {
  const [before, after] = [networkOf(model), networkOf(grown)];
  const exact = growNetwork(plan, doubled(before), seed);
  const unrounded = isRounded ? unroundedNetwork(grown, plan, before, after) : null;
  const { length, inputs: perPlace } = before.architecture;
  return (inputs: ArrayLike<number> | null): FolderComparison => {
    const count = inputs === null ? Math.min(PROVED_PLACES, length) : inputs.length / (perPlace ?? 1);
    const places = { seed, batch: 1, length: count, inputs: inputs ?? undefined };
    return {
      kind: "network",
      float64: compareNetworks(createReference(), before, exact, places),
      float32: compareNetworks(machine, before, after, places),
      unrounded: unrounded && compareNetworks(machine, before, unrounded, places),
    };
  };
}

function unroundedNetwork(
  { tensors }: PublicModel,
  plan: GrowthPlan,
  before: Network,
  { architecture, values }: Network,
): Network {
  const types = new Map(
    tensors.flatMap(({ parts, stored }) => parts.map((part) => [part, stored.dtype] as const)),
  );
  return { architecture, values: unroundedValues(plan, before.values, values, (name) => types.get(name)!) };
}

function networkOf(model: PublicModel): Network {
  const values = model.tensors.flatMap((tensor) =>
    [...readParameters(tensor)].map(
      ([name, data]) => [name, { shape: tensor.shapes[tensor.parts.indexOf(name)]!, data }] as const,
    ),
  );
  return { architecture: model.architecture, values: Object.fromEntries(values) };
}

function doubled({ values }: Network) {
  const wide = Object.entries(values).map(([name, { shape, data }]) => [
    name,
    { shape, data: Float64Array.from(data) },
  ]);
  return Object.fromEntries(wide) as Record<string, { shape: readonly number[]; data: Float64Array }>;
}

/** Errors: WorkError, which begins with `what`, where both do not compute the same. */
function requireProof(proof: FolderComparison, bound: number, what: string): void {
  const made =
    proof.kind === "network"
      ? ([
          ["float64", proof.float64, EXACT],
          ["float32", proof.unrounded ?? proof.float32, bound],
        ] as const)
      : ([["float32", proof.float32, bound]] as const);
  for (const [precision, { largest, scale }, most] of made) {
    if (largest <= most * scale) continue;
    const where = proof.kind === "network" ? "its logits" : proof.float32.place;
    throw new WorkError(
      `${what}, ${where} differ by ${largest} in ${precision}, where the largest is ${scale}; expected at most ${most} ` +
        "of that, nothing is written",
    );
  }
}
