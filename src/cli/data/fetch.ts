// What `scantling data fetch` does: brings a data set here and says how it goes.

import { join } from "node:path";
import { type FetchEnd, fetchDataset } from "../../data/named/fetch.ts";
import { dataFolders } from "../../data/named/folders.ts";
import { exactBytes, filesOf } from "../../data/named/namedDataset.ts";
import { requireNamed } from "../../data/named/table.ts";
import { WorkError } from "../../errors.ts";
import type { Console } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { createStatus } from "../status.ts";
import type { FetchOptions } from "./command.ts";

/** @returns the exit code */
export async function fetch(name: string, options: FetchOptions, console: Console): Promise<number> {
  const dataset = requireNamed(name);
  const folders = options.out === undefined ? dataFolders(console.environment) : [options.out];
  const status = createStatus(console);
  let end: FetchEnd | undefined;
  try {
    const { from, force } = options;
    for await (const event of fetchDataset({ dataset, folders, from, force, signal: console.signal })) {
      switch (event.kind) {
        case "start":
          status.line(`fetching ${name} into ${event.folder}: ${exactBytes(event.bytes)}`);
          break;
        case "progress": {
          const share = event.received / event.bytes;
          const percent = `${Math.floor(100 * share)} %`.padStart(5);
          status.share(share, `${percent}  ${event.file}  ${exactBytes(event.received)}`);
          break;
        }
        case "trouble": {
          const then = event.seconds > 0 ? `; again in ${event.seconds} s` : "";
          status.line(`${event.url}: ${event.reason}${then}`);
          break;
        }
        case "unpack":
          status.line(`unpacking ${event.file}`);
          break;
        case "end":
          end = event;
      }
    }
  } finally {
    status.end();
  }
  if (end === undefined) throw new WorkError(`data: fetching ${name} ended without saying how; try again`);
  if (end.reason === "aborted") {
    console.err(`interrupted: scantling data fetch ${name} goes on from here\n`);
    return interruptedCode;
  }
  const { folder, reason, files } = end;
  if (options.json) {
    console.out(
      `${JSON.stringify({ name, folder, fetched: reason === "done", files, licence: dataset.licence })}\n`,
    );
  } else {
    const what =
      reason === "present" ? "was there already; every checksum is right" : "is here, every checksum right";
    const use =
      dataset.kind === "text"
        ? `; use it with: scantling train --data ${options.out === undefined ? name : folder}`
        : "";
    console.out(
      `${name} ${what}: ${filesOf(dataset)
        .map((file) => join(folder, file))
        .join(", ")}${use}\n`,
    );
    console.out(`licence: ${dataset.licence}\n`);
  }
  return 0;
}
