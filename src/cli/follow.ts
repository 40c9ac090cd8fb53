// A study on a terminal: how it goes, in lines that are drawn over and lines that stay. Knows no command.

import { WorkError } from "../errors.ts";
import type { StudyEvent } from "../study/events.ts";
import { createStudyView } from "../study/view.ts";
import type { Console } from "./console.ts";
import { createLiveLines, type LiveLines } from "./liveLines.ts";

interface Told {
  readonly kind: string;
}

type End<Event extends Told> = Extract<Event, { kind: "end" }>;

/**
 * Shows the events of a study as they come, until the last.
 * @param what is followed, as a message has it that it ended without one
 * @param show is given the events of other kinds
 */
export async function follow<Event extends Told>(
  events: AsyncIterable<Event>,
  console: Console,
  what: string,
  show: (event: Event, live: LiveLines) => void = () => {},
): Promise<End<Event>> {
  const live = createLiveLines(console);
  const view = createStudyView(!console.interactive);
  try {
    for await (const event of events) {
      if (isEnd(event)) return event;
      if (isOfStudy(event)) {
        for (const line of view.take(event.event)) live.line(line);
        live.draw(() => view.lines());
      } else {
        show(event, live);
      }
    }
  } finally {
    live.end();
  }
  throw new WorkError(`${what} ended without saying how; try again`);
}

function isEnd<Event extends Told>(event: Event): event is End<Event> {
  return event.kind === "end";
}

function isOfStudy(event: Told): event is { readonly kind: "study"; readonly event: StudyEvent } {
  return event.kind === "study";
}
