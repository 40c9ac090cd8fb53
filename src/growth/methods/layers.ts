// Which blocks new ones copy. Knows no values.
import type { Architecture } from "../../architecture/schema.ts";
import { RequestError } from "../../errors.ts";
import { placesIn } from "../places.ts";
import type { StepTarget } from "../steps.ts";

/** For each place of the larger architecture the old one it copies: that of the block before, in front that of the first. */
export function blockBefore({ first }: Architecture, { origins }: StepTarget, added: number): number[] {
  const start = origins.indexOf(null);
  const period = origins.filter((origin) => origin === null).length / added;
  const copied = start === first.length ? start : start - period;
  return origins.map((origin, i) => origin ?? copied + ((i - start) % period));
}

/** The same, of blocks from the first on, in turn. Errors: RequestError for layers that do not go on top. */
export function blocksInTurn(from: Architecture, { origins }: StepTarget): number[] {
  const lowest = from.first.length;
  const old = placesIn(from).length - lowest - from.last.length;
  const start = origins.indexOf(null);
  if (start !== lowest + old) {
    throw new RequestError("grow: stacked layers go on top; expected layers such as +2@last");
  }
  return origins.map((origin, i) => origin ?? lowest + ((i - start) % old));
}
