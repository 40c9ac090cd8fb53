// What models written with the public graph cost: the memory of a selective scan, the time of dropless experts.
import { expect, test } from "vitest";
import { runStandalone } from "./standalone.ts";

interface ScanMeasure {
  readonly peakMemoryBytes: number;
  readonly arenaBytes: number;
  readonly tokensPerSecond: number;
  readonly loss: number;
}

test("a selective scan of width 512, state 16, length 2048, batch 4 trains in under 1 GB", () => {
  const measure = runStandalone("selectiveScanRun", [512, 16, 2048, 4, 2]) as ScanMeasure;
  console.log(
    `selective scan: ${measure.tokensPerSecond} tokens/s, peak ${measure.peakMemoryBytes / 1e6} MB`,
  );
  expect(measure.loss).toBeGreaterThan(0);
  expect(measure.peakMemoryBytes).toBeLessThan(1e9);
  // One value for each place of length × width × state would be 268 MB alone.
  expect(measure.arenaBytes).toBeLessThan(268e6 / 2);
});

interface ExpertsMeasure {
  readonly ratio: number;
  readonly best: { readonly sparse: number; readonly dense: number };
}

test("dropless experts take at most 1.3 times as long as a dense layer of equal active products", () => {
  const { ratio, best } = runStandalone("expertsRun", [16384, 128, 512, 8, 2, 20]) as ExpertsMeasure;
  console.log(`dropless ${best.sparse} ms, dense ${best.dense} ms: ${ratio}`);
  expect(ratio).toBeLessThan(1.3);
});
