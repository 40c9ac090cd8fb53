// What a study with a budget has spent, kept in `spent.json`: more than its results tell, since jobs take time to begin and to
// end, and a plan may no longer ask for what it once did. Knows no budget.
import { join } from "node:path";
import { z } from "zod";
import { isDiskFull, replaceFile } from "../train/files.ts";
import { readRecord } from "./record.ts";
import type { Totals } from "./spent.ts";

const amount = z.number().nonnegative();
const schema = z.object({ flops: amount, seconds: amount, clock: amount });

const spentPath = (folder: string): string => join(folder, "spent.json");

/** Undefined where nothing is kept that can be read: what results tell is nearly as much. */
export function readSpent(folder: string): Totals | undefined {
  const found = readRecord(spentPath(folder), schema);
  return found.isGood ? found.value : undefined;
}

/** Not where the disk has no room. */
export function keepSpent(folder: string, totals: Totals): void {
  try {
    replaceFile(spentPath(folder), `${JSON.stringify(totals)}\n`);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}
