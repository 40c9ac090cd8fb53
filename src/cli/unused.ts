// Options that were given and would not be used: refused, as what they ask for would silently not be done. Knows no command.

import type { Command } from "commander";
import { RequestError } from "../errors.ts";

/** Errors: RequestError for the first of `names` that was typed. @param by such as "to ladders of shape" */
export function refuseUnused(command: Command, names: readonly string[], by: string): void {
  const given = command.options.find(
    (option) =>
      names.includes(option.attributeName()) &&
      command.getOptionValueSource(option.attributeName()) === "cli",
  );
  if (given === undefined) return;
  throw new RequestError(`${given.long ?? given.short} is of no use ${by}; leave it out`);
}
