// How often 95 % intervals of fitted laws hold the truth: runs are drawn from known constants, fitted, and their intervals
// looked at, many times. Each law's result is written as it ends; laws that are already there are not done again.
//
//   npm run build && node bench/laws/coverage.js [--repetitions 200] [--bootstraps 200] [--laws chinchilla,kaplan-nd] [--out FILE]
//
// Design: runs for ten constants each and at least 40, inputs log-uniform over three decades, noise of Student's t with four degrees
// of freedom, 0.5 % wide, as the residuals of the published points of Chinchilla are.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createRandom } from "../../dist/data/random.js";
import { fitLaw, predictFitted } from "../../dist/scaling/fit.js";
import { predict } from "../../dist/scaling/law.js";
import { lawOf, laws } from "../../dist/scaling/laws/laws.js";
import { wholeOption } from "../options.js";

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    repetitions: { type: "string", default: "200" },
    bootstraps: { type: "string", default: "200" },
    laws: { type: "string" },
    out: { type: "string", default: join(here, "coverage.json") },
  },
});
const repetitions = wholeOption(options, "repetitions");
const bootstraps = wholeOption(options, "bootstraps");
const wanted = options.laws?.split(",").map((name) => lawOf(name).name);
const NOISE = 0.005;

const ranges = {
  parameters: [1e7, 1e10],
  tokens: [1e8, 1e11],
  uniqueTokens: [5e7, 5e9],
  flops: [1e17, 1e22],
  loss: [2, 5],
  steps: [1e3, 1e6],
  experts: [1, 512],
  granularity: [1, 32],
  sparsity: [0, 0.98],
  depth: [6, 48],
  state: [1e3, 1e7],
};
const linear = new Set(["loss", "sparsity", "depth"]);
const scaled = new Set(["parameters", "tokens", "uniqueTokens", "flops", "steps", "state"]);
const stand = { state: [200, -0.28], downstream: [0.85, 2.1, 0.8] };

function normal(random, at) {
  return Math.sqrt(-2 * Math.log(1 - random.uniform(at))) * Math.cos(2 * Math.PI * random.uniform(at + 1));
}

/** Student's t with four degrees of freedom from the numbers `at` to `at + 9` of a stream. */
function student(random, at) {
  const squares = [2, 4, 6, 8].reduce((sum, step) => sum + normal(random, at + step) ** 2, 0);
  return normal(random, at) / Math.sqrt(squares / 4);
}

function draw(law, constants, points, seed) {
  const random = createRandom(seed, 7);
  const inputs = Array.from({ length: points }, (_, i) =>
    law.inputs.map((quantity, j) => {
      const [low, high] = ranges[quantity];
      const share = random.uniform(100 * i + j);
      return linear.has(quantity) ? low + share * (high - low) : low * (high / low) ** share;
    }),
  );
  const outputs = inputs.map(
    (row, i) => predict(law, constants, row) * Math.exp(NOISE * student(random, 100 * i + 20)),
  );
  return { inputs, outputs };
}

/** Ten times the largest inputs, and the middle of those that are no sizes. */
function far(law) {
  return law.inputs.map((quantity) => {
    const [low, high] = ranges[quantity];
    return scaled.has(quantity) ? 10 * high : linear.has(quantity) ? (low + high) / 2 : Math.sqrt(low * high);
  });
}

async function coverage(law) {
  const constants = Object.values(law.published)[0]?.values ?? stand[law.name];
  const points = Math.max(40, 10 * constants.length);
  const place = far(law);
  const truth = predict(law, constants, place);
  const told = law.constants.filter((name) => !law.exchangeable?.includes(name));
  const held = Object.fromEntries([...told, "prediction"].map((name) => [name, 0]));
  for (let seed = 0; seed < repetitions; seed++) {
    const fitted = await fitLaw(law, draw(law, constants, points, seed), { bootstraps, seed });
    for (const name of told) {
      const [low, high] = fitted.fit.constants[name].interval;
      const constant = constants[law.constants.indexOf(name)];
      if (constant >= low && constant <= high) held[name]++;
    }
    const [low, high] = predictFitted(law, fitted, place).interval;
    if (truth >= low && truth <= high) held.prediction++;
  }
  const shares = Object.fromEntries(Object.entries(held).map(([name, count]) => [name, count / repetitions]));
  return { points, repetitions, bootstraps, noise: NOISE, shares };
}

const results = existsSync(options.out) ? JSON.parse(readFileSync(options.out, "utf8")) : {};
for (const law of laws) {
  if ((wanted !== undefined && !wanted.includes(law.name)) || results[law.name] !== undefined) continue;
  results[law.name] = await coverage(law);
  writeFileSync(options.out, `${JSON.stringify(results, null, 2)}\n`);
  const told = Object.entries(results[law.name].shares).map(
    ([name, share]) => `${name} ${(100 * share).toFixed(1)} %`,
  );
  console.log(`${law.name} (${results[law.name].points} runs): ${told.join(", ")}`);
}
