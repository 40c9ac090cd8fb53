// What `scantling count` does: reads the architecture, counts, prints. Counts nothing itself.

import { type Count, count } from "../../architecture/count.ts";
import { presets } from "../../architecture/presets.ts";
import { readArchitecture } from "../../architecture/read.ts";
import { printSources } from "../../architecture/sources.ts";
import { printStripe } from "../../architecture/stripe.ts";
import { RequestError } from "../../errors.ts";
import { formatBytes, formatCount } from "../../report/format.ts";
import type { Console } from "../console.ts";
import { prepareOutput } from "../output.ts";
import type { CountOptions } from "./command.ts";

/** @returns the exit code */
export function countArchitecture(name: string | undefined, options: CountOptions, console: Console): number {
  if (name === undefined) {
    throw new RequestError(
      `no architecture; expected a .json or .yaml file, or one of ${[...presets.keys()].join(", ")}`,
    );
  }
  const write = options.out === undefined ? undefined : prepareOutput(options.out, options.force ?? false);
  const architecture = readArchitecture(name);
  const counted = count(architecture, options.length);
  write?.(`${JSON.stringify(counted, null, 2)}\n`);
  if (options.json) console.out(`${JSON.stringify(counted)}\n`);
  else {
    const title = `${name}: ${printStripe(architecture)}, width ${architecture.width}`;
    const { sources } = architecture;
    const through = sources.length === 0 ? [] : [`parameters through ${printSources(sources)}`];
    const length = options.length ?? architecture.length;
    console.out(`${[title, ...through, ...countLines(counted, length)].join("\n")}\n`);
  }
  return 0;
}

function countLines(counted: Count, length: number): string[] {
  const { parameters, flopsPerToken, stateElements, activationBytes, kvCacheBytes } = counted;
  const whole = (value: number) => value.toLocaleString("en-US");
  const row = (name: string, value: string, note = "") =>
    `  ${name.padEnd(24)} ${value.padStart(22)}${note === "" ? "" : `  ${note}`}`;
  return [
    "parameters",
    row("total", whole(parameters.total)),
    row("without embeddings", whole(parameters.nonEmbedding)),
    row("embeddings", whole(parameters.embedding)),
    row("active", whole(parameters.active)),
    row("weights", whole(parameters.weights)),
    row("biases", whole(parameters.biases)),
    ...alike(parameters.byModule).map(({ name, size, times }) =>
      row(name, whole(size), times === 1 ? "" : `× ${times}`),
    ),
    `FLOPs per token, at length ${length}`,
    row("forward", formatCount(flopsPerToken.forward)),
    row("training", formatCount(flopsPerToken.training)),
    row("6N", formatCount(flopsPerToken.sixN)),
    row("Kaplan", formatCount(flopsPerToken.kaplan)),
    row("Chinchilla", formatCount(flopsPerToken.chinchilla)),
    "of one sequence",
    row("state numbers kept", whole(stateElements.kept)),
    row("state numbers, MAD", whole(stateElements.mad)),
    row("key/value cache", formatBytes(kvCacheBytes)),
    row("activations", formatBytes(activationBytes)),
  ];
}

/** Modules; those of one size at one place of several blocks are told once, with the first block's name. */
function alike(byModule: Count["parameters"]["byModule"]) {
  const found = new Map<string, { readonly name: string; readonly size: number; times: number }>();
  for (const [name, size] of Object.entries(byModule)) {
    const key = `${name.replace(/^block\.\d+\./, "block.*.")} ${size}`;
    const same = found.get(key);
    if (same === undefined) found.set(key, { name, size, times: 1 });
    else same.times++;
  }
  return [...found.values()];
}
