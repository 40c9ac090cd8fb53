// The folder of a study, and what was asked of it: `study.json`, which is there whole or not at all. What its runs bring back is in
// ended.ts. Knows no process and no plan.

import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { RequestError } from "../errors.ts";
import { isFolder, makeFolder } from "../folders.ts";
import { onDisk, removeUnfinished, replaceFile, writeDurably } from "../train/files.ts";
import { canonicalHash, firstDifference } from "./canonical.ts";
import type { Json } from "./job.ts";
import { runsFolder } from "./paths.ts";
import { FORMAT, readRecord } from "./record.ts";

const studySchema = z.strictObject({
  format: z.literal(FORMAT),
  request: z.json() as z.ZodType<Json>,
  sha256: z.string(),
});

/** Makes the folder, where it is not there, so that it can be locked. */
export function prepareFolder(folder: string): void {
  onDisk("write to", folder, () => makeFolder(folder));
}

/**
 * Makes the folder a study's, or holds one that is there to what is asked now.
 * Errors: RequestError where it holds something else; the line says what differs.
 */
export function openStore(folder: string, request: Json): void {
  removeUnfinished(folder);
  const path = join(folder, "study.json");
  if (!existsSync(path)) {
    requireEmpty(folder);
    onDisk("write to", folder, () => makeFolder(runsFolder(folder)));
    replaceRequest(folder, request);
    return;
  }
  requireSame(folder, request);
  onDisk("write to", folder, () => makeFolder(runsFolder(folder)));
}

/** What `openStore` would refuse of a folder, which it leaves as it is. Errors: as there. */
export function requireStore(folder: string, request: Json): void {
  if (!existsSync(join(folder, "study.json"))) requireEmpty(folder);
  else requireSame(folder, request);
}

function requireSame(folder: string, request: Json): void {
  const found = readStudy(folder);
  if (canonicalHash(found) !== canonicalHash(request))
    throw new RequestError(different(folder, found, request));
}

/** Gives a study another request, of which its runs are a part. */
export function replaceRequest(folder: string, request: Json): void {
  replaceFile(
    join(folder, "study.json"),
    `${JSON.stringify({ format: FORMAT, request, sha256: canonicalHash(request) })}\n`,
  );
}

/** What a study was asked. Errors: RequestError where the folder holds none, or one that was changed by hand. */
export function readStudy(folder: string): Json {
  const path = join(folder, "study.json");
  if (!existsSync(path)) {
    throw new RequestError(`${folder} holds no study: ${path} does not exist; name the folder of a study`);
  }
  const found = readRecord(path, studySchema);
  if (!found.isGood) throw new RequestError(`${path}: ${found.why}; restore it, or choose another folder`);
  const { request, sha256 } = found.value;
  if (canonicalHash(request) !== sha256) {
    throw new RequestError(
      `${path}: it was changed since it was written; restore it, or choose another folder`,
    );
  }
  return request;
}

function requireEmpty(folder: string): void {
  if (!existsSync(folder)) return;
  const others = onDisk("read", folder, () => readdirSync(folder)).filter((name) => !name.startsWith("."));
  // A study that was killed while it was made has its folder of runs already.
  if (others.every((name) => name === "runs" && isEmptyFolder(join(folder, name)))) return;
  throw new RequestError(`${folder} holds ${others[0]} and no study; choose a new folder`);
}

function isEmptyFolder(path: string): boolean {
  return isFolder(path) && onDisk("read", path, () => readdirSync(path)).length === 0;
}

const MOST_SHOWN = 60;

function different(folder: string, found: Json, asked: Json): string {
  const { path, a, b } = firstDifference(found, asked)!;
  const shown = (value: Json | undefined): string => {
    const text = value === undefined ? "nothing" : JSON.stringify(value);
    return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN - 1)}…` : text;
  };
  return (
    `${folder} holds another study: ${path === "" ? "it" : path} is ${shown(a)} there and ${shown(b)} here; ` +
    "ask for the same, or choose another folder"
  );
}

/** What a small checkpoint needs, in bytes. */
const ROOM = 2 ** 20;

/** Whether the disk takes something, tried by writing it. */
export function hasRoom(folder: string): boolean {
  const path = join(folder, ".partial-room");
  try {
    writeDurably(path, [new Uint8Array(ROOM)]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(path, { force: true });
  }
}
