// How a step is made to fit the memory it may take: micro-batches, values computed again, or both. Knows what a step
// takes, not how it runs.
import type { Architecture } from "../architecture/architecture.ts";
import { graphFlops } from "../architecture/count.ts";
import type { Machine } from "../backend/machine.ts";
import { RequestError } from "../errors.ts";
import { formatBytes } from "../report/format.ts";
import { type Program, programResults } from "../tensor/program.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { type LoadedStep, type Planned, residentBytes, type StepNeeds, stepNeeds } from "./memory.ts";
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
  /** Most bytes the process may have resident; undefined: the step stays as it was asked for. */
  readonly memory?: number | undefined;
  /** What the caller needs between steps. */
  readonly besideBytes: number;
}

export interface FittedStep<P extends Planned> {
  readonly loaded: LoadedStep<P>;
  /** What was changed to fit, why and at what cost, in one line; null where nothing was. */
  readonly note: string | null;
}

/** A way to run a step. */
interface Way {
  readonly options: StepOptions;
  /** Of one update, by its graph. */
  readonly flops: number;
  arenaBytes: number;
}

/** Logits that are there at a time where the loss is cut into parts, and the fewest tokens of a part. */
const LOGITS_BYTES = 32 * 2 ** 20;
const FEWEST_TOKENS = 16;
/** Ways that are planned before the smallest one is tried. */
const MOST_PLANS = 6;
/** Ways thought to be too large by less than this factor are planned all the same. */
const DOUBT = 1.2;
/** Of a machine's limit, so much is left for its tapes and for gaps between values. */
const LIMIT_SHARE = 0.95;

/**
 * The step as asked for where it fits, else the way with the fewest operations that does. Micro-batches divide the batch
 * further than asked; blocks are computed again one, two, four … modules at a time.
 * Errors: RequestError, with the least that would do, where none fits or the backend cannot tell.
 */
export function fitStep<P extends Planned>(
  machine: Planner<P>,
  architecture: Architecture,
  options: StepOptions,
  bounds: MemoryBounds,
): FittedStep<P> {
  const plain = loadStep(machine, architecture, options);
  const asked = stepNeeds(plain);
  if (asked === undefined) {
    if (bounds.memory === undefined) return { loaded: plain, note: null };
    throw new RequestError(
      `memory: the ${machine.name} backend keeps every value and plans no memory; leave memory out or use another backend`,
    );
  }
  if (fits(machine, asked, bounds)) return { loaded: plain, note: null };
  const wanted = residentBytes(asked, bounds.besideBytes);
  release(plain);
  const tried: Tried[] = [{ options, needs: asked }];
  const attempt = ({ options: changed }: Way): FittedStep<P> | undefined => {
    const loaded = loadStep(machine, architecture, changed);
    const needs = stepNeeds(loaded)!;
    tried.push({ options: changed, needs });
    if (!fits(machine, needs, bounds)) {
      release(loaded);
      return undefined;
    }
    const limit = bounds.memory ?? machine.memoryLimit!;
    return { loaded, note: describe(changed, architecture, needs.flops / asked.flops, wanted, limit) };
  };
  const ways = new Set(waysOf(architecture, options, asked, parametersOf(plain)));
  for (const way of ways) {
    if (tried.length > MOST_PLANS) break;
    if (way.arenaBytes > DOUBT * roomFor(machine, asked, bounds)) continue;
    ways.delete(way);
    const fitted = attempt(way);
    if (fitted !== undefined) return fitted;
    // What is alike but for its rows takes memory in proportion.
    const scale = tried.at(-1)!.needs.arenaBytes / way.arenaBytes;
    for (const other of ways) if (sameKind(other, way)) other.arenaBytes *= scale;
  }
  const [smallest] = [...ways].sort((a, b) => a.arenaBytes - b.arenaBytes);
  const fitted = smallest && attempt(smallest);
  if (fitted !== undefined) return fitted;
  throw new RequestError(tooLittle(machine, tried, bounds));
}

interface Tried {
  readonly options: StepOptions;
  readonly needs: StepNeeds;
}

function parametersOf({ step }: LoadedStep<Planned>): number {
  return step.parameters.reduce((total, { shape }) => total + sizeOf(shape), 0);
}

function sameKind({ options: a }: Way, { options: b }: Way): boolean {
  return a.recompute === b.recompute && a.lossParts! > 1 === b.lossParts! > 1;
}

function release({ accumulate, update }: LoadedStep<Planned>): void {
  accumulate?.dispose();
  update.dispose();
}

function fits(machine: Planner<Planned>, needs: StepNeeds, { memory, besideBytes }: MemoryBounds): boolean {
  const { memoryLimit = Number.POSITIVE_INFINITY } = machine;
  const { storeBytes, arenaBytes, threadBytes } = needs;
  if (storeBytes + arenaBytes + threadBytes > LIMIT_SHARE * memoryLimit) return false;
  return memory === undefined || residentBytes(needs, besideBytes) <= memory;
}

/** About what an arena may have. */
function roomFor(machine: Planner<Planned>, needs: StepNeeds, { memory, besideBytes }: MemoryBounds): number {
  const rest = needs.storeBytes + needs.threadBytes;
  const ofMachine = LIMIT_SHARE * (machine.memoryLimit ?? Number.POSITIVE_INFINITY) - rest;
  if (memory === undefined) return ofMachine;
  return Math.min(ofMachine, memory - (residentBytes(needs, besideBytes) - needs.arenaBytes));
}

