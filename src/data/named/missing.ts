// What to say of a named data set that is not here: where it can be had and where it goes. Changes nothing.

import { join } from "node:path";
import { RequestError } from "../../errors.ts";
import { likelyFolder } from "./folders.ts";
import { downloadBytes, exactBytes, type NamedDataset } from "./namedDataset.ts";

/** @param folders where it was looked for */
export function missingSet(dataset: NamedDataset, folders: readonly string[]): RequestError {
  const { name, downloads } = dataset;
  const folder = likelyFolder(folders);
  const files = downloads.map(
    ({ file, urls, bytes, sha256 }) =>
      `${urls[0]} (${exactBytes(bytes)}, SHA-256 ${sha256}) as ${join(folder, name, file)}`,
  );
  const size = Math.max(1, Math.round(downloadBytes(dataset) / 1e6));
  return new RequestError(
    `data: ${name} is not on this machine (looked in ${folders.join(" and ")}); fetch its ${size} MB with: scantling data ` +
      `fetch ${name}; without a network put ${files.join(" and ")} and give the same command`,
  );
}

export function damagedSet(name: string, folder: string, why: string): RequestError {
  return new RequestError(
    `data: ${name} in ${folder} is damaged: ${why}; fetch it again with: scantling data fetch ${name}`,
  );
}
