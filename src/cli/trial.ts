// A study of trained models on a terminal: how it goes, and the worker that knows the user's primitives. Knows no command.

import { resolve } from "node:path";
import { WorkError } from "../errors.ts";
import { createStudyView } from "../study/view.ts";
import type { TrialEvent } from "../trial/trial.ts";
import { ownConfig } from "./config.ts";
import type { Console } from "./console.ts";
import { createLiveLines } from "./liveLines.ts";

/** The last event of a study. */
export type TrialEnd = Extract<TrialEvent, { kind: "end" }>;

/** Shows a study as it goes. */
export async function followTrial(events: AsyncIterable<TrialEvent>, console: Console): Promise<TrialEnd> {
  const live = createLiveLines(console);
  const view = createStudyView(!console.interactive);
  try {
    for await (const event of events) {
      if (event.kind === "end") return event;
      for (const line of view.take(event.event)) live.line(line);
      live.draw(() => view.lines());
    }
  } finally {
    live.end();
  }
  throw new WorkError("study: it ended without saying how; try again");
}

/** A worker that knows the user's primitives, where there are any. */
export function trialWorker(config: string | undefined): URL | undefined {
  const path = config ?? ownConfig();
  if (path === undefined) return undefined;
  const ending = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  const worker = new URL(`./trialWorker${ending}`, import.meta.url);
  worker.searchParams.set("config", resolve(path));
  return worker;
}
