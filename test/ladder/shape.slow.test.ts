// A ladder of shapes in processes of their own, their losses from a known law: the largest rung is predicted before it is run.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { decoderFamily } from "../../src/ladder/family.ts";
import type { LadderEvent, ladderBy } from "../../src/ladder/ladder.ts";
import { builtFolder, dist } from "../built.ts";

const folder = builtFolder();

/** The best depth grows with the tokens: 2 · (tokens / 10^4)^0.1. */
const worker = `
export async function work({ spec }) {
  const { architecture, training } = spec;
  const tokens = training.steps * training.batch * architecture.length;
  const away = Math.log(architecture.repeat / 2) - 0.1 * Math.log(tokens / 1e4);
  const noise = Math.sin(1e3 * architecture.width + training.steps) / 1e4;
  return { value: { loss: 3 - 0.1 * Math.log(tokens) + 0.1 * away ** 2 + noise }, flops: 1 };
}
`;

test("shapes: all of the smaller budgets, the prediction, then the largest; the same again runs nothing", async () => {
  const file = join(folder.path, "worker.mjs");
  writeFileSync(file, worker);
  // Processes are those of the built library.
  const built: { ladderBy: typeof ladderBy } = await import(
    pathToFileURL(join(dist, "ladder", "ladder.js")).href
  );
  const study = join(folder.path, "shapes");
  const parametrisation = { kind: "mup", baseWidth: 32, zeroHead: true } as const;
  const climb = async () => {
    const events: LadderEvent[] = [];
    const options = {
      ...({ kind: "shape", depths: [1, 2, 3, 4, 6], budgets: [1e10, 4e10, 1.6e11, 6.4e11] } as const),
      ...{ vocabulary: 43, batch: 4, seed: 1, evaluationTokens: 1024, parameters: 20_000 },
      family: decoderFamily(16, { kind: "parametrised", parametrisation, rate: 0.004 }),
      folder: study,
    };
    for await (const event of built.ladderBy(options, pathToFileURL(file))) events.push(event);
    const end = events.at(-1)!;
    if (end.kind !== "end") throw new Error("a ladder ends with its end");
    return { events, end };
  };
  const { events, end } = await climb();
  expect(end.reason).toBe("done");
  expect(end.result.failures).toEqual([]);
  expect(end.result.frontier!.constants.a.value).toBeGreaterThan(0);
  const [outcome] = end.result.outcomes;
  expect(outcome!.best!.isInside).toBe(true);
  expect(outcome!.loss.isInside).toBe(true);
  // By the order of events, and by that of the files.
  const told = events.map((event) =>
    event.kind === "study" && event.event.kind === "result" ? event.event.result.run : event.kind,
  );
  const predictedAt = statSync(join(study, "prediction.json")).mtimeMs;
  for (const run of readdirSync(join(study, "runs")).filter((name) => name.includes("flop"))) {
    const results = join(study, "runs", run, "results");
    const endedAt = Math.max(...readdirSync(results).map((name) => statSync(join(results, name)).mtimeMs));
    const isLargest = run.includes("6.4e11");
    expect(told.indexOf(run) > told.indexOf("prediction")).toBe(isLargest);
    if (isLargest) expect(endedAt).toBeGreaterThanOrEqual(predictedAt);
    else expect(endedAt).toBeLessThanOrEqual(predictedAt);
  }
  const predicted = readFileSync(join(study, "prediction.json"), "utf8");
  expect(predicted).not.toContain('"run": "decoder-6.4e11');
  const again = await climb();
  expect(again.events.some((event) => event.kind === "prediction")).toBe(false);
  expect(again.end.result).toEqual(end.result);
  expect(readFileSync(join(study, "prediction.json"), "utf8")).toBe(predicted);
}, 240_000);
