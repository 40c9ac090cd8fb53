// How far a claim's folder is: its verdicts, kept as a file beside the report. Runs nothing.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { RequestError } from "../errors.ts";
import { largest, readInputFile } from "../inputFile.ts";
import { parseJson } from "../json.ts";
import { replaceFile } from "../train/files.ts";
import type { Scale, StudiedClaim } from "./claim.ts";
import { standingText } from "./verdict.ts";

const schema = z.array(
  z.object({
    /** Which claim, and how large; absent in records of earlier versions. */
    claim: z.string().max(200).optional(),
    scale: z.string().max(20).optional(),
    label: z.string().max(200),
    finished: z.boolean(),
    judgement: z.enum(["supported", "not supported", "not decidable at this scale"]),
  }),
);

const recordPath = (folder: string): string => join(folder, "verdicts.json");

/** What is tested in a folder. */
export interface Tested {
  readonly claim: { readonly name: string };
  readonly scale: Scale;
}

/** Errors: RequestError for the folder of another claim, or of another scale: its report would be written over. */
export function requireClaimFolder(folder: string, { claim, scale }: Tested): void {
  if (!existsSync(recordPath(folder))) return;
  const other = readRecord(folder).find(
    (one) => (one.claim ?? claim.name) !== claim.name || (one.scale ?? scale) !== scale,
  );
  if (other === undefined) return;
  throw new RequestError(
    `${folder} holds ${other.claim} --scale ${other.scale}; choose another folder for ${claim.name} --scale ${scale}`,
  );
}

export function writeRecord(
  folder: string,
  { claim, scale }: Tested,
  studies: readonly StudiedClaim[],
): void {
  const record = studies.map(({ label, finished, runs, verdict }) => ({
    ...{ claim: claim.name, scale, label, finished, runs },
    ...verdict,
  }));
  replaceFile(recordPath(folder), `${JSON.stringify(record, null, 1)}\n`);
}

/**
 * "not run", "begun", or what its studies say: "supported (standard parametrisation)". Of a damaged record it tells that,
 * so that a list of claims goes on to the next.
 */
export function statusIn(folder: string): string {
  if (!existsSync(folder)) return "not run";
  if (!existsSync(recordPath(folder))) return "begun";
  try {
    return readRecord(folder)
      .map(({ label, finished, judgement }) => `${standingText(judgement, finished)} (${label})`)
      .join(", ");
  } catch (error) {
    if (error instanceof RequestError) return error.message;
    throw error;
  }
}

function readRecord(folder: string): z.infer<typeof schema> {
  const path = recordPath(folder);
  try {
    return schema.parse(parseJson(readInputFile(path, largest.manifest).toString("utf8")));
  } catch {
    throw new RequestError(`${path} cannot be read; remove it, and run the claim again to have it back`);
  }
}
