// What `scantling draw` does: reads the architecture, has it drawn, prints or writes it. Draws nothing itself.

import { basename } from "node:path";
import { readArchitecture } from "../../architecture/read.ts";
import { printStripe } from "../../architecture/stripe.ts";
import { diagramSvg, diagramText } from "../../report/diagram.ts";
import type { Console } from "../console.ts";
import { prepareOutput } from "../output.ts";
import type { DrawOptions } from "./command.ts";

/** @returns the exit code */
export function drawArchitecture(name: string, options: DrawOptions, console: Console): number {
  const write = options.out === undefined ? undefined : prepareOutput(options.out, options.force ?? false);
  const architecture = readArchitecture(name);
  const title = basename(name).replace(/\.(json|ya?ml)$/i, "");
  const text = diagramText(architecture, title);
  const svg = diagramSvg(architecture, title);
  write?.(`${svg}\n`);
  if (options.json) {
    console.out(`${JSON.stringify({ stripe: printStripe(architecture), text, svg })}\n`);
  } else if (options.out === undefined) console.out(`${text}\n`);
  else console.err(`${options.out} written\n`);
  return 0;
}
