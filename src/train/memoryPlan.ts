// How a step is made to fit the memory it may take: micro-batches, values computed again, or both. Knows what steps take
// and in which order to try them, not how they run.
import type { Architecture } from "../architecture/architecture.ts";
import type { Machine } from "../backend/machine.ts";
import { RequestError } from "../errors.ts";
import { formatBytes } from "../report/format.ts";
import type { Program } from "../tensor/program.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { type LoadedStep, type Planned, residentBytes, type StepNeeds, stepNeeds } from "./memory.ts";
import { type Asked, describeWay, dividedWays, recomputingWays, type Way } from "./memoryWays.ts";
import { type StepOptions, trainingStep } from "./step.ts";

/** What plans programs: a machine, or a part of one. */
export interface Planner<P extends Planned> extends Pick<Machine, "name" | "memoryLimit"> {
  load(program: Program): P;
}

/** Plans the programs of a step. */
export function loadStep<P extends Planned>(
  planner: Planner<P>,
  architecture: Architecture,
  options: StepOptions,
): LoadedStep<P> {
  const step = trainingStep(architecture, options);
  const accumulate = step.accumulate && planner.load(step.accumulate);
  return { step, accumulate, update: planner.load(step.update) };
}

export interface MemoryBounds {
  /** Most bytes the process may have resident; undefined: only the machine's own limit holds. */
  readonly memory?: number | undefined;
  /** What the caller needs between steps. */
  readonly besideBytes: number;
}

export interface FittedStep<P extends Planned> {
  readonly loaded: LoadedStep<P>;
  /** What was changed to fit, why and at what cost, in one line; null where nothing was. */
  readonly note: string | null;
}

/** Plans before the smallest way is tried. */
const MOST_PLANS = 6;
/** Ways thought to be too large by less than this factor are planned all the same. */
const DOUBT = 1.2;
/** Of a machine's limit; the rest is left for its tapes and for gaps between values. */
const LIMIT_SHARE = 0.95;

/**
 * The step as asked for where it fits, else the way with the fewest operations that does: the batch is divided further,
 * and where that is not enough values are computed again.
 * Errors: RequestError, with the least that would do, where none fits or the backend does not plan memory.
 */
export function fitStep<P extends Planned>(
  planner: Planner<P>,
  architecture: Architecture,
  options: StepOptions,
  bounds: MemoryBounds,
): FittedStep<P> {
  const attempt = (of: StepOptions) => attemptStep(planner, architecture, of, bounds);
  const first = attempt(options);
  if (first.loaded !== undefined) return { loaded: first.loaded, note: null };
  const asked: Asked = {
    options,
    arenaBytes: first.needs.arenaBytes,
    parameters: first.parameters,
    modules: first.modules,
  };
  const failed: Failed[] = [first];
  const scales = new Map<string, number>();
  const guess = (way: Way) => way.arenaBytes * (scales.get(kindOf(way)) ?? 1);
  const left: Way[] = [];
  for (const ways of [dividedWays, recomputingWays]) {
    for (const way of ways(architecture, asked)) {
      if (failed.length > MOST_PLANS || guess(way) > DOUBT * failed.at(-1)!.room) {
        left.push(way);
        continue;
      }
      const next = attempt(way.options);
      if (next.loaded !== undefined)
        return changed(next, first, architecture, bounds.memory ?? planner.memoryLimit!);
      failed.push(next);
      // What is alike but for its rows takes memory in proportion.
      scales.set(kindOf(way), next.needs.arenaBytes / way.arenaBytes);
    }
  }
  const smallest = left.sort((a, b) => guess(a) - guess(b))[0];
  if (smallest !== undefined) {
    const last = attempt(smallest.options);
    if (last.loaded !== undefined)
      return changed(last, first, architecture, bounds.memory ?? planner.memoryLimit!);
    failed.push(last);
  }
  throw new RequestError(tooLittle(planner, failed, bounds));
}

/** Ways that differ in nothing but the parts of the batch. */
function kindOf({ options: { recompute, lossParts } }: Way): string {
  return `${recompute} ${lossParts! > 1}`;
}

interface Loaded<P extends Planned> {
  readonly loaded: LoadedStep<P>;
  readonly flops: number;
}

/** A step that does not fit; its programs are given back. */
interface Failed {
  readonly loaded?: undefined;
  readonly options: StepOptions;
  readonly needs: StepNeeds;
  readonly parameters: number;
  readonly modules: number;
  /** Of the whole process during a step. */
  readonly resident: number;
  /** What an arena might have had. */
  readonly room: number;
}

function attemptStep<P extends Planned>(
  planner: Planner<P>,
  architecture: Architecture,
  options: StepOptions,
  { memory, besideBytes }: MemoryBounds,
): Loaded<P> | Failed {
  const loaded = loadStep(planner, architecture, options);
  const needs = stepNeeds(loaded);
  if (needs === undefined) {
    if (memory === undefined) return { loaded, flops: 0 };
    throw new RequestError(
      `memory: the ${planner.name} backend keeps every value and plans no memory; leave memory out or use another backend`,
    );
  }
  const limit = LIMIT_SHARE * (planner.memoryLimit ?? Number.POSITIVE_INFINITY);
  const resident = memory === undefined ? 0 : residentBytes(needs, besideBytes);
  const spare = Math.min(limit - ownBytes(needs), (memory ?? Number.POSITIVE_INFINITY) - resident);
  if (spare >= 0) return { loaded, flops: needs.flops };
  loaded.accumulate?.dispose();
  loaded.update.dispose();
  const parameters = loaded.step.parameters.reduce((total, { shape }) => total + sizeOf(shape), 0);
  return {
    options,
    needs,
    parameters,
    modules: loaded.step.modules,
    resident,
    room: needs.arenaBytes + spare,
  };
}

function ownBytes({ storeBytes, arenaBytes, threadBytes }: StepNeeds): number {
  return storeBytes + arenaBytes + threadBytes;
}

function changed<P extends Planned>(
  { loaded, flops }: Loaded<P>,
  asked: Failed,
  { dropout, stochasticDepth }: Architecture,
  limit: number,
): FittedStep<P> {
  const { options } = loaded.step;
  const wanted = formatBytes(Math.max(asked.resident, ownBytes(asked.needs)));
  const more = Math.max(0, Math.round(100 * (flops / asked.needs.flops - 1)));
  const note = `${wanted} would be needed, ${formatBytes(limit)} may be: ${describeWay(options)}; ${more} % more operations`;
  const drops = dropout + stochasticDepth > 0 && options.microBatches > asked.options.microBatches;
  return { loaded, note: drops ? `${note}; other features are dropped out` : note };
}

function tooLittle(
  { name, memoryLimit }: Planner<Planned>,
  failed: readonly Failed[],
  { memory, besideBytes }: MemoryBounds,
): string {
  const { options, needs } = failed.reduce((a, b) => (ownBytes(b.needs) < ownBytes(a.needs) ? b : a));
  const way = describeWay(options);
  const instead = `${way === "" ? "" : `, with ${way}`}; make the model or its length smaller`;
  const own = ownBytes(needs) / LIMIT_SHARE;
  if (memoryLimit !== undefined && own > memoryLimit) {
    const most = formatBytes(memoryLimit);
    return `memory: the ${name} backend has at most ${most}, and ${formatBytes(own)} is the least that would do${instead}, or use the native backend`;
  }
  // What the process takes by itself differs a little from run to run.
  const enough = formatBytes(1.03 * residentBytes(needs, besideBytes));
  return `memory: ${formatBytes(memory!)} is not enough; ${enough} is the least that would do${instead}, or allow as much`;
}
