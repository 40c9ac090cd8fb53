#!/usr/bin/env node
// Deep, narrow networks without norms from the default first values, from those that go by the graph (Chen et al. 2024), and
// from learned ones (GradInit): the validation loss at the best of four rates. Every finished run is written as it ends; the
// same command goes on. A few minutes.

import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { openMachine, train } from "../../dist/index.js";

const file = path.join(path.dirname(fileURLToPath(import.meta.url)), "initialisations.jsonl");
const known = existsSync(file)
  ? readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
  : [];

const common = {
  length: 16,
  width: 24,
  feedforward: 24,
  norm: "none",
  positions: "none",
  standardDeviation: 0.2,
};
const networks = {
  "chain of 32 matrices": { ...common, stripe: ["relu(activationAfter: true)"], layers: 16, block: "none" },
  "32 residual attention and relu": {
    ...common,
    heads: 2,
    stripe: ["attention", "relu"],
    layers: 16,
    block: "pre",
  },
};
const parametrisations = {
  standard: "standard",
  chen: { kind: "chen", baseDepth: 16 },
  gradinit: { kind: "gradinit", iterations: 100, rate: 0.03 },
};
const rates = [3e-4, 1e-3, 3e-3, 1e-2];
const seeds = [1, 2];

const { machine } = await openMachine({ threads: 1 });
for (const [network, architecture] of Object.entries(networks)) {
  for (const [name, parametrisation] of Object.entries(parametrisations)) {
    for (const rate of rates) {
      for (const seed of seeds) {
        const which = { network, parametrisation: name, rate, seed };
        const isKnown = known.some((one) =>
          Object.entries(which).every(([key, value]) => one[key] === value),
        );
        if (!isKnown) {
          const result = { ...which, ...(await run(architecture, parametrisation, rate, seed)) };
          known.push(result);
          appendFileSync(file, `${JSON.stringify(result)}\n`);
        }
      }
    }
    const means = rates.map((rate) =>
      mean(
        known
          .filter((one) => one.network === network && one.parametrisation === name && one.rate === rate)
          .map(({ loss }) => loss),
      ),
    );
    console.log(
      `${network}, ${name}: ${means.map((loss, i) => `${rates[i]}: ${loss.toFixed(3)}`).join("  ")}`,
    );
  }
}
machine.dispose();

async function run(architecture, parametrisation, rate, seed) {
  const folder = mkdtempSync(path.join(tmpdir(), "scantling-initialisations-"));
  const started = performance.now();
  let [first, loss] = [null, null];
  try {
    const training = {
      ...{
        steps: 400,
        batch: 32,
        seed,
        parametrisation,
        evaluateEvery: 400,
        evaluationTokens: 8192,
        keep: 1,
      },
      optimizer: { name: "adamw", weightDecay: 0 },
      schedule: { rate, warmup: 20 },
    };
    for await (const event of train({ machine, folder, architecture, training, force: true })) {
      if (event.kind === "step") first ??= event.loss;
      if (event.kind === "evaluation") loss = event.loss;
    }
  } catch (error) {
    console.error(error.message);
  }
  rmSync(folder, { recursive: true, force: true });
  return { first, loss, seconds: Math.round((performance.now() - started) / 100) / 10 };
}

/** Infinite where a run went out of bounds. */
function mean(losses) {
  return losses.reduce((sum, loss) => sum + (loss ?? Number.POSITIVE_INFINITY), 0) / losses.length;
}
