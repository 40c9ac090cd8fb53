// A JSON file that a study keeps, read and held to its schema. Knows no study.
import type { z } from "zod";
import { largest, readInputFile } from "../inputFile.ts";
import { parseJson } from "../json.ts";

/** Of every such file; one of another says nothing that can be used. */
export const FORMAT = 1;

/** What a file says, or why it says nothing that can be used, in a few words. */
export type Found<Value> =
  | { readonly isGood: true; readonly value: Value }
  | { readonly isGood: false; readonly why: string };

export function readRecord<Value>(path: string, schema: z.ZodType<Value>): Found<Value> {
  let content: unknown;
  try {
    content = parseJson(readInputFile(path, largest.settings).toString("utf8"));
  } catch (error) {
    return { isGood: false, why: error instanceof Error ? error.message : String(error) };
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return { isGood: true, value: parsed.data };
  const { path: where, message } = parsed.error.issues[0]!;
  return { isGood: false, why: `${where.length === 0 ? "it" : where.join(".")}: ${message}` };
}
