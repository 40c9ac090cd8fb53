// Which options of `scantling bench` belong to workloads and which to primitives. Measures nothing.

import { RequestError } from "../../errors.ts";
import { type BenchOptions, decoderKeys } from "./command.ts";

type Key = keyof BenchOptions;

const ofWorkloads = ["workload", ...decoderKeys, "steps", "explain"] as const satisfies readonly Key[];
const ofPrimitives = ["widths", "lengths", "tokens", "repeats", "resume"] as const satisfies readonly Key[];

/** Errors: RequestError for options that do not go together. */
export function refuseMixture(options: BenchOptions): void {
  const given = (keys: readonly Key[]) => keys.find((key) => options[key] !== undefined);
  if (options.primitives === undefined) {
    const key = given(ofPrimitives);
    if (key === undefined) return;
    throw new RequestError(`bench: ${flag(key)} is of --primitives; add that or leave ${flag(key)} out`);
  }
  const key = given(ofWorkloads);
  if (key !== undefined) {
    const instead = key === "width" || key === "length" ? `; ${flag(key)}s takes a list` : "";
    throw new RequestError(
      `bench: ${flag(key)} does not go with --primitives${instead}; leave one of them out`,
    );
  }
  if (options.resume && options.force) {
    throw new RequestError("bench: --resume keeps what --force would overwrite; leave one of them out");
  }
  if (options.resume && options.out === undefined) {
    throw new RequestError("bench: --resume needs --out, the file to go on with");
  }
}

const flag = (key: Key): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
