// An architecture as one readable file of Python for PyTorch, which trains or loads weights by itself, and what it calls
// every parameter. Knows no primitive and no run.
import { linearHelper, python, pythonNumber } from "../../nn/pytorch/form.ts";
import type { PyTorchName } from "../../nn/pytorch/names.ts";
import { packageVersion } from "../../version.ts";
import type { Architecture } from "../schema.ts";
import { blocksOf, printStripe } from "../stripe.ts";
import { blockClass, formOf } from "./block.ts";
import { PythonClasses } from "./classes.ts";
import { inputName, modelClass, sinusoidsHelper } from "./model.ts";
import { originsOf } from "./origins.ts";
import { askedNames, storedNames } from "./parameters.ts";
import { programTexts } from "./program.ts";
import { hasComputed, matrixLines, sourceLines } from "./sources.ts";

/** The text of a file, and what it calls the parameters. */
export interface PyTorchFile {
  readonly text: string;
  /** By the names that Scantling stores them under. */
  readonly parameters: ReadonlyMap<string, PyTorchName>;
}

/**
 * `Model` in the file maps token ids [B, T] (or numbers [B, T, N]) to logits [B, T, V] as `forward` does, [B, V] where the
 * architecture has one answer for a sequence. Its `load(path)` reads weights from a safetensors file, which its text calls
 * `weights`; run as a program it trains a few steps.
 * Errors: RequestError for a primitive without a PyTorch form.
 */
export function pytorchFile(architecture: Architecture, weights = "model.safetensors"): PyTorchFile {
  const blocks = blocksOf(architecture);
  const places = new Map(blocks.map((block) => [block.path.replace(/\.\d+$/, ""), block.places]));
  const origins = originsOf(architecture);
  const names = askedNames(origins.asked, (path, place) => {
    const at = places.get(path.replace(/\.\d+$/, ""))!.find(({ name }) => name === place);
    return (at && formOf(at.module).modules) ?? [];
  });
  const classes = new PythonClasses();
  const modules = blocks.reduce((sum, block) => sum + block.places.length, 0);
  if (architecture.decoder !== null) classes.use(sinusoidsHelper);
  classes.use(linearHelper);
  const sources = sourceLines(origins, names, architecture, classes);
  const isComputed = hasComputed(origins);
  const printed = (["first", "block", "last"] as const).flatMap((path) => {
    const own = places.get(path);
    if (own === undefined) return [];
    const matrices = isComputed
      ? matrixLines(path === "block" ? "block.0" : path, origins, names, architecture)
      : [];
    const loop = path === "block" ? architecture.loop : null;
    const name = { first: "First", block: "Block", last: "Last" }[path];
    return [blockClass({ name, places: own, loop, modules, matrices }, architecture, classes)];
  });
  const model = modelClass(architecture, {
    hasFirst: places.has("first"),
    hasLast: places.has("last"),
    sizes: { first: places.get("first")?.length ?? 0, stripe: places.get("block")!.length },
    sources,
    hasComputed: isComputed,
    hasLosses: classes.hasLosses,
  });
  const body = [...classes.texts(), ...printed, model].join("\n\n\n");
  const program = programTexts(architecture, classes.hasLosses).join("\n\n\n");
  const text = `${[heading(architecture, weights, `${body}${program}`), body, program].join("\n\n\n")}\n`;
  return { text, parameters: storedNames(origins, names) };
}

function heading(architecture: Architecture, weights: string, rest: string): string {
  const { vocabulary, length, width, standardDeviation, dropout, stochasticDepth } = architecture;
  const isUsed = (name: string) => new RegExp(`\\b${name}\\b`).test(rest);
  const title = `A model of Scantling ${packageVersion()} for PyTorch 2.4 or later, ${width} wide: ${printStripe(architecture)}`;
  // What a path or a setting holds must not end the text it stands in.
  const file = /^[\w.-]+$/.test(weights) ? weights : "model.safetensors";
  return python([
    '"""',
    wrapped(title.replace(/["\\]/g, "'"), 100),
    "",
    `    model = load("${file}")  # or Model(), to train it from the beginning`,
    `    logits = model(${inputName(architecture)})`,
    '"""',
    "",
    "import json",
    isUsed("math") && "import math",
    "import sys",
    "",
    "import torch",
    "import torch.nn.functional as F",
    "from torch import nn",
    isUsed("parametrize") && "from torch.nn.utils import parametrize",
    "",
    `VOCABULARY = ${vocabulary}`,
    `LENGTH = ${length}  # of the longest sequence`,
    `WIDTH = ${width}`,
    isUsed("DEVIATION") && `DEVIATION = ${pythonNumber(standardDeviation)}  # of matrices at the start`,
    isUsed("DROPOUT") && `DROPOUT = ${pythonNumber(dropout)}`,
    isUsed("STOCHASTIC_DEPTH") && `STOCHASTIC_DEPTH = ${pythonNumber(stochasticDepth)}`,
  ]);
}

/** Lines of at most so many characters, broken at spaces. */
function wrapped(text: string, most: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length > most) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
