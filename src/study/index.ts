// The index of a study: one SQLite file made from what its runs hold, for questions over thousands of them. Nothing
// depends on it: it is only ever replaced whole, and made again where it is missing, damaged or behind.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "node-sqlite3-wasm";
import { RequestError } from "../errors.ts";
import { largest, readInputFile } from "../inputFile.ts";
import { replaceFile } from "../train/files.ts";
import { type Ended, endedNames, readAllEnded } from "./ended.ts";
import { readStudy } from "./store.ts";

/** A row of an answer: values by column. */
export type StudyRow = Readonly<Record<string, number | bigint | string | Uint8Array | null>>;

const schema = `
  pragma journal_mode = off;
  pragma synchronous = off;
  create table results (run text, until integer, value text, flops real, seconds real, primary key (run, until));
  create table failures (run text, until integer, reason text, attempts integer, primary key (run, until));
`;

export const indexPath = (folder: string): string => join(folder, "index.sqlite");

/**
 * Asks a study's results with SQL. Tables: `results` (run, until, value as JSON text, flops, seconds) and `failures` (run,
 * until, reason, attempts). The index is rebuilt first where it does not hold what the runs hold.
 * Errors: RequestError where the folder holds no study, or for what SQLite says about the question.
 * @param sql such as `select run, value ->> 'accuracy' from results order by 2 desc`
 */
export async function queryStudy(folder: string, sql: string): Promise<StudyRow[]> {
  readStudy(folder);
  const content = (await soundIndex(folder)) ?? (await rebuildIndex(folder));
  return inDatabase(content, (database) => {
    try {
      return database.all(sql) as StudyRow[];
    } catch (error) {
      throw new RequestError(
        `${sql}: ${error instanceof Error ? error.message : error}; change the question`,
      );
    }
  });
}

/**
 * Makes a study's index again from its runs. Errors: RequestError where the folder holds no study, WorkError.
 * @returns the file's content
 */
export async function rebuildIndex(folder: string): Promise<Uint8Array> {
  readStudy(folder);
  return writeIndex(
    folder,
    readAllEnded(folder, () => {}),
  );
}

/** @returns the file's content */
export async function writeIndex(folder: string, ended: Iterable<Ended>): Promise<Uint8Array> {
  const content = await inDatabase(undefined, (database, path) => {
    database.exec(schema);
    database.exec("begin");
    const result = database.prepare("insert into results values (?, ?, ?, ?, ?)");
    const failure = database.prepare("insert into failures values (?, ?, ?, ?)");
    for (const one of ended) {
      if (one.kind === "result") {
        const { run, until, value, flops, seconds } = one.result;
        result.run([run, until, JSON.stringify(value), flops, seconds]);
      } else {
        const { run, until, reason, attempts } = one.failure;
        failure.run([run, until, reason, attempts]);
      }
    }
    for (const statement of [result, failure]) statement.finalize();
    database.exec("commit");
    return readFileSync(path);
  });
  replaceFile(indexPath(folder), [content]);
  return content;
}

/** Undefined where there is no index that holds what the runs hold. */
async function soundIndex(folder: string): Promise<Uint8Array | undefined> {
  let content: Uint8Array;
  try {
    content = readInputFile(indexPath(folder), largest.content);
  } catch {
    return undefined;
  }
  const isSound = await inDatabase(content, (database) => {
    try {
      const [check] = database.all("pragma quick_check") as StudyRow[];
      const rows = database.all(
        "select run, until, 'result' as kind from results union all select run, until, 'failure' from failures",
      ) as StudyRow[];
      const names = rows.map(({ run, until, kind }) => `${run} ${until} ${kind}`).sort();
      return check?.quick_check === "ok" && names.join("\n") === endedNames(folder).join("\n");
    } catch {
      return false;
    }
  });
  return isSound ? content : undefined;
}

/** Works on a copy of one's own: nobody waits for a lock, and a killed process leaves none in the study. */
async function inDatabase<T>(
  content: Uint8Array | undefined,
  work: (database: Database, path: string) => T,
): Promise<T> {
  const { default: sqlite } = await import("node-sqlite3-wasm");
  const folder = mkdtempSync(join(tmpdir(), "scantling-index-"));
  try {
    const path = join(folder, "index.sqlite");
    if (content !== undefined) writeFileSync(path, content);
    const database = new sqlite.Database(path, { readOnly: content !== undefined });
    try {
      return work(database, path);
    } finally {
      database.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
