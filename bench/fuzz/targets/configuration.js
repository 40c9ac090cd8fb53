// Configurations: architectures, training settings and a run's config.json with a true hash.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { mutateBytes, mutateValue, write } from "../mutate.js";

export const description = "configurations (defineArchitecture, defineTraining, readConfiguration)";

const architectures = [
  { vocabulary: 64, length: 32, width: 48, layers: 2, heads: 4, kvHeads: 2, positions: "rope", norm: "rms" },
  {
    vocabulary: 7,
    length: 9,
    width: 96,
    stripe: ["attention", { primitive: "swiglu", feedforward: 12 }],
    tie: true,
  },
  { vocabulary: 300, length: 5, width: 32, window: 3, dropout: 0.1, activation: "gelu", bias: true },
];
const trainings = [
  {
    steps: 100,
    batch: 12,
    microBatches: 3,
    seed: 7,
    optimizer: "muon",
    schedule: { decay: "wsd", rate: 0.01 },
  },
  {
    steps: 10,
    optimizer: { name: "adamw", weightDecay: 0.1 },
    schedule: { warmup: 2 },
    clip: null,
    order: "epochs",
  },
];
const data = {
  ...{ data: null, tokenizer: null, validationFraction: null, name: "language" },
  ...{ trainingTokens: 10, validationTokens: 5, sha256: "0".repeat(64) },
};
const tokenizer = { kind: "characters", characters: "ab", unknown: false };

/** @typedef {{ kind: "architecture" | "training", value: unknown } | { kind: "file", bytes: Uint8Array }} Input */

/** @param {import("../random.js").Random} random @returns {Input} */
export function generate(random) {
  const architecture = random.pick(architectures);
  const training = random.pick(trainings);
  switch (random.integer(3)) {
    case 0:
      return { kind: "architecture", value: mutateValue(random, architecture) };
    case 1:
      return { kind: "training", value: mutateValue(random, training) };
    default:
      return { kind: "file", bytes: file(random, { architecture, training, data, tokenizer }) };
  }
}

/** @param {import("../random.js").Random} random @param {Record<string, unknown>} content */
function file(random, content) {
  const changed = random.chance(0.8) ? mutateValue(random, content) : content;
  let whole = changed;
  try {
    // What a forger would do: a hash that fits.
    const hash = createHash("sha256").update(JSON.stringify(changed, sorted)).digest("hex");
    whole = { format: "scantling run 1", hash, .../** @type {object} */ (changed) };
  } catch {
    // Nested too deep to be hashed; the file is written without.
  }
  const bytes = Buffer.from(write(random.chance(0.1) ? mutateValue(random, whole) : whole));
  return random.chance(0.3) ? mutateBytes(random, bytes) : bytes;
}

/** @param {string} _ @param {unknown} value */
function sorted(_, value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @param {(path: string) => Promise<any>} load a module of the library @param {string} folder */
export async function prepare(load, folder) {
  const { defineArchitecture } = await load("architecture/architecture");
  const { count } = await load("architecture/count");
  const { restoreTokenizer } = await load("data/tokenizer");
  const { configurationPath, readConfiguration } = await load("train/runFolder");
  const { rateAt } = await load("train/schedule");
  const { defineTraining } = await load("train/settings");

  const checkArchitecture = (/** @type {any} */ once) => {
    if (!isDeepStrictEqual(defineArchitecture(once), once))
      throw new Error("architecture: defined again it is another");
    // Graphs of a few layers are made at once, whatever the sizes.
    if (once.repeat * once.stripe.length > 8) return;
    const { parameters } = count(once);
    if (!(parameters.total > 0)) throw new Error(`architecture: ${parameters.total} parameters`);
  };
  const checkTraining = (/** @type {any} */ once) => {
    if (!isDeepStrictEqual(defineTraining(once), once))
      throw new Error("training: defined again it is another");
    for (const step of [0, once.steps - 1]) {
      const rate = rateAt(once.schedule, step, once.steps);
      if (!(rate >= 0 && Number.isFinite(rate)))
        throw new Error(`training: the rate of step ${step} is ${rate}`);
    }
  };
  return (/** @type {Input} */ input) => {
    if (input.kind === "architecture") checkArchitecture(defineArchitecture(input.value));
    else if (input.kind === "training") checkTraining(defineTraining(input.value));
    else {
      writeFileSync(configurationPath(folder), input.bytes);
      const configuration = readConfiguration(folder);
      checkArchitecture(configuration.architecture);
      restoreTokenizer(configuration.tokenizer);
    }
  };
}
