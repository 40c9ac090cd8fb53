// What a run loses when its network is pruned: less by importance than by chance.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createNative } from "../../src/backend/native/index.ts";
import type { PruneStep } from "../../src/growth/prune.ts";
import { pruneRun } from "../../src/train/pruneRun.ts";
import { train } from "../../src/train/train.ts";

const folder = mkdtempSync(join(tmpdir(), "scantling-prune-"));
const machine = await createNative({ threads: 1 });
afterAll(() => {
  machine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const steps: readonly PruneStep[] = [
  { prune: "width", to: 24 },
  { prune: "settings", to: { heads: 2, feedforward: 32 } },
];

test.each([1, 2, 3])("a small network of the built-in language, seed %d", async (seed) => {
  const run = join(folder, `run${seed}`);
  const architecture = {
    length: 32,
    width: 32,
    norm: "rms",
    positions: "rope",
    stripe: "[attention(heads: 4), swiglu(feedforward: 64)] × 2",
  } as const;
  const training = { steps: 150, batch: 8, seed, evaluateEvery: 150, evaluationTokens: 4096 };
  const schedule = { rate: 0.01, warmup: 10 };
  for await (const _ of train({ machine, folder: run, architecture, training: { ...training, schedule } }));
  const losses = await Promise.all(
    (["taylor", "random"] as const).map(async (criterion) => {
      const pruned = await pruneRun({
        ...{ folder: run, out: join(folder, `${criterion}${seed}`), machine, steps, criterion, seed },
        batches: 16,
      });
      expect(pruned.parameters).toBeLessThan(0.6 * pruned.parametersBefore);
      return pruned.steps.map(({ loss }) => loss);
    }),
  );
  const [taylor, random] = losses as [number[], number[]];
  taylor.forEach((loss, i) => {
    expect(loss).toBeLessThan(random[i]!);
  });
});
