// What `scantling bench --primitives` records, and the reading of a record that is to be gone on with. Measures nothing.

import { existsSync } from "node:fs";
import { z } from "zod";
import { RequestError } from "../../errors.ts";
import { largest, readInputFile } from "../../inputFile.ts";
import { parseJson } from "../../json.ts";
import { firstIssue, show } from "../../strict.ts";
import type { PrimitiveTiming } from "../../train/benchmarkCell.ts";

/** One finished measurement. */
export interface MeasuredCell extends PrimitiveTiming {
  /** Measured when the cell was; null for a backend that is not built for speed. */
  readonly peakGflops: number | null;
  readonly shareOfPeak: number | null;
}

/** What two halves of a record must have in common. */
export interface PrimitivesRequest {
  readonly version: string;
  readonly backend: string;
  /** What else speeds depend on: processor and kernels; null where nothing is known. */
  readonly machine: string | null;
  readonly threads: number;
  readonly primitives: readonly string[];
  readonly widths: readonly number[];
  readonly lengths: readonly number[];
  /** Of a step; null: by the length. */
  readonly tokens: number | null;
  readonly repeats: number;
  readonly seed: number;
}

export interface PrimitivesRecord extends PrimitivesRequest {
  readonly workload: "primitives";
  readonly cells: readonly MeasuredCell[];
  /** What could not be measured, and why. */
  readonly skipped: readonly SkippedCell[];
}

export interface SkippedCell {
  readonly name: string;
  readonly width: number;
  readonly length: number;
  readonly reason: string;
}

const size = z.int().min(1);
const amount = z.number().min(0);

const requestShape = {
  version: z.string(),
  backend: z.string(),
  machine: z.string().nullable(),
  threads: size,
  primitives: z.array(z.string()),
  widths: z.array(size),
  lengths: z.array(size),
  tokens: size.nullable(),
  repeats: size,
  seed: z.int().min(0),
};

const cellSchema: z.ZodType<MeasuredCell> = z.strictObject({
  name: z.string(),
  primitive: z.string(),
  settings: z.record(z.string(), z.unknown()),
  width: size,
  length: size,
  batch: size,
  times: z.array(amount).min(1),
  median: amount,
  tokensPerSecond: amount,
  usefulFlopsPerToken: amount,
  countedBy: z.string(),
  gflops: amount,
  planMs: amount,
  memory: z.strictObject({ arenaBytes: amount, threadBytes: amount, storeBytes: amount }).nullable(),
  peakGflops: amount.nullable(),
  shareOfPeak: amount.nullable(),
});

const recordSchema: z.ZodType<PrimitivesRecord> = z.strictObject({
  workload: z.literal("primitives"),
  ...requestShape,
  cells: z.array(cellSchema),
  skipped: z.array(z.strictObject({ name: z.string(), width: size, length: size, reason: z.string() })),
});

/**
 * The cells of the record in `file` that are finished; none where there is no such file.
 * Errors: RequestError for anything but a record of the same request on the same machine.
 */
export function finishedCells(file: string, request: PrimitivesRequest): readonly MeasuredCell[] {
  if (!existsSync(file)) return [];
  const record = readRecord(file);
  for (const key of Object.keys(requestShape) as (keyof PrimitivesRequest)[]) {
    const [there, here] = [record[key], request[key]].map((value) => JSON.stringify(value));
    if (there === here) continue;
    throw new RequestError(
      `--resume: ${file} has ${key} ${show(record[key])} and this request ${show(request[key])}; repeat the request that ` +
        "began it, or name another --out",
    );
  }
  return record.cells;
}

function readRecord(file: string): PrimitivesRecord {
  let value: unknown;
  try {
    value = parseJson(readInputFile(file, largest.settings).toString("utf8"));
  } catch (error) {
    throw unreadable(file, error instanceof Error ? error.message : String(error));
  }
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) throw unreadable(file, firstIssue(parsed.error));
  return parsed.data;
}

function unreadable(file: string, why: string): RequestError {
  return new RequestError(
    `--resume: ${file} is no record of bench --primitives (${why}); name another --out, or begin anew with --force`,
  );
}
