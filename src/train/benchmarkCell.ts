// Times one primitive alone: forward and backward of y = x + f(rmsnorm(x)), with the gradients of x and of all parameters
// and no optimiser. Knows no particular primitive.
// B batch, T length, D width.

import { performance } from "node:perf_hooks";
import { graphFlops } from "../architecture/count.ts";
import type { Machine } from "../backend/machine.ts";
import { WorkError } from "../errors.ts";
import { initialValues } from "../nn/initialize.ts";
import { inputSource, type Parameters } from "../nn/parameters.ts";
import type { Module } from "../nn/primitive.ts";
import { rootScope } from "../nn/scope.ts";
import { formatBytes } from "../report/format.ts";
import { add, input, type Program, program, rmsNorm, vectorJacobian } from "../tensor/index.ts";
import { programInputs } from "../tensor/program.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { median, randomValues, warmUps } from "./benchmark.ts";
import type { PrimitiveCase } from "./benchmarkPrimitives.ts";
import { storeBytes } from "./memory.ts";

/** A primitive with the shape it is timed at. */
export interface PrimitiveCell {
  readonly name: string;
  /** Of the primitive, defaults filled in. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly primitive: string;
  /** D. */
  readonly width: number;
  /** T. */
  readonly length: number;
  /** B: the tokens of a step over the length, at least one sequence. */
  readonly batch: number;
}

/** How fast a primitive is at one shape. */
export interface PrimitiveTiming extends PrimitiveCell {
  /** Milliseconds of every run after two of warm-up. */
  readonly times: readonly number[];
  /** Milliseconds. */
  readonly median: number;
  readonly tokensPerSecond: number;
  /** Forward and backward: three times the useful operations of forward. */
  readonly usefulFlopsPerToken: number;
  /** The formula of the forward pass, or "graph" where the operations of the graph were counted. */
  readonly countedBy: string;
  /** Useful operations a second, in 1e9. */
  readonly gflops: number;
  /** From the graph to a program that can run. */
  readonly planMs: number;
  /** In bytes; null for a backend that does not plan memory. */
  readonly memory: {
    readonly arenaBytes: number;
    readonly threadBytes: number;
    /** Input, parameters, their gradients, output. */
    readonly storeBytes: number;
  } | null;
}

/** How a cell is timed. */
export interface PrimitiveTimingOptions {
  /** Timed runs. */
  readonly repeats: number;
  /** Of input and parameters; the same seed gives the same values. */
  readonly seed: number;
  /** Most bytes that the values may take; default: what the system has free. */
  readonly memory?: number;
}

/** As models have it where nothing else is said. */
const standardDeviation = 0.02;

/** Tokens of a step: 16,384 in sequences of up to 128, 8,192 in longer ones. */
export const tokensOfStep = (length: number): number => (length <= 128 ? 16_384 : 8_192);

/** A cell that has been checked; it can be timed. */
export interface PreparedCell {
  readonly cell: PrimitiveCell;
  readonly module: Module;
  readonly case: PrimitiveCase;
}

/** Errors: RequestError where the primitive cannot have this width. */
export function prepareCell(
  of: PrimitiveCase,
  width: number,
  length: number,
  tokens: number = tokensOfStep(length),
): PreparedCell {
  const what = `${of.name} at width ${width}, length ${length}`;
  const module = of.primitive.configure(what, of.settings(width, length), {
    width,
    length,
    standardDeviation,
  });
  const batch = Math.max(1, Math.floor(tokens / length));
  const { name, primitive } = of;
  const cell = { name, primitive: primitive.name, settings: module.configuration, width, length, batch };
  return { cell, module, case: of };
}

/** Errors: WorkError where the values need more memory than there is. */
export async function timePrimitive(
  machine: Machine,
  prepared: PreparedCell,
  { repeats, seed, memory = process.availableMemory() }: PrimitiveTimingOptions,
): Promise<PrimitiveTiming> {
  const { cell } = prepared;
  const start = performance.now();
  const { timed, parameters } = forwardAndBackward(prepared);
  const ofStore = storeBytes([timed]);
  // Before a plan that would be too large for anything.
  requireMemory(cell, ofStore, memory);
  const executable = machine.load(timed);
  const planMs = performance.now() - start;
  const { needs } = executable;
  const store = machine.createStore();
  try {
    const bytes =
      needs === undefined
        ? null
        : { arenaBytes: needs.arenaBytes, threadBytes: needs.threadBytes, storeBytes: ofStore };
    if (bytes !== null) requireMemory(cell, ofStore + bytes.arenaBytes + bytes.threadBytes, memory);
    let stream = 0;
    for (const [name, type] of programInputs(timed)) {
      store.allocate(name, type);
      const declaration = parameters.get(name);
      store.write(
        name,
        declaration === undefined
          ? randomValues(sizeOf(type.shape), -1, 1, seed, stream++)
          : initialValues(name, declaration, seed),
      );
    }
    const times: number[] = [];
    for (let run = 0; run < warmUps + repeats; run++) {
      const before = performance.now();
      await executable.run(store);
      times.push(performance.now() - before);
    }
    return { ...cell, ...speedOf(prepared, times.slice(warmUps)), planMs, memory: bytes };
  } finally {
    executable.dispose();
    for (const name of store.names()) store.release(name);
  }
}

/** The output and all gradients, from a given gradient of the output, and the parameters that are inputs. */
function forwardAndBackward({ cell, module }: PreparedCell): {
  readonly timed: Program;
  readonly parameters: Parameters;
} {
  const { batch, length, width } = cell;
  const shape = [batch, length, width];
  const source = inputSource();
  const x = input("input", shape);
  // No name of the module's: those begin with the primitive's.
  const scale = source.parameter("scale", {
    shape: [width],
    initializer: { kind: "constant", value: 1 },
    role: "scale",
  });
  const scope = rootScope({ source }).within(cell.primitive);
  const output = add(x, module.apply(scope, rmsNorm(x, scale)));
  const leaves = [x, ...source.tensors.values()];
  const found = vectorJacobian([output], [input("seed", shape)], leaves);
  const gradients = Object.fromEntries(found.map((tensor, i) => [`gradient ${i}`, tensor]));
  return { timed: program({ output, ...gradients }), parameters: source.declared };
}

function requireMemory({ name, width, length, batch }: PrimitiveCell, bytes: number, most: number): void {
  if (bytes <= most) return;
  throw new WorkError(
    `${name} at width ${width}, length ${length}, batch ${batch} needs ${formatBytes(bytes)} of memory and may take ` +
      `${formatBytes(most)}; ask for fewer tokens a step or a smaller shape`,
  );
}

function speedOf({ cell, module, case: of }: PreparedCell, times: readonly number[]) {
  const { width, length, batch } = cell;
  const ms = median(times);
  const tokensPerSecond = (1e3 * batch * length) / ms;
  const forward = of.useful?.perToken(width, length) ?? graphFlopsPerToken(cell, module);
  const usefulFlopsPerToken = 3 * forward;
  return {
    times,
    median: ms,
    tokensPerSecond,
    usefulFlopsPerToken,
    countedBy: of.useful?.formula ?? "graph",
    gflops: usefulFlopsPerToken * tokensPerSecond * 1e-9,
  };
}

function graphFlopsPerToken({ batch, length, width }: PrimitiveCell, module: Module): number {
  const y = module.apply(rootScope({ source: inputSource() }), input("input", [batch, length, width]));
  return graphFlops([y]) / (batch * length);
}
