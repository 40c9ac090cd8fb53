#!/usr/bin/env node
// Times writing text with caches against reading all tokens so far again for every token, in turn on one machine, and
// prints the ratio. The weights are random, which changes no time. See bench/README.md.

import { renameSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { commitOf, describeMachine, otherWork } from "./compare/run.js";
import { median } from "./compare/summary.js";
import { numberOptions } from "./options.js";

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const HELP = `Usage: node bench/decoding.js [options]

Writes a text of --length tokens with caches, and times reading 1/8, 2/8 ... 8/8 of it anew, in turn.

  --width N, --layers N, --heads N, --length N, --vocabulary N   default 384, 6, 6, 512, 96
  --rounds N    rounds of both sides (default 5)
  --threads N   (default 2)
  --out FILE    also write every round and a description of the machine as JSON
  --help

Example: node bench/decoding.js --rounds 5 --out bench/results/decoding.json
`;
const numbers = { width: 384, layers: 6, heads: 6, length: 512, vocabulary: 96, rounds: 5, threads: 2 };
/** Parts of the text at whose ends it is read anew. */
const PARTS = 8;
/** Times that each is read in a round. */
const READINGS = 2;

function parseOptions() {
  const values = numberOptions(HELP, numbers);
  for (const name of Object.keys(numbers)) {
    const least = name === "length" ? PARTS : 1;
    if (!(Number.isInteger(values[name]) && values[name] >= least)) {
      throw new Error(`--${name}: expected a whole number of at least ${least}`);
    }
  }
  return values;
}

const load = (file) => import(new URL(`../dist/${file}`, import.meta.url));

/** A machine and a store that holds the model's parameters. */
async function openModel(architecture, threads) {
  const [{ createNative }, { forward }, { inputSource }, { initialValues }, { input }] = await Promise.all(
    [
      "backend/native/index.js",
      "architecture/forward.js",
      "nn/parameters.js",
      "nn/initialize.js",
      "tensor/ops/leaf.js",
    ].map(load),
  );
  const machine = await createNative({ threads });
  const store = machine.createStore();
  const source = inputSource();
  forward(architecture, source, input("tokens", [1, 1], "i32"));
  for (const [name, declaration] of source.declared) {
    store.allocate(name, { shape: declaration.shape, dtype: "f32" });
    store.write(name, initialValues(name, declaration, 1));
  }
  return { machine, store };
}

/** Reads `length` tokens at once, for the logits after the last. */
async function createReader({ machine, store }, architecture, length) {
  const [{ forward }, { inputSource }, { fill, input }, { program }] = await Promise.all(
    ["architecture/forward.js", "nn/parameters.js", "tensor/ops/leaf.js", "tensor/program.js"].map(load),
  );
  const tokens = `tokens ${length}`;
  store.allocate(tokens, { shape: [1, length], dtype: "i32" });
  store.write(
    tokens,
    new Int32Array(length).map((_, i) => (i * 7) % architecture.vocabulary),
  );
  const logits = forward(architecture, inputSource(), input(tokens, [1, length], "i32"), {
    position: fill(length - 1, [], "i32"),
  });
  const executable = machine.load(program({ logits }));
  return { length, read: () => executable.run(store) };
}

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function main() {
  const options = parseOptions();
  const { width, layers, heads, length, vocabulary, rounds, threads, out } = options;
  const [{ defineArchitecture }, { createDecoder }] = await Promise.all(
    ["architecture/architecture.js", "train/decoder.js"].map(load),
  );
  const architecture = defineArchitecture({ vocabulary, length, width, layers, heads });
  const model = await openModel(architecture, threads);
  const decoder = createDecoder(model.machine, architecture, model.store, 1);
  const part = Math.floor(length / PARTS);
  const readers = [];
  for (let i = 1; i <= PARTS; i++) readers.push(await createReader(model, architecture, i * part));

  /** Milliseconds of a token, by the part of the text it stands in. */
  const writing = async () => {
    const parts = [];
    let position = 1;
    await decoder.begin([[1]]);
    for (const { length: end } of readers) {
      const count = end - position;
      const ms = await timed(async () => {
        for (; position < end; position++) await decoder.next([position % vocabulary]);
      });
      parts.push(ms / count);
    }
    return parts;
  };
  const reading = async () => {
    const parts = [];
    for (const { read } of readers) {
      parts.push(
        (await timed(async () => {
          for (let i = 0; i < READINGS; i++) await read();
        })) / READINGS,
      );
    }
    return parts;
  };
  await writing();
  await reading();
  const runs = [];
  for (let round = 0; round < rounds; round++) {
    const busyBefore = await otherWork();
    const sides = round % 2 === 0 ? ["cached", "uncached"] : ["uncached", "cached"];
    const run = { busyBefore };
    for (const side of sides) run[side] = side === "cached" ? await writing() : await reading();
    runs.push(run);
    process.stderr.write(`round ${round + 1}/${rounds}\n`);
  }
  decoder.dispose();
  model.machine.dispose();

  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const ratios = (f) => runs.map(({ cached, uncached }) => f(uncached) / f(cached));
  const summary = {
    cachedMs: median(runs.map(({ cached }) => cached.at(-1))),
    uncachedMs: median(runs.map(({ uncached }) => uncached.at(-1))),
    ratioAtLength: median(ratios((parts) => parts.at(-1))),
    ratioOfText: median(ratios(mean)),
  };
  const show = (x) => x.toFixed(x < 10 ? 2 : 1);
  process.stdout.write(
    `a token at length ${length}: cached ${show(summary.cachedMs)} ms, uncached ${show(summary.uncachedMs)} ms, ` +
      `ratio ${show(summary.ratioAtLength)}; over a text of ${length} tokens: ratio ${show(summary.ratioOfText)}\n`,
  );
  const busiest = Math.max(...runs.map(({ busyBefore }) => busyBefore));
  if (busiest > 0.05) {
    process.stdout.write(
      `up to ${(100 * busiest).toFixed(0)} % of the cores did other work before a round\n`,
    );
  }
  if (out === undefined) return;
  const given = Object.keys(numbers).map((name) => `--${name} ${options[name]}`);
  const record = {
    date: new Date().toISOString(),
    command: ["node bench/decoding.js", ...given].join(" "),
    commit: commitOf(ROOT),
    machine: describeMachine(),
    loadBefore: os.loadavg(),
    summary,
    runs,
  };
  writeFileSync(`${out}.part`, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(`${out}.part`, out);
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
