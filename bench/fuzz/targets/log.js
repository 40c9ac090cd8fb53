// Logs of runs, one JSON record a line, and the report that is made of them.
import { writeFileSync } from "node:fs";
import { mutateBytes, mutateValue, write } from "../mutate.js";

export const description = "logs (runCurve, runResult, writeRunReport)";

const records = [
  { kind: "start", parameters: 1000, optimum: { value: 1.1 }, notes: ["left out 1 duplicate documents: a"] },
  { kind: "step", step: 1, loss: 3.2, tokensPerSecond: 1e4, shareOfPeak: 0.5, gradientNorm: 1 },
  { kind: "step", step: 2, loss: 3.1, tokensPerSecond: 1.1e4, shareOfPeak: 0.51, gradientNorm: 0.9 },
  { kind: "evaluation", step: 2, loss: 3.15, tokens: 100 },
  { kind: "checkpoint", step: 2 },
  { kind: "resume", step: 2, parameters: 1000, notBitwise: "another backend" },
  { kind: "step", step: 3, loss: 3, tokensPerSecond: 1.2e4 },
  { kind: "end", step: 3, seconds: 4, reason: "finished" },
];

/** @param {import("../random.js").Random} random */
export function generate(random) {
  const lines = [];
  for (let i = random.integer(random.chance(0.05) ? 2000 : 20); i > 0; i--) {
    const record = random.pick(records);
    lines.push(write(random.chance(0.4) ? mutateValue(random, record) : record));
  }
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  // Pages take the most time by far.
  return { bytes: random.chance(0.5) ? mutateBytes(random, bytes) : bytes, page: random.chance(0.02) };
}

/** @param {(path: string) => Promise<any>} load a module of the library @param {string} folder */
export async function prepare(load, folder) {
  const { defineArchitecture } = await load("architecture/architecture");
  const { defineConfiguration, logPath, writeConfiguration } = await load("train/runFolder");
  const { runCurve, runResult } = await load("train/runResult");
  const { writeRunReport } = await load("train/runReport");
  const { defineTraining } = await load("train/settings");
  const data = {
    ...{ data: null, tokenizer: null, validationFraction: null, name: "language" },
    ...{ trainingTokens: 10, validationTokens: 5, sha256: "0".repeat(64) },
  };
  const architecture = defineArchitecture({ vocabulary: 64, length: 32, width: 48 });
  const training = defineTraining({ steps: 10 });
  writeConfiguration(
    folder,
    defineConfiguration({ architecture, training, data, tokenizer: { kind: "bytes" } }),
  );
  return (/** @type {{ bytes: Uint8Array, page: boolean }} */ { bytes, page }) => {
    writeFileSync(logPath(folder), bytes);
    const curve = runCurve(folder);
    for (const { step, loss } of [...curve.training, ...curve.validation]) {
      if (!Number.isFinite(step) || !Number.isFinite(loss)) throw new Error("a point that is no number");
    }
    runResult(folder);
    if (page) writeRunReport(folder, { command: "fuzz", ending: "finished" });
  };
}