/** All ways but the one asked for, those with the fewest operations first, with a guess at their arenas. */
function waysOf(architecture: Architecture, asked: StepOptions, needs: StepNeeds, parameters: number): Way[] {
  const { batch, microBatches, length, recompute = 0, lossParts = 1 } = asked;
  const { width, vocabulary } = architecture;
  const modules = architecture.repeat * architecture.stripe.length;
  const rows = batch / microBatches;
  const residual = 4 * rows * length * width;
  // Logits and their gradients.
  const head = lossParts > 1 ? 0 : Math.min(needs.arenaBytes / 2, 8 * rows * length * vocabulary);
  const inside = (needs.arenaBytes - head) / modules;
  const ways: Way[] = [];
  for (const segment of recompute > 0 ? [recompute] : [0, ...powersOfTwo(modules - 1)]) {
    const row = flopsOf(architecture, {
      ...asked,
      batch: 1,
      microBatches: 1,
      recompute: segment,
      lossParts: 1,
    });
    const kept =
      segment === recompute ? needs.arenaBytes - head : (modules / segment) * residual + segment * inside;
    for (const microParts of divisors(batch)) {
      if (microParts % microBatches !== 0) continue;
      const tokens = (batch / microParts) * length;
      const cut = lossPartsFor(tokens, vocabulary);
      for (const parts of lossParts > 1 ? [lossParts] : cut > 1 ? [1, cut] : [1]) {
        if (tokens % parts !== 0) continue;
        const options = { ...asked, microBatches: microParts, recompute: segment, lossParts: parts };
        if (microParts === microBatches && segment === recompute && parts === lossParts) continue;
        const again = parts > 1 && lossParts === 1 ? 2 * length * width * vocabulary : 0;
        ways.push({
          options,
          // Gradients are added up once for each micro-batch.
          flops: batch * (row + again) + microParts * parameters,
          arenaBytes:
            (kept * microBatches) / microParts +
            (parts > 1 ? 2 * LOGITS_BYTES : (head * microBatches) / microParts),
        });
      }
    }
  }
  return ways.sort((a, b) => a.flops - b.flops || a.options.microBatches - b.options.microBatches);
}

/** The fewest parts whose logits take no more than LOGITS_BYTES; 1 where that would leave parts too small to be fast. */
function lossPartsFor(tokens: number, vocabulary: number): number {
  const fits = (parts: number) => (4 * tokens * vocabulary) / parts <= LOGITS_BYTES;
  const parts = divisors(tokens).find(fits) ?? 1;
  return tokens / parts < FEWEST_TOKENS ? 1 : parts;
}

function flopsOf(architecture: Architecture, options: StepOptions): number {
  return graphFlops(programResults(trainingStep(architecture, options).update));
}

function powersOfTwo(most: number): number[] {
  const powers: number[] = [];
  for (let power = 1; power <= most; power *= 2) powers.push(power);
  return powers;
}

function divisors(whole: number): number[] {
  return Array.from({ length: whole }, (_, i) => i + 1).filter((divisor) => whole % divisor === 0);
}

function describe(
  options: StepOptions,
  architecture: Architecture,
  cost: number,
  wanted: number,
  limit: number,
): string {
  const more = Math.max(0, Math.round(100 * (cost - 1)));
  const dropout =
    architecture.dropout > 0 && options.microBatches > 1 ? "; each part drops out other features" : "";
  return (
    `${formatBytes(wanted)} would be needed, ${formatBytes(limit)} may be: ${wayText(options)}, ` +
    `${more} % more operations${dropout}`
  );
}

function wayText({ microBatches, recompute = 0, lossParts = 1 }: StepOptions): string {
  const parts = [
    ...(microBatches > 1 ? [`the batch in ${microBatches} parts`] : []),
    ...(recompute > 0
      ? [
          `${recompute === 1 ? "every module" : `${recompute} modules at a time`} computed again for gradients`,
        ]
      : []),
    ...(lossParts > 1 ? [`logits in ${lossParts} parts, computed again for gradients`] : []),
  ];
  return parts.join(" and ");
}

function tooLittle(
  machine: Planner<Planned>,
  tried: readonly Tried[],
  { memory, besideBytes }: MemoryBounds,
): string {
  const sizeOfNeeds = ({ needs }: Tried) => needs.storeBytes + needs.arenaBytes + needs.threadBytes;
  const least = tried.reduce((a, b) => (sizeOfNeeds(b) < sizeOfNeeds(a) ? b : a));
  const way = wayText(least.options);
  const instead = `${way === "" ? "" : `, with ${way}`}; make the model or its length smaller`;
  const own = sizeOfNeeds(least) / LIMIT_SHARE;
  if (machine.memoryLimit !== undefined && own > machine.memoryLimit) {
    const most = formatBytes(machine.memoryLimit);
    return `memory: the ${machine.name} backend has at most ${most}, and ${formatBytes(own)} is the least that would do${instead}, or use the native backend`;
  }
  // What the process takes by itself differs a little from run to run.
  const enough = formatBytes(1.03 * residentBytes(least.needs, besideBytes));
  return `memory: ${formatBytes(memory!)} is not enough; ${enough} is the least that would do${instead}, or allow as much`;
}
