// Which workloads to time, and how each is spelled for either side. Knows the options of `scantling bench` and
// of peer/decoder.py; runs nothing.

import { readFileSync } from "node:fs";

/** @typedef {{ name: string, scantling: string[], torch: string[] }} Workload */

/** A request that cannot be served: one line, exit code 2. */
export class RequestError extends Error {}

const FIXED = ["W1", "W2"];
const SIZES = ["width", "layers", "heads", "kvHeads", "length", "batch", "feedforward", "vocabulary"];
const WORDS = ["activation", "norm", "positions"];
const FLAGS = ["bias", "tied"];

/**
 * The named workloads, then the shapes of a file.
 * @param {string[]} names W1, W2
 * @param {string | undefined} shapesFile a JSON list of decoders, each with a name
 * @param {string[]} only names of the shapes to keep; none keeps all
 * @returns {Workload[]}
 */
export function selectWorkloads(names, shapesFile, only) {
  const unknown = names.find((name) => !FIXED.includes(name));
  if (unknown !== undefined) {
    throw new RequestError(`--workloads ${unknown}: expected W1 or W2; other decoders are given by --shapes`);
  }
  if (only.length > 0 && shapesFile === undefined) throw new RequestError("--only needs --shapes FILE");
  const fixed = names.map((name) => ({ name, scantling: ["--workload", name], torch: ["--workload", name] }));
  const shapes = shapesFile === undefined ? [] : readShapes(shapesFile);
  const missing = only.find((name) => !shapes.some((shape) => shape.name === name));
  if (missing !== undefined) {
    const known = shapes.map((shape) => shape.name).join(", ");
    throw new RequestError(`--only ${missing}: not in ${shapesFile}, which has ${known}`);
  }
  const selected = [...fixed, ...shapes.filter((shape) => only.length === 0 || only.includes(shape.name))];
  if (selected.length === 0) throw new RequestError("nothing to run: name a workload or a file of shapes");
  return selected;
}

/** @param {string} file @returns {Workload[]} */
function readShapes(file) {
  let shapes;
  try {
    shapes = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RequestError(`--shapes ${file}: expected a JSON list of decoders: ${reason}`);
  }
  if (!Array.isArray(shapes)) throw new RequestError(`--shapes ${file}: expected a JSON list of decoders`);
  return shapes.map((shape) => spell(file, shape));
}

/** @param {string} file @param {{ name?: unknown }} shape @returns {Workload} */
function spell(file, shape) {
  const { name, ...settings } = shape;
  if (typeof name !== "string")
    throw new RequestError(`--shapes ${file}: expected every decoder to have a name`);
  const scantling = ["--workload", "decoder"];
  const torch = ["--workload", "decoder"];
  for (const [key, value] of Object.entries(settings)) {
    const known =
      (FLAGS.includes(key) && typeof value === "boolean") ||
      (SIZES.includes(key) && Number.isInteger(value)) ||
      (WORDS.includes(key) && typeof value === "string");
    if (!known) {
      throw new RequestError(
        `--shapes ${file}: ${name}: ${key}: ${JSON.stringify(value)} is no decoder option`,
      );
    }
    if (value === false) continue;
    const argument = value === true ? [] : [String(value)];
    scantling.push(`--${key}`, ...argument);
    torch.push(key === "kvHeads" ? "--kv-heads" : `--${key}`, ...argument);
  }
  return { name, scantling, torch };
}
