// How far a claim's folder is: its verdicts, kept as a file beside the report. Runs nothing.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { RequestError } from "../errors.ts";
import { largest, readInputFile } from "../inputFile.ts";
import { parseJson } from "../json.ts";
import { replaceFile } from "../train/files.ts";
import type { StudiedClaim } from "./claim.ts";

const schema = z.array(
  z.object({
    label: z.string().max(200),
    finished: z.boolean(),
    judgement: z.enum(["supported", "not supported", "not decidable at this scale"]),
  }),
);

const recordPath = (folder: string): string => join(folder, "verdicts.json");

export function writeRecord(folder: string, studies: readonly StudiedClaim[]): void {
  const record = studies.map(({ label, finished, runs, verdict }) => ({ label, finished, runs, ...verdict }));
  replaceFile(recordPath(folder), `${JSON.stringify(record, null, 1)}\n`);
}

/** "not run", "begun", or what its studies say: "supported (standard parametrisation)". */
export function statusIn(folder: string): string {
  if (!existsSync(folder)) return "not run";
  const path = recordPath(folder);
  if (!existsSync(path)) return "begun";
  try {
    const studies = schema.parse(parseJson(readInputFile(path, largest.manifest).toString("utf8")));
    return studies
      .map(({ label, finished, judgement }) => `${finished ? "" : "so far "}${judgement} (${label})`)
      .join(", ");
  } catch {
    throw new RequestError(`${path} cannot be read; remove it, and run the claim again to have it back`);
  }
}
